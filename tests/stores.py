"""SQLite stores whose commits do not wait for the disk: no power is cut in these tests.

What survives a killed process is asked of the real thing (``tests/e2e``).
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from store import SqlStore
from store.sql import sqlite
from store.sql.connect import sqlite_engines
from store.sql.sqlite import SqliteConnection

if TYPE_CHECKING:
    from pathlib import Path


async def connect(file: Path, kind: type[SqliteConnection] = SqliteConnection) -> SqliteConnection:
    """An open connection to this file."""
    made = await sqlite.connect(str(file), kind)
    await made.run(lambda cursor: cursor.execute("PRAGMA synchronous = off"))
    return made


def open_file(file: Path) -> SqlStore:
    """A store on this file."""
    return SqlStore(sqlite_engines(partial(connect, file)))
