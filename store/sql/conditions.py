"""Conditions of partial indexes, as literal text.

An engine uses such an index only if the query has the same text, and not a parameter in it.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import Index
from sqlalchemy import text as sql

CURRENT: Final = "ended_at IS NULL"
DUE: Final = "due_at IS NOT NULL"
HELD: Final = "held_until IS NOT NULL AND kind IN ('card', 'thread')"
IS_OPEN: Final = "status IN ('planning', 'waiting', 'ready', 'dispatching', 'rolling')"
PENDING_CARD: Final = "held_until IS NULL AND kind = 'card'"
REPLY: Final = "kind = 'thread'"
REQUESTED: Final = "type = 'deploy.requested'"
TABLE_REFUSED: Final = "refused_table IS NOT NULL"
UNJUDGED: Final = "unjudged"


def where(name: str, *columns: str, condition: str, unique: bool = False) -> Index:
    """An index of the rows that meet the condition."""
    return Index(name, *columns, unique=unique, sqlite_where=sql(condition), postgresql_where=sql(condition))
