"""The engines: SQLite as it loses no update, and a PostgreSQL pool."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import URL, event, make_url
from sqlalchemy.exc import ArgumentError
from sqlalchemy.ext.asyncio import create_async_engine

from bot.errors import SettingsInvalid
from store.sql.dialects import SQLITE

if TYPE_CHECKING:
    from sqlalchemy import Connection
    from sqlalchemy.ext.asyncio import AsyncEngine

DRIVERS: Final = {
    "sqlite": "sqlite+aiosqlite",
    "sqlite+aiosqlite": "sqlite+aiosqlite",
    "postgres": "postgresql+asyncpg",
    "postgresql": "postgresql+asyncpg",
    "postgresql+asyncpg": "postgresql+asyncpg",
}

# FULL: an approval that was answered survives a power cut. busy_timeout: a short command of another process is waited
# for, but never longer than Slack waits for us
_PRAGMAS: Final = (
    "PRAGMA journal_mode = wal",
    "PRAGMA synchronous = full",
    "PRAGMA busy_timeout = 1000",
    "PRAGMA foreign_keys = on",
    "PRAGMA trusted_schema = off",
)

# Slack waits 3 s for an answer: a lock that takes longer is worth nothing
_POSTGRES_SETTINGS: Final = {
    "application_name": "nomatron",
    "idle_in_transaction_session_timeout": "10000",
    "lock_timeout": "3000",
    "statement_timeout": "5000",
}
COMMAND_TIMEOUT = 30.0
"""Seconds until a silent PostgreSQL counts as lost."""


@dataclass(frozen=True, slots=True)
class Engines:
    """One pool, seen twice: units of work that write, and ones that only read."""

    writing: AsyncEngine
    reading: AsyncEngine

    @property
    def one_writer(self) -> bool:
        """Whether writers must take turns in this process: SQLite has one write lock, and waiting for it is unfair."""
        return self.writing.dialect.name == SQLITE


def database_url(text: str) -> URL:
    """The URL with its async driver; ``SettingsInvalid`` for anything but a SQLite file or PostgreSQL."""
    try:
        url = make_url(text)
    except ArgumentError:
        raise SettingsInvalid("The database URL cannot be read; it looks like sqlite:///nomatron.db") from None
    driver = DRIVERS.get(url.drivername)
    if driver is None:
        raise SettingsInvalid(
            f"The database URL begins with {url.drivername}://; use sqlite:///FILE or postgresql://USER:PASSWORD@HOST/NAME"
        )
    url = url.set(drivername=driver)
    if driver.startswith(SQLITE):
        return _file_url(url)
    # libpq calls it sslmode, asyncpg ssl: a URL that hosting platforms hand out should work as it is
    mode = url.query.get("sslmode")
    return url.difference_update_query(["sslmode"]).update_query_dict({"ssl": mode}) if mode else url


def _file_url(url: URL) -> URL:
    if url.database in {None, "", ":memory:"} or url.query.get("mode") == "memory":
        raise SettingsInvalid("SQLite needs a file, as in sqlite:///nomatron.db: in memory nothing would be kept")
    return url


def open_engines(text: str) -> Engines:
    """Engines for a database URL; nothing is connected yet."""
    url = database_url(text)
    return _sqlite(url) if url.get_backend_name() == SQLITE else _postgres(url)


def _sqlite(url: URL) -> Engines:
    engine = create_async_engine(url)
    event.listen(engine.sync_engine, "do_connect", _try_to_open)
    event.listen(engine.sync_engine, "connect", _set_pragmas)
    event.listen(engine.sync_engine, "begin", _begin)
    return Engines(engine, engine.execution_options(ro=True))


def _try_to_open(_dialect: Any, _record: Any, arguments: Any, options: Any) -> None:
    # where a file cannot be opened, aiosqlite leaves a thread behind that outlives the event loop: fail before that
    sqlite3.connect(arguments[0], uri=options.get("uri", False)).close()


def _set_pragmas(connection: Any, _record: Any) -> None:
    # the driver's own BEGIN comes too late (before the first write) and loses updates: ours is in ``_begin``
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in _PRAGMAS:
        cursor.execute(pragma)
    cursor.close()


def _begin(connection: Connection) -> None:
    reading = connection.get_execution_options().get("ro", False)
    connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")


def _postgres(url: URL) -> Engines:
    engine = create_async_engine(
        url,
        pool_pre_ping=True,
        isolation_level="READ COMMITTED",
        connect_args={
            "command_timeout": COMMAND_TIMEOUT,
            "timeout": 5,
            "server_settings": _POSTGRES_SETTINGS,
        },
    )
    one_moment = engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
    return Engines(engine, one_moment)
