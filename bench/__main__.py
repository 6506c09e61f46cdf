"""Runs the benches that have goals, one after another, and makes docs/performance.md from what they found.

``python -m bench [--full] [--page] [--json]``; bench/README.md explains each of them.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import sqlite3
import sys
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from bench import claims, clicks, idle, outbox, rollouts
from bench.lines import told
from bench.page import page

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from bench.lines import Line

ROOT: Final = Path(__file__).parent.parent
RESULTS, PAGE = ROOT / "bench" / "results.json", ROOT / "docs" / "performance.md"


class Bench(NamedTuple):
    """A bench: its heading, and how it runs small and at the sizes that the goals are for."""

    heading: str
    small: Callable[[], Awaitable[list[Line]]]
    full: Callable[[], Awaitable[list[Line]]]


BENCHES: Final = (
    Bench("Idle, start and short commands", lambda: idle.measure(10, 2), lambda: idle.measure(30, 5)),
    Bench("Finding due work", lambda: claims.measure(100, 20_000, 3), lambda: claims.measure(100, 200_000, 5)),
    Bench("Clicks", lambda: clicks.measure(1, 10, 3), lambda: clicks.measure(5, 20, 5)),
    Bench("Rollouts", lambda: rollouts.measure(100, 10, 5), lambda: rollouts.measure(1000, 60, 30)),
    Bench("Messages", lambda: outbox.measure(50, 5, 10), lambda: outbox.measure(500, 5, 30)),
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run them all; returns 1 if a value is beyond its goal, which only matters with ``--full``."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__.partition("\n")[0])
    parser.add_argument("--full", action="store_true", help="at the sizes that the goals are for; ten minutes")
    parser.add_argument("--page", action="store_true", help="keep the results, and make docs/performance.md from them")
    parser.add_argument("--json", action="store_true", help="print JSON instead of tables")
    asked = parser.parse_args(arguments)
    results = asyncio.run(_run(full=asked.full, loud=not asked.json))
    if asked.json:
        print(json.dumps(results, indent=1))
    if asked.page:
        RESULTS.write_text(json.dumps(results, indent=1) + "\n")
        PAGE.write_text(page(results))
    return int(any(not line["reached"] for part in results["parts"] for line in part["lines"]))


async def _run(*, full: bool, loud: bool) -> dict[str, Any]:
    parts = []
    for bench in BENCHES:
        lines = await (bench.full if full else bench.small)()
        if loud:
            print(f"\n## {bench.heading}\n", flush=True)
            told(lines, as_json=False)
        parts.append({"heading": bench.heading, "lines": [{**asdict(line), "reached": line.reached} for line in lines]})
    return {"on": _machine(), "full": full, "parts": parts}


def _machine() -> dict[str, str]:
    """What the figures were measured on."""
    name = next(
        (
            line.partition(":")[2].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if "model name" in line
        ),
        platform.machine(),
    )
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "processor": f"{os.cpu_count()} cores of {name}",
        "python": platform.python_version(),
        "sqlite": sqlite3.sqlite_version,
        "load": f"{os.getloadavg()[2]:.1f}",
    }


if __name__ == "__main__":
    sys.exit(main())
