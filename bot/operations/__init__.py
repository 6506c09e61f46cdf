"""Verbs, one a file: ask, begin and lock, read, authorize, decide, advance, write row, audit event and outbox together."""
