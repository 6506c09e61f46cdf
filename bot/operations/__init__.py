"""Verbs, one a file: ask, begin and lock, read, authorize, decide, advance, then write row, event and outbox."""
