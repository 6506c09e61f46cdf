"""Migrates a database's schema, also from an installed package: needs no configuration file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from alembic import command
from alembic.config import Config
from sqlalchemy import text

from store.sql.connect import open_engines
from store.sql.dialects import SQLITE
from store.sql.failures import translate_connect_errors

if TYPE_CHECKING:
    from sqlalchemy import Connection

# an arbitrary number for the advisory lock that keeps two processes from migrating at once
_MIGRATING = 6_276_171


def scripts() -> Config:
    """Alembic's configuration, made in memory."""
    config = Config()
    config.set_main_option("script_location", "store:migrations")
    config.set_main_option("path_separator", "os")
    return config


async def migrate(url: str) -> None:
    """Upgrade the schema to the newest revision in one transaction; does nothing if it is up to date."""
    engine = open_engines(url).writing
    try:
        with translate_connect_errors():
            async with engine.begin() as connection:
                await connection.run_sync(_upgrade)
    finally:
        await engine.dispose()


def _upgrade(connection: Connection) -> None:
    if connection.dialect.name != SQLITE:
        # on SQLite, BEGIN IMMEDIATE already keeps a second process out
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _MIGRATING})
    config = scripts()
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
