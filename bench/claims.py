"""Measures what it costs to find and claim due work, in a store with few deploys and in one with many.

``python -m bench.claims [--few 100] [--many 200000] [--rounds 5] [--json]``; bench/README.md explains the output.
"""

from __future__ import annotations

import argparse
import asyncio
import sqlite3
import sys
import tempfile
from contextlib import asynccontextmanager, closing
from datetime import timedelta
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import TYPE_CHECKING, Final

from bench.around import a_catalog, a_deploy
from bench.lines import Line, told
from bot.domain.deploy.deploy import Status
from bot.gateways.clock import SystemClock
from bot.ports.claims import Wanted
from store import open_store
from store.migrate import migrate

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from store import SqlStore

LANES: Final = {
    "plan": {Status.PLANNING},
    "dispatch": {Status.READY},
    "register": {Status.DISPATCHING},
    "follow": {Status.ROLLING},
    "recheck": {Status.WAITING},
    "offer": {Status.SUCCEEDED},
}
"""The work that is claimed, with the states of its deploys."""
CLAIMS: Final = 20
"""Claims of a round in each lane, in the two stores in turns; their median counts."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark; returns 1 if a value is beyond its goal."""
    parser = argparse.ArgumentParser(prog="python -m bench.claims", description=__doc__.partition("\n")[0])
    parser.add_argument("--few", type=int, default=100, help="deploys in the small store (%(default)s)")
    parser.add_argument("--many", type=int, default=200_000, help="deploys in the large store (%(default)s)")
    parser.add_argument("--rounds", type=int, default=5, help="rounds, of which the median counts (%(default)s)")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    asked = parser.parse_args(arguments)
    return told(asyncio.run(measure(asked.few, asked.many, asked.rounds)), as_json=asked.json)


async def measure(few: int, many: int, rounds: int) -> list[Line]:
    """A line for each lane, and one for the poll."""
    with tempfile.TemporaryDirectory(prefix="nomatron-bench-") as folder:
        async with _store(Path(folder) / "few.db", few) as small, _store(Path(folder) / "many.db", many) as large:
            found: dict[str, list[tuple[float, float]]] = {}
            for _ in range(rounds):
                for name, statuses in LANES.items():
                    wanted = Wanted(statuses=frozenset(statuses), within=timedelta(days=1))
                    times = [(await _claim(small, wanted), await _claim(large, wanted)) for _ in range(CLAIMS)]
                    found.setdefault(f"a claim to {name}", []).append(_medians(times))
                times = [(await _poll(small), await _poll(large)) for _ in range(CLAIMS)]
                found.setdefault("the poll for all of them", []).append(_medians(times))
    lines = []
    for name, times in found.items():
        ratio = median(after / before for before, after in times)
        lines.append(Line(f"{name}, with {many:,} deploys / with {few:,}", ratio, "x", 1.5))
        lines.append(Line(f"{name}, with {many:,} deploys", 1000 * median(after for _, after in times), "ms"))
    return lines


def _medians(times: Sequence[tuple[float, float]]) -> tuple[float, float]:
    small, large = zip(*times, strict=True)
    return median(small), median(large)


async def _claim(store: SqlStore, wanted: Wanted) -> float:
    """Seconds for a claim and its release; what was claimed is due again at once."""
    now = store.clock.now()
    began = perf_counter()
    claim = await store.claim(wanted, owner="bench", lease=timedelta(minutes=1), now=now)
    if claim is None:
        raise RuntimeError(f"nothing to claim of {sorted(wanted.statuses)}")
    await store.release(claim, now)
    return perf_counter() - began


async def _poll(store: SqlStore) -> float:
    wanted = [Wanted(statuses=frozenset(statuses), within=timedelta(days=1)) for statuses in LANES.values()]
    began = perf_counter()
    await store.due(wanted, store.clock.now())
    return perf_counter() - began


@asynccontextmanager
async def _store(file: Path, number: int) -> AsyncIterator[SqlStore]:
    """A store with so many deploys: fifty of each lane are due, the others succeeded, and nobody need look at them."""
    url = f"sqlite:///{file}"
    await migrate(url)
    catalog, now = a_catalog({"healthy": "http://127.0.0.1:1"}), SystemClock().now()
    async with open_store(url) as store:
        async with store.begin() as tx:
            await tx.apply_catalog(catalog, now)
            first = await tx.add_deploy(a_deploy(catalog, "healthy", Status.SUCCEEDED, "0" * 64, now))
        _multiply(file, first.id, number)
        yield store


def _multiply(file: Path, first: int, number: int) -> None:
    """Copy a deploy so often, and give each lane some that are due."""
    with closing(sqlite3.connect(file, isolation_level=None)) as connection:
        names = [row[1] for row in connection.execute("PRAGMA table_info(deploys)") if row[1] != "id"]
        columns = ", ".join(names)
        values = ", ".join({"due_at": "NULL", "service": "'s' || value"}.get(name, name) for name in names)
        connection.execute("BEGIN")
        connection.execute(
            f"WITH RECURSIVE n(value) AS (SELECT 1 UNION ALL SELECT value + 1 FROM n WHERE value < ?) "
            f"INSERT INTO deploys ({columns}) SELECT {values} FROM deploys JOIN n WHERE id = ?",
            [number, first],
        )
        for place, statuses in enumerate(LANES.values()):
            begins = first + 1 + place * number // 10
            connection.execute(
                "UPDATE deploys SET status = ?, due_at = requested_at WHERE id BETWEEN ? AND ?",
                [next(iter(statuses)).value, begins, begins + max(number // 100, 1)],
            )
        connection.execute("COMMIT")
        connection.execute("ANALYZE")


if __name__ == "__main__":
    sys.exit(main())
