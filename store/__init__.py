"""All SQL of the project: tables, mapping to records, units of work. Implements ``bot.ports.Store``."""

from __future__ import annotations

from store.sql.connect import open_engines
from store.sql_store import SqlStore

__all__ = ["SqlStore", "open_store"]


def open_store(url: str) -> SqlStore:
    """A store for a database URL, not yet connected; migrate the schema first (``store.migrate``).

    Raises ``SettingsInvalid`` unless the URL is for a SQLite file or PostgreSQL.
    """
    return SqlStore(open_engines(url))
