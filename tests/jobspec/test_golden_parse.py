"""Jobspecs as their authors wrote them, parsed here and by Nomad's own code."""

from __future__ import annotations

import json
import re
from collections import Counter

import pytest

from jobspec import JobspecError, NotSimulated, parse
from jobspec.job.canonical import canonicalize
from tests.golden import GOLDEN, golden_rows, needs_golden
from tests.recorded import answer

UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def hcl_of(row):
    return (GOLDEN / row["file"]).read_bytes().decode()


def comparable(job, hcl):
    """The job, but for the uuids of jobspecs that ask for another one each time."""
    return json.loads(UUID.sub("<uuid>", json.dumps(job))) if "uuidv4()" in hcl else job


def verdict(row):
    """exact, refused, not simulated; anything else is wrong."""
    hcl = hcl_of(row)
    try:
        job = parse(hcl, json.dumps(row["variables"]))
    except JobspecError as error:
        return "refused" if row["error"] else f"refused: {error}"
    except NotSimulated:
        return "not simulated"
    if row["error"]:
        return "accepted"
    return "exact" if comparable(job, hcl) == comparable(row["job"], hcl) else "different"


@needs_golden
def test_what_nomad_accepts_is_answered_as_nomad_does_or_not_at_all(capsys):
    parsed = golden_rows("parse.jsonl")
    verdicts = {row["source"]: verdict(row) for row in parsed}
    counts = Counter(verdicts.values())
    with capsys.disabled():
        print(f"\nparse.jsonl: {dict(counts)} of {len(parsed)}")  # noqa: T201 - the figures are what one runs this for
    accepted = [row for row in parsed if not row["error"]]
    wrong = {name: each for name, each in verdicts.items() if each not in {"exact", "refused", "not simulated"}}
    assert wrong == {}
    assert counts["exact"] >= 0.9 * len(accepted) > 0


@needs_golden
def test_refusals_are_in_nomad_s_words():
    refused = [row for row in golden_rows("parse.jsonl") if row["error"]]
    assert refused
    for row in refused:
        with pytest.raises(JobspecError) as error:
            parse(hcl_of(row), json.dumps(row["variables"]))
        assert str(error.value) == row["error"]


@pytest.mark.parametrize(
    "name",
    [
        "parse_missing_variable",
        "parse_wrong_type",
        "parse_validation",
        "parse_file_function",
        "parse_syntax",
        "parse_empty",
        "parse_two_errors",
    ],
)
def test_the_agent_s_refusals(name):
    recorded = answer(name)
    sent = recorded["request"]["body"]
    with pytest.raises(JobspecError) as error:
        parse(sent["JobHCL"], sent["Variables"])
    assert str(error.value) == recorded["body"]


@pytest.mark.parametrize("name", ["parse_ok", "parse_ok_not_canonicalized", "parse_unknown_variable"])
def test_the_agent_s_answers(name):
    recorded = answer(name)
    sent = recorded["request"]["body"]
    job = parse(sent["JobHCL"], sent["Variables"])
    assert (canonicalize(job) if sent["Canonicalize"] else job) == recorded["body"]
