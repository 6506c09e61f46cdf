"""Stores whose statements take turns as a seed draws them: real SQLite connections, but without their threads.

So a failing seed always fails in the same way, and no statement costs a hop to another thread and back.
"""

from __future__ import annotations

import asyncio
import sqlite3
from typing import TYPE_CHECKING, Any, TypeVar

from sqlalchemy import event

from store.sql.hops import OneHop

if TYPE_CHECKING:
    import random
    from collections.abc import Callable

    from store import SqlStore

T = TypeVar("T")
_MOST_TURNS = 2
_PATIENCE = 300
"""Turns that a writer waits for the other one's lock; in a thread SQLite waits for a second."""


class InTurn(OneHop):
    """A connection whose calls are made here, each after as many turns of the others as the dice say."""

    def __init__(self, driver: Any, dice: random.Random | None) -> None:
        super().__init__(driver)
        self._dice = dice

    async def hop(self, call: Callable[..., T], *args: object) -> T:
        """Make the call at once, or a few turns later."""
        for _ in range(self._dice.randint(0, _MOST_TURNS) if self._dice else 0):
            await asyncio.sleep(0)
        for _ in range(_PATIENCE):
            try:
                return call(*args)
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode != sqlite3.SQLITE_BUSY:
                    raise
                await asyncio.sleep(0)
        return call(*args)


def take_turns(store: SqlStore, dice: random.Random | None = None) -> None:
    """Let the store's connections take turns, its statements at once if there are no dice."""

    def connect(connection: Any, record: object) -> None:
        forgo_the_disk(connection, record)
        cursor = connection.cursor()
        # while SQLite itself waits, nobody has a turn
        cursor.execute("PRAGMA busy_timeout = 0")
        cursor.close()
        connection._connection = InTurn(connection._connection.driver, dice)

    event.listen(store.engines.writing.sync_engine, "connect", connect)


def forgo_the_disk(connection: Any, _: object) -> None:
    """Commits need not wait for the disk: no power is cut here."""
    cursor = connection.cursor()
    cursor.execute("PRAGMA synchronous = off")
    cursor.close()
