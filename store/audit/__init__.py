"""Rows of the audit log and of the digests that are made from it."""
