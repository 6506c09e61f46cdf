"""The only SQL: rows, their map to records, units of work. ``bot.ports.Store`` says what is promised."""

from __future__ import annotations

from store.sql.connect import open_engines
from store.sql_store import SqlStore

__all__ = ["SqlStore", "open_store"]


def open_store(url: str) -> SqlStore:
    """A store on a database URL, not yet connected; its schema must have been migrated (``store.migrate``).

    ``SettingsInvalid`` for a URL that is neither a SQLite file's nor PostgreSQL's.
    """
    return SqlStore(open_engines(url))
