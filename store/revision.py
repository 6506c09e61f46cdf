"""Which revision of the schema a database has, and which this code has: asked at every start, without Alembic."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from sqlalchemy import column, inspect, select, table

from store.sql.connect import open_engines
from store.sql.failures import translate_connect_errors

if TYPE_CHECKING:
    from sqlalchemy import Connection

_VERSIONS: Final = Path(__file__).parent / "migrations" / "versions"
_APPLIED: Final = table("alembic_version", column("version_num"))


def head() -> str:
    """The newest revision that this code has: their files begin with their numbers."""
    return max(path.name.partition("_")[0] for path in _VERSIONS.glob("[0-9]*_*.py"))


async def revision(url: str) -> str | None:
    """The database's current revision; None if it was never migrated."""
    engine = open_engines(url).reading
    try:
        with translate_connect_errors():
            async with engine.connect() as connection:
                return await connection.run_sync(_current)
    finally:
        await engine.dispose()


def _current(connection: Connection) -> str | None:
    if not inspect(connection).has_table(_APPLIED.name):
        return None
    return connection.execute(select(_APPLIED.c.version_num)).scalar()
