from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from bot.domain.diagnosis.finding import Finding, ok, unknown, warning
from bot.operations.doctor.run import CatalogFolder, Setup
from handlers.cli.doctor import execute, parse
from tests.clocks import FixedClock
from tests.examined import FakeExaminedNomads

if TYPE_CHECKING:
    from collections.abc import Sequence

FINE = ok("settings", "all are valid")
WARNED, UNKNOWN = (
    warning("cluster eu", "ACLs are off", "enable them"),
    unknown("cluster eu version", "not shown", "ask"),
)
FAILED = Finding("database", "holds hunter22", "run `nomatron migrate`")


def a_setup(host: Sequence[Finding]) -> Setup:
    """A set-up of which nothing can be opened, so that the only findings are about the host."""
    folder = CatalogFolder(path="catalog", errors=1, catalog=None)
    return Setup(
        host=tuple(host), folder=folder, clock=FixedClock(), store=None, database=None, slack=None,
        nomads=FakeExaminedNomads(), seconds=5,
    )  # fmt: skip


async def run(host: Sequence[Finding], *words: str) -> int:
    return await execute(parse(words), a_setup(host), lambda text: text.replace("hunter22", "[secret]"))


async def test_each_finding_is_a_line_and_the_last_one_counts(capsys: pytest.CaptureFixture[str]) -> None:
    assert await run([FINE, WARNED, UNKNOWN, FAILED]) == 1

    assert capsys.readouterr().out.splitlines() == [
        "warning: cluster eu: ACLs are off; enable them",
        "unknown: cluster eu version: not shown; ask",
        "error: database: holds [secret]; run `nomatron migrate`",
        "1 error, 1 warning, 1 ok, 1 unknown",
    ]


@pytest.mark.parametrize("option", ["-v", "--verbose"])
async def test_verbosely_what_is_ok_has_a_line(option: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert await run([FINE], option) == 0

    assert capsys.readouterr().out.splitlines() == [
        "ok: settings: all are valid",
        "0 errors, 0 warnings, 1 ok, 0 unknown",
    ]


@pytest.mark.parametrize(("host", "status"), [([FINE], 0), ([WARNED, UNKNOWN], 0), ([FAILED, WARNED], 1)])
async def test_only_an_error_exits_with_1(host: list[Finding], status: int) -> None:
    assert await run(host) == status


async def test_json_for_programs(capsys: pytest.CaptureFixture[str]) -> None:
    assert await run([FINE, UNKNOWN, FAILED], "--json") == 1

    document: dict[str, Any] = json.loads(capsys.readouterr().out)
    assert document == {
        "ok": False,
        "counts": {"errors": 1, "warnings": 0, "ok": 1, "unknown": 1},
        "findings": [
            {"severity": "unknown", "subject": "cluster eu version", "problem": "not shown", "fix": "ask"},
            {
                "severity": "error",
                "subject": "database",
                "problem": "holds [secret]",
                "fix": "run `nomatron migrate`",
            },
        ],
        "passed": [{"subject": "settings", "detail": "all are valid"}],
    }
