"""Bringing a database's schema up to date, from an installed package and without a configuration file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import text

from store.sql.connect import open_engines
from store.sql.dialects import SQLITE
from store.sql.failures import connecting

if TYPE_CHECKING:
    from sqlalchemy import Connection

# any number that nothing else here locks: two processes must not migrate at once
_MIGRATING = 6_276_171


def scripts() -> Config:
    """Alembic's configuration, in memory."""
    config = Config()
    config.set_main_option("script_location", "store:migrations")
    config.set_main_option("path_separator", "os")
    return config


def head() -> str:
    """The newest revision that this code has."""
    newest = ScriptDirectory.from_config(scripts()).get_current_head()
    return newest or ""


async def migrate(url: str) -> None:
    """Upgrade to the newest revision, all in one transaction; nothing happens where it is there already."""
    engine = open_engines(url).writing
    try:
        with connecting():
            async with engine.begin() as connection:
                await connection.run_sync(_upgrade)
    finally:
        await engine.dispose()


async def revision(url: str) -> str | None:
    """The revision that the database is at; None where it was never migrated."""
    engine = open_engines(url).reading
    try:
        with connecting():
            async with engine.connect() as connection:
                return await connection.run_sync(_current)
    finally:
        await engine.dispose()


def _upgrade(connection: Connection) -> None:
    if connection.dialect.name != SQLITE:
        # SQLite's BEGIN IMMEDIATE keeps the second one out already
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _MIGRATING})
    config = scripts()
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def _current(connection: Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()
