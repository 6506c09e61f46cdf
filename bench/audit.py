"""Benchmarks the audit log's pages, the digest and the history on a long log, against the same SQL by plain sqlite3.

``python -m bench.audit [--events 1000000] [--rounds 7] [--data FOLDER] [--json]``; bench/README.md explains the output.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sqlite3
import sys
import tempfile
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import combinations
from pathlib import Path
from statistics import median
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Final, cast

from bench.database import database
from bench.log import DAY, ENVIRONMENTS, PEOPLE, SERVICES, catalog
from bench.replay import Measure, compare
from bot.domain.digest.schedule import Scope, Span
from bot.operations.digest.report import report
from bot.operations.queries.history import history
from bot.ports.audit import AuditQuery, Cursor
from store import open_store

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bench.replay import Act, Statement
    from bot.ports import Ports
    from store import SqlStore

EVENTS: Final = 1_000_000
PAGE: Final = 50
DEEP: Final = 0.9
"""The position of the deep pages, as a fraction of the log."""
COLD: Final = 10
"""The number of positions in the log at which each page is read, in turns."""
_CHOICES: Final[dict[str, Sequence[Any]]] = {"service": SERVICES, "environment": ENVIRONMENTS, "actor": PEOPLE}
_FILTERS: Final = [names for count in range(len(_CHOICES) + 1) for names in combinations(_CHOICES, count)]


@dataclass(frozen=True)
class Line:
    """A line of the output: times are milliseconds of the median round, ``ratio`` is the median, lowest and highest."""

    name: str
    ours: float
    theirs: float
    ratio: tuple[float, float, float]
    goal: float | None
    floor: float | None


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark; returns 1 if a ratio is above its floor, which only matters at the default size."""
    asked = _parser().parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="nomatron-bench-") as made:
        folder = asked.data or Path(made)
        folder.mkdir(parents=True, exist_ok=True)
        path = database(folder, asked.events)
        lines = asyncio.run(_measure(path, asked.rounds))
    print(json.dumps([line.__dict__ for line in lines], indent=1) if asked.json else _table(lines, asked.events))
    return int(asked.events >= EVENTS and any(line.floor is not None and line.ratio[0] > line.floor for line in lines))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench.audit", description=__doc__)
    parser.add_argument(
        "--events", type=int, default=EVENTS, help="number of events in the log; the goals are for the default"
    )
    parser.add_argument("--rounds", type=int, default=7, help="number of rounds for the medians")
    parser.add_argument("--data", type=Path, help="keep the database in this folder for the next run")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    return parser


async def _measure(path: Path, rounds: int) -> list[Line]:
    day = _whole_day(path)
    pages = {names: _pages(path, names) for names in _FILTERS}
    others = [
        Measure("tally of a day", [_tally(day)], 5, 1.5, 2.0),
        Measure("report of a day", [_report(day)], 3, 1.5, 2.0),
        Measure("report of a day / one GROUP BY of its rows", [_report(day)], 3, 1.5, 2.0, [[_group_by(day)]]),
        Measure("history, newest 10 deploys", _histories(None), 10),
        Measure("history, 10 deploys far back", _histories(_far_back(path)), 10),
    ]
    async with open_store(f"sqlite:///{path}") as store:
        await compare(store, path, [*(page for both in pages.values() for page in both), *others], rounds)
    lines = [_line(each) for both in pages.values() for each in both]
    lines += [_line(each) for each in others]
    lines += [_depth(*both) for both in pages.values()]
    return [*lines, _depth(*others[-2:])]


def _pages(path: Path, names: Sequence[str]) -> tuple[Measure, Measure]:
    """The measures for the newest page with these filters, and for a deep page."""
    said = "page of all" if not names else f"page by {', '.join(names)}"
    chosen = [{name: _CHOICES[name][each % len(_CHOICES[name])] for name in names} for each in range(COLD)]
    deep = [_deep(path, values, each * PAGE) for each, values in enumerate(chosen)]
    queries = [AuditQuery(**values) for values in chosen]
    tops = [_page(query) for query in queries]
    downs = [_page(replace(query, before=cursor)) for query, (_, cursor) in zip(queries, deep, strict=True)]
    return (
        Measure(f"{said}, depth 0", tops, 20, 5, 10),
        Measure(f"{said}, depth {deep[0][0]:,}", downs, 20, 5, 10),
    )


def _page(query: AuditQuery) -> Act:
    async def act(store: SqlStore) -> object:
        async with store.read() as reading:
            return await reading.audit_page(query, PAGE)

    return act


def _report(day: Span) -> Act:
    shown = catalog()

    async def act(store: SqlStore) -> object:
        async with store.read() as reading:
            return await report(reading, Scope(day), shown.timezone, shown, _link)

    return act


def _group_by(day: Span) -> Statement:
    """The query that a person would try first, by the index of times: the number of events by type and environment."""
    counted = "SELECT service, environment, type, count(*) FROM audit_events WHERE at >= ? AND at < ? GROUP BY 1, 2, 3"
    return counted, tuple(f"{end:%Y-%m-%dT%H:%M:%S.%fZ}" for end in (day.begins, day.ends))


def _tally(day: Span) -> Act:
    async def act(store: SqlStore) -> object:
        async with store.read() as reading:
            return await reading.tally(Scope(day))

    return act


def _histories(before: int | None) -> list[Act]:
    return [_history(service, before) for service in SERVICES[:COLD]]


def _history(service: str, before: int | None) -> Act:
    async def act(store: SqlStore) -> object:
        # everything that a page of the history reads
        ports = cast("Ports", SimpleNamespace(store=store, directory=SimpleNamespace(link=_link)))
        return await history(ports, service, None, before, 10)

    return act


def _link(channel: str, ts: str) -> str:
    return f"https://example.slack.com/archives/{channel}/p{ts}"


def _whole_day(path: Path) -> Span:
    """The last complete day of the log."""
    ((newest,),) = _rows(path, "SELECT max(at) FROM audit_events")
    ends = datetime.fromisoformat(newest).replace(hour=0, minute=0, second=0, microsecond=0)
    return Span(ends - DAY, ends)


def _deep(path: Path, chosen: Mapping[str, Any], less: int) -> tuple[int, Cursor | None]:
    """How many events a deep page has before it, and the last of them (None: there are no such events).

    ``less`` moves the page, so that several deep pages differ.
    """
    where = " AND ".join([f"{name} = ?" for name in chosen] or ["true"])
    values = [getattr(value, "key", value) for value in chosen.values()]
    ((count,),) = _rows(path, f"SELECT count(*) FROM audit_events WHERE {where}", *values)
    deep = max(min(int(count * DEEP), count - PAGE) - (0 if chosen else less), 1)
    newest_first = f'FROM audit_events WHERE {where} ORDER BY at DESC, "index" DESC LIMIT 1 OFFSET {deep - 1}'
    found = _rows(path, f'SELECT at, "index" {newest_first}', *values)
    return deep, next((Cursor(datetime.fromisoformat(at), index) for at, index in found), None)


def _far_back(path: Path) -> int:
    ((newest,),) = _rows(path, "SELECT max(id) FROM deploys")
    return int(newest * (1 - DEEP))


def _rows(path: Path, statement: str, *values: object) -> list[Any]:
    connection = sqlite3.connect(path)
    try:
        return connection.execute(statement, values).fetchall()
    finally:
        connection.close()


def _line(measure: Measure) -> Line:
    ours, theirs = 1000 * median(measure.by_store), 1000 * median(measure.by_sqlite3)
    return Line(measure.name, ours, theirs, _spread(measure.ratios), measure.goal, measure.floor)


def _depth(top: Measure, deep: Measure) -> Line:
    """The cost of depth: the ratio of the deep page to the newest page, both by the store."""
    ratios = [far / near for far, near in zip(deep.by_store, top.by_store, strict=True)]
    ours, theirs = 1000 * median(deep.by_store), 1000 * median(top.by_store)
    return Line(f"{deep.name} / {top.name.rpartition(', ')[2]}", ours, theirs, _spread(ratios), 1.5, 2.0)


def _spread(ratios: list[float]) -> tuple[float, float, float]:
    return median(ratios), min(ratios), max(ratios)


def _table(lines: Sequence[Line], events: int) -> str:
    head = f"{events:,} audit events; milliseconds; ratio: median (lowest..highest round)\n"
    head += f"{'':64}{'Nomatron':>10}{'sqlite3':>10}  ratio              goal  floor\n"
    return head + "\n".join(map(_row, lines))


def _row(line: Line) -> str:
    middle, low, high = line.ratio
    ratio = f"{middle:.2f} ({low:.2f}..{high:.2f})"
    told = f"{line.name:64}{line.ours:10.3f}{line.theirs:10.3f}  {ratio:18}"
    if line.goal is None or line.floor is None:
        return told.rstrip()
    mark = "" if middle <= line.goal else "  over the goal" if middle <= line.floor else "  OVER THE FLOOR"
    return f"{told} {line.goal:4}  {line.floor:5}{mark}"


if __name__ == "__main__":
    sys.exit(main())
