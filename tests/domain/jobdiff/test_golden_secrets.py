"""Redaction over other people's jobs, and over what a real Nomad said."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bot.domain.jobdiff.hidden import _leaves, cleaner, hidden_values
from bot.domain.jobdiff.redaction import Redactor
from bot.domain.masking import scrub
from tests.golden import golden_rows, needs_golden

REDACTOR = Redactor(frozenset({"LOG_LEVEL"}))
PLANTED = "pl4nted-s3cret-value"
FORMS = [
    f"https://me:{PLANTED}@x.example/a",
    f"https://x.example/a?key={PLANTED}",
    f"https://hooks.slack.com/services/T1/B1/{PLANTED}",
    f"me:{PLANTED}@registry.example/app:v1",
    f"password={PLANTED}",
    "hvs." + PLANTED,
]
RECORDED = Path(__file__).parents[2] / "data" / "nomad" / "agent"
TEXTS = {"DisplayMessage", "Message", "StatusDescription", "Warnings", "ClientDescription", "DriverError"}


@needs_golden
def test_no_field_of_any_job_shows_a_secret_that_is_told_by_its_form():
    places = {
        place for row in golden_rows("parse.jsonl") if row.get("job") for place, _ in _leaves(row["job"], "job", ())
    }
    assert len(places) > 200
    for place in places:
        for value in FORMS:
            if not REDACTOR.is_listed(place):
                assert PLANTED not in " ".join(REDACTOR.pair(place, "", value)), place
                assert PLANTED not in " ".join(REDACTOR.pair(place, value, value + "x")), place


@needs_golden
def test_what_a_plan_hides_of_any_job_is_hidden_in_a_text_about_it():
    planted = 0
    for row in golden_rows("parse.jsonl"):
        job = row.get("job")
        for group in (job or {}).get("TaskGroups") or ():
            for task in group["Tasks"] or ():
                task["Env"] = {**(task.get("Env") or {}), "DB_PASSWORD": PLANTED}
                planted += 1
        if job and PLANTED in json.dumps(job):
            assert cleaner([job], REDACTOR)(f"cannot log in with {PLANTED}.") == "cannot log in with (hidden)."
    assert planted > 100


@needs_golden
def test_the_words_of_a_placement_failure_stay():
    """What a constraint, a pool or a resource is called must stay readable: it says why nothing runs."""
    said = 0
    for row in golden_rows("parse.jsonl"):
        job = row.get("job")
        if not job:
            continue
        hidden = hidden_values([job], REDACTOR)
        parts = [job, *(job.get("TaskGroups") or ())]
        for each in [one for part in parts for one in part.get("Constraints") or ()]:
            text = f"constraint {each['LTarget']} {each['Operand']} {each['RTarget']} rules out 3 of 3 nodes"
            assert scrub(text, hidden) == text
            said += 1
    assert said > 20


def texts_of(found):
    """The free texts in a recorded answer."""
    if isinstance(found, dict):
        for key, value in found.items():
            if key in TEXTS and isinstance(value, str):
                yield value
            else:
                yield from texts_of(value)
    elif isinstance(found, list):
        for each in found:
            yield from texts_of(each)


@pytest.mark.parametrize("file", sorted(RECORDED.glob("*.json")), ids=lambda file: file.stem)
def test_what_a_real_nomad_said_stays_readable(file):
    body = json.loads(file.read_text("utf-8"))["body"]
    for text in [body] if isinstance(body, str) and not file.stem.startswith("logs") else texts_of(body):
        assert "(hidden)" not in scrub(text)
