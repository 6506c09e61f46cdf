from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from bot.domain.diagnosis.finding import Finding, untold, warning, well
from bot.operations.doctor.run import FolderRead, Patient
from handlers.cli.doctor import execute, parse
from tests.clocks import FixedClock
from tests.examined import FakeExaminedNomads

if TYPE_CHECKING:
    from collections.abc import Sequence

FINE = well("settings", "all can be used")
WARNED, UNTOLD = (
    warning("cluster eu", "ACLs are off", "enable them"),
    untold("cluster eu version", "its version", "ask"),
)
BROKEN = Finding("database", "holds hunter22", "run `nomatron migrate`")


def a_patient(host: Sequence[Finding]) -> Patient:
    """Nothing of it can be opened, so that all there is to say is said of the host."""
    folder = FolderRead(path="catalog", errors=1, catalog=None)
    return Patient(
        host=tuple(host), folder=folder, clock=FixedClock(), store=None, database=None, slack=None,
        nomads=FakeExaminedNomads(), seconds=5,
    )  # fmt: skip


async def run(host: Sequence[Finding], *words: str) -> int:
    return await execute(parse(words), a_patient(host), lambda text: text.replace("hunter22", "[secret]"))


async def test_each_finding_is_a_line_and_the_last_one_counts(capsys: pytest.CaptureFixture[str]) -> None:
    assert await run([FINE, WARNED, UNTOLD, BROKEN]) == 1

    assert capsys.readouterr().out.splitlines() == [
        "warning: cluster eu: ACLs are off; enable them",
        "cannot be told: cluster eu version: its version; ask",
        "error: database: holds [secret]; run `nomatron migrate`",
        "1 to mend, 1 warning, 1 that cannot be told, 1 well",
    ]


@pytest.mark.parametrize("option", ["-v", "--verbose"])
async def test_verbosely_what_is_well_has_a_line(option: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert await run([FINE], option) == 0

    assert capsys.readouterr().out.splitlines() == [
        "well: settings: all can be used",
        "0 to mend, 0 warnings, 0 that cannot be told, 1 well",
    ]


@pytest.mark.parametrize(("host", "status"), [([FINE], 0), ([WARNED, UNTOLD], 0), ([BROKEN, WARNED], 1)])
async def test_only_what_has_to_be_mended_ends_with_1(host: list[Finding], status: int) -> None:
    assert await run(host) == status


async def test_json_for_programs(capsys: pytest.CaptureFixture[str]) -> None:
    assert await run([FINE, UNTOLD, BROKEN], "--json") == 1

    document: dict[str, Any] = json.loads(capsys.readouterr().out)
    assert document == {
        "ok": False,
        "findings": [
            {"severity": "untold", "subject": "cluster eu version", "trouble": "its version", "mend": "ask"},
            {
                "severity": "error",
                "subject": "database",
                "trouble": "holds [secret]",
                "mend": "run `nomatron migrate`",
            },
        ],
        "well": [{"subject": "settings", "said": "all can be used"}],
    }
