"""A statement needs one hop to SQLite's thread, however many things the driver does for it."""

from __future__ import annotations

import sqlite3

import pytest

from store.sql.hops import OneHop


class Driver:
    """Counts the hops to a thread that it does not have."""

    def __init__(self) -> None:
        self._conn = sqlite3.connect(":memory:", isolation_level=None)
        self.hops = 0
        self.name = "driver"

    async def _execute(self, call, *args):
        self.hops += 1
        return call(*args)


@pytest.fixture
def driver():
    made = Driver()
    made._conn.execute("CREATE TABLE t (n INTEGER PRIMARY KEY, word TEXT)")
    yield made
    made._conn.close()


async def test_a_query_is_one_hop_with_all_its_rows(driver):
    driver._conn.execute("INSERT INTO t (word) VALUES ('a'), ('b')")
    cursor = await OneHop(driver).cursor().__aenter__()
    await cursor.execute("SELECT n, word FROM t WHERE n > ? ORDER BY n", (0,))
    assert await cursor.fetchall() == [(1, "a"), (2, "b")]
    assert [column[0] for column in cursor.description] == ["n", "word"]
    await cursor.close()
    assert driver.hops == 1


async def test_a_write_says_what_it_did(driver):
    cursor = OneHop(driver).cursor()
    await cursor.executemany("INSERT INTO t (word) VALUES (?)", [("a",), ("b",)])
    assert (cursor.rowcount, cursor.description, await cursor.fetchall()) == (2, None, [])
    await cursor.execute("INSERT INTO t (word) VALUES (?) RETURNING n", ("c",))
    assert (cursor.lastrowid, await cursor.fetchall()) == (3, [(3,)])
    await cursor.execute("UPDATE t SET word = 'd' WHERE n > 1")
    assert cursor.rowcount == 2
    assert driver.hops == 3


@pytest.mark.parametrize(("end", "left"), [("commit", 1), ("rollback", 0)])
async def test_a_transaction_begins_with_its_first_statement_and_ends(driver, end, left):
    connection = OneHop(driver)
    connection.begin("BEGIN IMMEDIATE")
    assert not driver._conn.in_transaction
    await connection.cursor().execute("INSERT INTO t (word) VALUES ('a')")
    assert driver._conn.in_transaction
    await getattr(connection, end)()
    assert not driver._conn.in_transaction
    assert driver._conn.execute("SELECT count(*) FROM t").fetchone() == (left,)
    assert driver.hops == 2


@pytest.mark.parametrize("end", ["commit", "rollback"])
async def test_one_without_a_statement_never_begins(driver, end):
    connection = OneHop(driver)
    connection.begin("BEGIN IMMEDIATE")
    await getattr(connection, end)()
    await connection.cursor().execute("SELECT 1")
    assert (driver.hops, driver._conn.in_transaction) == (1, False)


async def test_a_statement_that_fails_leaves_the_transaction_to_be_rolled_back(driver):
    connection = OneHop(driver)
    connection.begin("BEGIN")
    with pytest.raises(sqlite3.OperationalError, match="no such table"):
        await connection.cursor().execute("SELECT * FROM elsewhere")
    assert driver._conn.in_transaction
    await connection.rollback()
    assert not driver._conn.in_transaction


def test_all_else_is_the_drivers(driver):
    assert OneHop(driver).name == "driver"
