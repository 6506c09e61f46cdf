"""Reads for every surface: status, history, the audit log, who somebody is, health."""
