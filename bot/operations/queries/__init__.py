"""Queries for every surface: status, history, audit log, whoami, health."""
