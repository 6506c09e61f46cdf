"""Opens the engines: SQLite set up to lose no update, or a pool for PostgreSQL."""

from __future__ import annotations

import stat
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Final, cast

from sqlalchemy import URL, AsyncAdaptedQueuePool, event, make_url
from sqlalchemy.exc import ArgumentError
from sqlalchemy.ext.asyncio import create_async_engine

from bot.errors import SettingsInvalid
from store.sql import sqlite
from store.sql.dialects import SQLITE

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from sqlalchemy import Connection
    from sqlalchemy.ext.asyncio import AsyncEngine

    from store.sql.sqlite import SqliteConnection

DRIVERS: Final = {
    "sqlite": "sqlite+aiosqlite",
    "sqlite+aiosqlite": "sqlite+aiosqlite",
    "postgres": "postgresql+asyncpg",
    "postgresql": "postgresql+asyncpg",
    "postgresql+asyncpg": "postgresql+asyncpg",
}

# Slack waits 3 s for an answer, so to wait longer for a lock is useless
_POSTGRES_SETTINGS: Final = {
    "application_name": "nomatron",
    "idle_in_transaction_session_timeout": "10000",
    "lock_timeout": "3000",
    "statement_timeout": "5000",
}
POOL = 16
"""How many connections are kept open, once so many were in use at the same time: the loops that work, and clicks."""
COMMAND_TIMEOUT = 30.0
"""Seconds until a silent PostgreSQL counts as lost."""


@dataclass(frozen=True, slots=True)
class Engines:
    """Two engines on one pool: one for units of work that write, one for those that only read."""

    writing: AsyncEngine
    reading: AsyncEngine

    @property
    def one_writer(self) -> bool:
        """Whether writers must queue in this process: SQLite has one write lock, and hands it out unfairly."""
        return self.writing.dialect.name == SQLITE


def database_url(text: str) -> URL:
    """The URL with its async driver; raises ``SettingsInvalid`` unless it is for a SQLite file or PostgreSQL."""
    try:
        url = make_url(text)
    except ArgumentError:
        raise SettingsInvalid(
            "The database URL is malformed. Set NOMATRON_DATABASE_URL to something like sqlite:///nomatron.db."
        ) from None
    driver = DRIVERS.get(url.drivername)
    if driver is None:
        raise SettingsInvalid(
            f"The database URL starts with {url.drivername}://. Use sqlite:///FILE or postgresql://USER:PASSWORD@HOST/NAME."
        )
    url = url.set(drivername=driver)
    if driver.startswith(SQLITE):
        return _file_url(url)
    # libpq calls it sslmode and asyncpg calls it ssl: a URL from a hosting platform should work unchanged
    mode = url.query.get("sslmode")
    return url.difference_update_query(["sslmode"]).update_query_dict({"ssl": mode}) if mode else url


def _file_url(url: URL) -> URL:
    if url.database in {None, "", ":memory:"} or url.query.get("mode") == "memory":
        raise SettingsInvalid(
            "The database URL names no file, so every restart would lose all data. Name one: sqlite:///nomatron.db."
        )
    if "uri" in url.query:
        # its options can switch SQLite's locks off, and one file would have two spellings, with a lock file for each
        raise SettingsInvalid("A SQLite `file:` URI isn't supported. Use a plain path: sqlite:///nomatron.db.")
    return url


def sqlite_file(url: URL) -> Path | None:
    """The SQLite file of a URL from ``database_url``, absolute and without symlinks; None for PostgreSQL.

    The file need not exist. Raises ``SettingsInvalid`` if it has another name (a hard link): SQLite keeps the newest
    changes in a file that is named after the database, so two processes that use two names destroy the database.
    """
    if url.get_backend_name() != SQLITE:
        return None
    path = Path(url.database or "")
    try:
        file = path.resolve()
        found = file.stat()
    except RuntimeError:
        raise SettingsInvalid(f"The database file {path} is a loop of symlinks. Name the file itself.") from None
    except OSError:
        # it does not exist yet, or SQLite will say why it cannot be opened
        return file
    if stat.S_ISREG(found.st_mode) and found.st_nlink > 1:
        raise SettingsInvalid(
            f"The database file {file} has {found.st_nlink} names (hard links), and two names of one SQLite file "
            f"destroy it. Stop every Nomatron, list the names with `find / -xdev -samefile {quote(str(file))}`, and "
            "keep one: the one with a -wal file beside it. If you need a second name, make it a symlink."
        )
    return file


def open_engines(text: str) -> Engines:
    """Engines for a database URL, not yet connected. Raises what ``database_url`` and ``sqlite_file`` raise."""
    url = database_url(text)
    file = sqlite_file(url)
    # the resolved path: all connections open the same file, whatever becomes of a symlink or the working directory
    return _postgres(url) if file is None else sqlite_engines(partial(sqlite.connect, str(file)))


def sqlite_engines(connect: Callable[[], Awaitable[SqliteConnection]]) -> Engines:
    """Engines on the connections that ``connect`` opens, at most one for each unit of work at a time."""
    engine = create_async_engine(
        "sqlite+aiosqlite://",
        async_creator=connect,
        poolclass=AsyncAdaptedQueuePool,
        pool_size=POOL,
        pool_use_lifo=True,
    )
    event.listen(engine.sync_engine, "begin", _begin)
    return Engines(engine, engine.execution_options(ro=True))


def _begin(connection: Connection) -> None:
    # a transaction that writes takes the one write lock before it reads anything, or it could lose an update
    reading = connection.get_execution_options().get("ro", False)
    driver = cast("SqliteConnection", connection.connection.driver_connection)
    driver.begin("BEGIN" if reading else "BEGIN IMMEDIATE")


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
