"""Each row of the answer table, made by the simulated Nomad over HTTP: the final state and the number of versions.

All rows run in one sandbox, each on a service of its own, so that the settle time of those that need it is waited for
once. The write time-out is short here; Nomad's own enqueue limit is not ours to shorten.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from tests.e2e.driver import ALICE, BOB, Sandbox

if TYPE_CHECKING:
    from collections.abc import Iterator

CONFLICT = "Enforcing job modify index 5: job exists with conflicting job modify index: 13"
INVALID = "1 error occurred:\n\t* Task group worker validation failed: 1 error occurred:\n\t* Missing task driver\n\n\n"


@dataclass(frozen=True)
class Row:
    """An answer to the first attempt, and what has to come of it; ``ours`` counts the versions that we made."""

    name: str
    answer: Any
    apply: bool
    state: str
    ours: int
    when: str = "before"
    seconds: float = 0
    meddle: bool = False
    attempts: int = 1
    said: str = ""


def _said(status: int, text: str) -> dict[str, Any]:
    return {"status": status, "text": text}


NO_OP = json.dumps({"EvalID": "e", "EvalCreateIndex": 90, "JobModifyIndex": 19, "Index": 90, "Warnings": ""})

ROWS = (
    Row("landed", "normal", apply=True, state="Succeeded", ours=1),
    Row("no-op", _said(200, NO_OP), apply=False, state="Nothing to do", ours=0),
    Row("conflict-ours", _said(500, CONFLICT), apply=True, state="Succeeded", ours=1),
    Row("conflict-nobodys", _said(500, CONFLICT), apply=False, state="Succeeded", ours=1, attempts=2),
    Row("conflict-prefixed", _said(500, f"rpc error: {CONFLICT}"), apply=True, state="Succeeded", ours=1),
    Row("bad-request", _said(400, "Job ID does not match name"), apply=False, state="Failed", ours=0, said="Job ID"),
    Row("forbidden", _said(403, "Permission denied"), apply=False, state="Failed", ours=0, said="lacks `register-job`"),
    Row("invalid", _said(500, INVALID), apply=False, state="Failed", ours=0, said="Missing task driver"),
    Row("too-many", _said(429, "Too many requests"), apply=False, state="Succeeded", ours=1, attempts=2),
    Row("never-landed", "never", apply=True, state="Succeeded", ours=1),
    Row("never-lost", "never", apply=False, state="Succeeded", ours=1, attempts=2),
    Row("reset-landed", "reset", apply=True, state="Succeeded", ours=1),
    Row("reset-lost", "reset", apply=False, state="Succeeded", ours=1, attempts=2),
    Row("leadership-landed", _said(500, "leadership lost while committing log"), apply=True, state="Succeeded", ours=1),
    Row(
        "leadership-lost",
        _said(500, "leadership lost while committing log"),
        apply=False,
        state="Succeeded",
        ours=1,
        attempts=2,
    ),
    Row("rpc-landed", _said(500, "rpc error: EOF"), apply=True, state="Succeeded", ours=1),
    Row("gateway-landed", _said(502, "<html>Bad gateway</html>"), apply=True, state="Succeeded", ours=1),
    Row(
        "gateway-late",
        _said(504, "<html>Time-out</html>"),
        apply=True,
        state="Succeeded",
        ours=1,
        when="after",
        seconds=5,
    ),
    Row("unknown-500", _said(500, "something new"), apply=False, state="Succeeded", ours=1, attempts=2),
    Row("reset-late", "reset", apply=True, state="Succeeded", ours=1, when="after", seconds=5),
    Row("reset-meddled", "reset", apply=False, state="Succeeded", ours=1, meddle=True, attempts=2),
)


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Sandbox, dict[str, str]]]:
    """A sandbox in which every row's deploy has been asked for under its rule; the deploys by the rows' names."""
    patience = {"NOMATRON_NOMAD_WRITE_TIMEOUT_SECONDS": "2"}
    with Sandbox(tmp_path_factory.mktemp("answers"), "--no-seed", environment=patience) as sandbox:
        _add_services(sandbox)
        first = {row.name: sandbox.ask(ALICE, f"row-{row.name} v1.0.0 to staging") for row in ROWS}
        for deploy in first.values():
            sandbox.reach(deploy, "Succeeded")
        yield sandbox, {row.name: _asked(sandbox, row) for row in ROWS}


def _add_services(sandbox: Sandbox) -> None:
    services = [
        {
            "name": f"row-{row.name}",
            "template": "worker",
            "owners": "mailer-owners",
            "version_variable": "image_tag",
            "variables": {"image": "registry.example/shop/mailer"},
            "environments": {"staging": {"variables": {"count": 1}}},
        }
        for row in ROWS
    ]
    (sandbox.catalog / "services" / "rows.yaml").write_text(json.dumps({"services": services}))
    sandbox.apply()


def _asked(sandbox: Sandbox, row: Row) -> str:
    rule = {"namespace": "staging", "job": f"row-{row.name}", "apply": row.apply, "when": row.when}
    sandbox.post("nomad", "/sandbox/next-register", {**rule, "answer": row.answer, "seconds": row.seconds, "times": 1})
    # nobody may ask for so much within a minute
    deploy = sandbox.ask(BOB, f"row-{row.name} v2.0.0 to staging")
    if row.meddle:
        sandbox.until(lambda: _attempts(sandbox, row) == 1, "the first attempt")
        change = {"namespace": "staging", "job": f"row-{row.name}", "env": {"LOG_LEVEL": "trace"}}
        sandbox.post("nomad", "/sandbox/change", change)
    return deploy


def _attempts(sandbox: Sandbox, row: Row) -> int:
    """Registers of the second version that reached Nomad."""
    job = f"row-{row.name}"
    return sum(
        1
        for each in sandbox.get("nomad", "/sandbox/registers")
        if each["job"] == job and each["submission_first_line"] and each["job_modify_index"] != 0
    )


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_every_answer_ends_where_the_table_says(table: tuple[Sandbox, dict[str, str]], row: Row):
    sandbox, deploys = table
    message = sandbox.reach(deploys[row.name], row.state)

    assert len(sandbox.made_by(deploys[row.name])) == row.ours
    assert _attempts(sandbox, row) == row.attempts
    assert row.said in message.whole
    versions = 1 + row.ours + row.meddle
    assert len(sandbox.versions("staging", f"row-{row.name}")) == versions
