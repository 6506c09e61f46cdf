"""Makes docs/performance.md from the results of the last run."""

from __future__ import annotations

from typing import Any, Final

from bench.lines import Line

BEFORE: Final = {
    "click to register, p50 / a raw register": "67 x",
    "click to register, p99 / a raw register": "171 x",
    "one click on an idle bot, to register": "1200 ms",
    "approval acknowledged, p99 / Bolt with one commit": "9 x",
    "requests acknowledged, 16 connections": "18 /s",
    "approvals / raw commits, 16 connections": "0.01 x",
    "approvals refused / Bolt with 20 listeners": "0.02 x",
    "idle: the processor's share": "111 % of a core",
    "idle: calls to Nomad": "89 a second",
    "memory of an idle bot": "128 MB",
    "a claim to plan, with 200,000 deploys / with 100": "over 1000 x",
}
"""What was measured on 2026-11-30, before this work, by programs that are not kept here."""

_HEAD: Final = """# Performance

What was measured, against what, and what the goals are. `make bench-full` measures it anew, and `make bench-full
ARGS=--page` writes this page; `make bench` is a small run of three minutes. [bench/README.md](../bench/README.md) says
what each line is.

Where a line has a `/`, the second is a control that was measured in the same run, in turns with ours, so that the ratio
says little about the machine. Each value is the median of the rounds. *Before* is what the same measure showed on
2026-11-30, on a machine of the same kind.
"""
_COUNTS: Final = (
    (
        "transactions from the last approval to Nomad, and after its answer",
        "2, 1",
        "operations/worker/test_dispatch_counts.py",
    ),
    (
        "calls to Nomad from the last approval, while its stream is read",
        "1",
        "operations/worker/test_dispatch_counts.py",
    ),
    ("statements of an approval, and of one that completes the seats", "8, 11", "operations/test_statements.py"),
    ("connections opened from a request to its success", "0", "operations/test_statements.py"),
    ("looks at the database by an idle worker", "1 a second", "handlers/test_work.py"),
    (
        "reads of Nomad for many quiet rollouts of a namespace",
        "2 lists a minute",
        "gateways/nomad/test_nomad_observer.py",
    ),
    ("tables that a loop reads whole", "0", "store/test_indexes.py"),
)


def page(results: dict[str, Any]) -> str:
    """The page, as Markdown."""
    on = results["on"]
    size = "the sizes that the goals are for" if results["full"] else "small sizes, which say little about the goals"
    where = (
        f"\nMeasured on {on['date']} on {on['processor']}, Python {on['python']}, SQLite {on['sqlite']}, at {size}. "
        f"The machine's load was {on['load']} on the average of the last 15 minutes.\n"
    )
    parts = [f"\n## {part['heading']}\n\n{_table(part['lines'])}" for part in results["parts"]]
    return "".join([_HEAD, where, *parts, _counts()])


def _table(lines: list[dict[str, Any]]) -> str:
    rows = ["| measured | before | now | goal | |", "|---|---|---|---|---|"]
    for each in lines:
        line = Line(**{name: value for name, value in each.items() if name != "reached"})
        verdict = "" if line.goal is None else "reached" if line.reached else "**missed**"
        before = BEFORE.get(line.name, "")
        rows.append(f"| {line.name} | {before} | {line.value:.2f} {line.unit} | {line.bound} | {verdict} |")
    return "\n".join(rows) + "\n"


def _counts() -> str:
    rows = [f"| {what} | {count} | `tests/{test}` |" for what, count, test in _COUNTS]
    table = "\n".join(["| what | count | test |", "|---|---|---|", *rows])
    return f"\n## Exact counts\n\nThese do not depend on a machine, so they are tests in `make test`.\n\n{table}\n"
