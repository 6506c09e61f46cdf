"""What a real agent answered to jobs that it refused: each is a final refusal, in its words."""

from __future__ import annotations

import json
from typing import Any

import pytest

from bot.domain.multierror import one_line
from bot.errors import NomadRefused
from bot.gateways.nomad.errors import TOKEN_TEXTS, refusal
from bot.gateways.nomad.parse import diagnostics
from bot.gateways.nomad.reply import Reply
from tests.golden import GOLDEN, golden_rows, needs_golden


def refused_jobs() -> list[dict[str, Any]]:
    """The recorded parses, plans and registers that failed because of the job."""
    rows = [json.loads(path.read_text("utf-8")) for path in sorted((GOLDEN / "agent").glob("*.json"))]
    return [row for row in rows if row["request"]["method"] == "POST" and _is_about_the_job(row)]


def _is_about_the_job(row: dict[str, Any]) -> bool:
    said = str(row["body"])
    of_a_job = row["request"]["path"] in {"/v1/jobs", "/v1/jobs/parse"} or row["request"]["path"].endswith("/plan")
    of_us = "Enforcing job modify index" in said or any(text in said.casefold() for text in TOKEN_TEXTS)
    return of_a_job and row["status"] in {400, 500} and not of_us


@needs_golden
@pytest.mark.parametrize("row", refused_jobs(), ids=lambda row: one_line(str(row["body"]), 60))
def test_an_agents_refusal_is_final(row: dict[str, Any]):
    found = refusal(Reply(row["status"], "text/plain; charset=utf-8", row["body"].encode()))

    assert isinstance(found, NomadRefused)
    assert str(found)


UNPARSED = [row for row in golden_rows("parse.jsonl") if row["error"]]


@needs_golden
@pytest.mark.parametrize("row", UNPARSED, ids=lambda row: row["file"])
def test_a_jobspec_that_nomad_cannot_parse_is_refused_with_its_lines(row: dict[str, Any]):
    jobspec = (GOLDEN / row["file"]).read_text("utf-8") if (GOLDEN / row["file"]).is_file() else ""
    found = refusal(Reply(400, "text/plain; charset=utf-8", row["error"].encode()))

    assert isinstance(found, NomadRefused)
    assert all(line.startswith(("line ", "variable ")) for line in diagnostics(row["error"], jobspec, row["variables"]))
