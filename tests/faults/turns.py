"""Stores whose statements take turns as a seed draws them: real SQLite connections, but without their threads.

So a failing seed always fails in the same way, and no statement costs a hop to another thread and back.
"""

from __future__ import annotations

import asyncio
import sqlite3
from typing import TYPE_CHECKING, TypeVar

from store import SqlStore
from store.sql.connect import sqlite_engines
from store.sql.sqlite import SqliteConnection
from tests import stores

if TYPE_CHECKING:
    import random
    from collections.abc import Callable
    from pathlib import Path

T = TypeVar("T")
_MOST_TURNS = 2
_PATIENCE = 300
"""Turns that a writer waits for the other one's lock; in a thread SQLite waits for a second."""


class InTurn(SqliteConnection):
    """A connection whose calls are made here, each after as many turns of the others as the dice say."""

    dice: random.Random | None = None

    async def hop(self, call: Callable[..., T], *args: object) -> T:
        """Make the call at once, or a few turns later."""
        for _ in range(self.dice.randint(0, _MOST_TURNS) if self.dice else 0):
            await asyncio.sleep(0)
        for _ in range(_PATIENCE):
            try:
                return call(*args)
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode != sqlite3.SQLITE_BUSY:
                    raise
                await asyncio.sleep(0)
        return call(*args)


def open_in_turn(file: Path, dice: random.Random | None = None) -> SqlStore:
    """A store whose connections take turns, its statements at once if there are no dice."""

    async def connect() -> SqliteConnection:
        made = await stores.connect(file, InTurn)
        assert isinstance(made, InTurn)
        # while SQLite itself waits, nobody has a turn
        await made.run(lambda cursor: cursor.execute("PRAGMA busy_timeout = 0"))
        made.dice = dice
        return made

    return SqlStore(sqlite_engines(connect))
