"""Commits that fail: where every write transaction passes, which is the engine's own commit."""

from __future__ import annotations

import sqlite3
from contextlib import contextmanager
from enum import StrEnum
from typing import TYPE_CHECKING

from sqlalchemy import event

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection

    from store import SqlStore


class Fault(StrEnum):
    """How a commit fails: without room, or with the connection, before or after what it does."""

    FULL = "full"
    LOST_BEFORE = "lost before"
    LOST_AFTER = "lost after"


class Commits:
    """Counts the commits of a store, claims, leases and the outbox with them, and lets one of them fail."""

    def __init__(self, store: SqlStore) -> None:
        self.count = 0
        self._fails: tuple[int, Fault] | None = None
        self._counts = True
        event.listen(store.engines.writing.sync_engine, "commit", self._commit)

    def fail(self, number: int, fault: Fault) -> None:
        """Let the commit with this number fail, from 1, counted from now."""
        self.count, self._fails = 0, (number, fault)

    @contextmanager
    def uncounted(self) -> Iterator[None]:
        """What the test itself writes meanwhile neither counts nor fails."""
        self._counts = False
        try:
            yield
        finally:
            self._counts = True

    def _commit(self, connection: Connection) -> None:
        if not self._counts:
            return
        self.count += 1
        if self._fails is None or self._fails[0] != self.count:
            return
        fault = self._fails[1]
        # as SQLite does: a commit that fails for want of room, or of the disk, has rolled back
        settle = connection.connection.commit if fault is Fault.LOST_AFTER else connection.connection.rollback
        settle()
        raise _full() if fault is Fault.FULL else _lost()


def _full() -> sqlite3.Error:
    return _error("database or disk is full", sqlite3.SQLITE_FULL)


def _lost() -> sqlite3.Error:
    return _error("disk I/O error", sqlite3.SQLITE_IOERR)


def _error(text: str, code: int) -> sqlite3.Error:
    error = sqlite3.OperationalError(text)
    error.sqlite_errorcode = code
    return error
