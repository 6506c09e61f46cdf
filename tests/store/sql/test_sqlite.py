"""A statement needs one hop to SQLite's thread, however many things the driver does for it."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from typing import TYPE_CHECKING

import pytest

from store.sql.sqlite import SqliteConnection, connect

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path


class Counted(SqliteConnection):
    """Counts its hops."""

    hops = 0

    async def _execute(self, fn: Callable, *args, **kwargs):
        self.hops += 1
        return await super()._execute(fn, *args, **kwargs)


@pytest.fixture
async def connection(tmp_path: Path) -> AsyncIterator[Counted]:
    made = await connect(str(tmp_path / "t.db"), Counted)
    assert isinstance(made, Counted)
    await made.run(lambda cursor: cursor.execute("CREATE TABLE t (n INTEGER PRIMARY KEY, word TEXT)"))
    made.hops = 0
    yield made
    await made.close()


async def rows(connection: Counted, statement: str) -> list:
    return (await connection.run(lambda cursor: cursor.execute(statement))).rows


async def test_a_query_is_one_hop_with_all_its_rows(connection: Counted):
    await rows(connection, "INSERT INTO t (word) VALUES ('a'), ('b')")
    connection.hops = 0
    cursor = connection.cursor()
    await cursor.execute("SELECT n, word FROM t WHERE n > ? ORDER BY n", (0,))
    assert await cursor.fetchall() == [(1, "a"), (2, "b")]
    assert [column[0] for column in cursor.description] == ["n", "word"]
    assert connection.hops == 1


async def test_a_write_says_what_it_did(connection: Counted):
    cursor = connection.cursor()
    await cursor.executemany("INSERT INTO t (word) VALUES (?)", [("a",), ("b",)])
    assert (cursor.rowcount, cursor.description, await cursor.fetchall()) == (2, None, [])
    await cursor.execute("INSERT INTO t (word) VALUES (?) RETURNING n", ("c",))
    assert (cursor.lastrowid, await cursor.fetchall()) == (3, [(3,)])
    await cursor.execute("UPDATE t SET word = 'd' WHERE n > 1")
    assert cursor.rowcount == 2
    assert connection.hops == 3


@pytest.mark.parametrize(("end", "left"), [("commit", 1), ("rollback", 0)])
async def test_a_transaction_begins_with_its_first_statement_and_ends(connection: Counted, end: str, left: int):
    connection.begin("BEGIN IMMEDIATE")
    assert (connection.in_transaction, connection.hops) == (False, 0)
    await rows(connection, "INSERT INTO t (word) VALUES ('a')")
    assert connection.in_transaction
    await getattr(connection, end)()
    # as the pool does it when a connection comes back
    await connection.rollback()
    assert (connection.in_transaction, connection.hops) == (False, 2)
    assert await rows(connection, "SELECT count(*) FROM t") == [(left,)]


@pytest.mark.parametrize("end", ["commit", "rollback"])
async def test_one_without_a_statement_never_begins(connection: Counted, end: str):
    connection.begin("BEGIN IMMEDIATE")
    await getattr(connection, end)()
    await rows(connection, "SELECT 1")
    assert (connection.hops, connection.in_transaction) == (1, False)


async def test_a_statement_that_fails_leaves_the_transaction_to_be_rolled_back(connection: Counted):
    connection.begin("BEGIN")
    with pytest.raises(sqlite3.OperationalError, match="no such table"):
        await rows(connection, "SELECT * FROM elsewhere")
    assert connection.in_transaction
    await connection.rollback()
    assert not connection.in_transaction


async def test_a_cancelled_statement_that_has_not_run_yet_leaves_no_transaction(connection: Counted):
    thread_goes_on = threading.Event()
    held = asyncio.create_task(connection.hop(thread_goes_on.wait))
    connection.begin("BEGIN IMMEDIATE")
    statement = asyncio.create_task(rows(connection, "INSERT INTO t (word) VALUES ('a')"))
    await asyncio.sleep(0)
    statement.cancel()
    with pytest.raises(asyncio.CancelledError):
        await statement
    # as the pool does it when a connection comes back
    ended = asyncio.create_task(connection.rollback())
    await asyncio.sleep(0)
    thread_goes_on.set()
    await asyncio.gather(held, ended)

    assert not connection.in_transaction
    assert await rows(connection, "SELECT count(*) FROM t") == [(0,)]


async def test_what_is_no_database_is_not_opened(tmp_path: Path):
    (tmp_path / "t.db").write_text("no database " * 1000, "utf-8")
    with pytest.raises(sqlite3.DatabaseError, match="not a database"):
        await connect(str(tmp_path / "t.db"))
