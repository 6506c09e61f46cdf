"""Times the same work twice, in turns: by the store, and by the same statements with plain sqlite3."""

from __future__ import annotations

import sqlite3
from collections.abc import Awaitable, Callable
from contextlib import contextmanager
from dataclasses import dataclass, field
from statistics import median
from time import perf_counter
from typing import TYPE_CHECKING, Any

from sqlalchemy import event

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from store import SqlStore

Statement = tuple[str, Any]


Act = Callable[["SqlStore"], Awaitable[object]]


@dataclass
class Measure:
    """An operation of the store to measure: ``calls`` per round, spread evenly over the ``acts``.

    Several acts read different positions, because SQLite caches the last ones. ``by_store`` and ``by_sqlite3`` are the
    medians of the rounds so far, in seconds. ``statements`` are those that each act sends, unless given. The ``goal``
    is the ratio to reach, the ``floor`` the highest allowed ratio; None: the ratio is only printed.
    """

    name: str
    acts: list[Act]
    calls: int
    goal: float | None = None
    floor: float | None = None
    statements: list[list[Statement]] = field(default_factory=list)
    by_store: list[float] = field(default_factory=list)
    by_sqlite3: list[float] = field(default_factory=list)

    @property
    def ratios(self) -> list[float]:
        """The store's time divided by that of plain sqlite3, for each round."""
        return [ours / raw for ours, raw in zip(self.by_store, self.by_sqlite3, strict=True)]


async def compare(store: SqlStore, path: Path, measures: list[Measure], rounds: int) -> None:
    """Run all measures in each round, with calls in turns, so that a busy machine slows down both equally."""
    raw = sqlite3.connect(path, isolation_level=None)
    try:
        for measure in measures:
            sent = [await statements(store, act) for act in measure.acts]
            measure.statements = measure.statements or sent
        for _ in range(rounds):
            for measure in measures:
                await _round(store, raw, measure)
    finally:
        raw.close()


async def _round(store: SqlStore, raw: sqlite3.Connection, measure: Measure) -> None:
    ours: list[float] = []
    theirs: list[float] = []
    for call in range(measure.calls):
        which = call % len(measure.acts)
        begun = perf_counter()
        await measure.acts[which](store)
        between = perf_counter()
        replay(raw, measure.statements[which])
        ours.append(between - begun)
        theirs.append(perf_counter() - between)
    measure.by_store.append(median(ours))
    measure.by_sqlite3.append(median(theirs))


def replay(raw: sqlite3.Connection, sent: list[Statement]) -> int:
    """Run the statements in one transaction and fetch all rows; returns the number of rows."""
    rows = 0
    raw.execute("BEGIN")
    for statement, parameters in sent:
        rows += len(raw.execute(statement, parameters).fetchall())
    raw.execute("ROLLBACK")
    return rows


async def statements(store: SqlStore, act: Act) -> list[Statement]:
    """The statements that the store sends to the driver during the act."""
    with _record_statements(store) as sent:
        await act(store)
    return sent


@contextmanager
def _record_statements(store: SqlStore) -> Iterator[list[Statement]]:
    sent: list[Statement] = []

    def keep(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        if not statement.startswith("BEGIN"):
            sent.append((statement, parameters))

    engine = store.engines.writing.sync_engine
    event.listen(engine, "before_cursor_execute", keep)
    try:
        yield sent
    finally:
        event.remove(engine, "before_cursor_execute", keep)
