"""Every plan that Nomad's own code made: each change listed, within Slack's limits, no secret in it."""

from __future__ import annotations

import copy
import re
from typing import Any

from bot.domain.jobdiff.changes import change_list
from bot.domain.jobdiff.effect import changed_names, effect, warnings
from bot.domain.jobdiff.redaction import Redactor
from bot.domain.jobdiff.text import LIMIT, cost, lines, whole
from bot.gateways.nomad.forms.comparable import comparable
from jobspec.job.bare import without_defaults
from jobspec.job.stored import to_stored_form
from tests.golden import golden_rows, needs_golden

pytestmark = needs_golden

REDACTOR = Redactor(frozenset({"LOG_LEVEL"}))
SLACK_TEXT = 3_000
PLANTED = "pl4nted-s3cret-value"


def listed(before: dict[str, Any] | None, after: dict[str, Any], *, ours: bool = False) -> Any:
    """The change list, against the job as Nomad stores it or against our own frozen job."""
    live = to_stored_form(before) if before else None
    return change_list(*comparable(after, live, before if ours else None), REDACTOR, fold=without_defaults)


def plant(job: dict[str, Any], version: str) -> None:
    """Put secrets wherever a team might keep one, beside what is there."""
    value = f"{PLANTED}-{version}"
    for group in job.get("TaskGroups") or ():
        for task in group.get("Tasks") or ():
            task["Env"] = {**(task.get("Env") or {}), "DB_PASSWORD": value}
            task["Meta"] = {**(task.get("Meta") or {}), "owner": value}
            task["Config"] = {
                **(task.get("Config") or {}),
                "args": ["--key", value],
                "auth": [{"password": value}],
                "command": f"sh -c {value}",
            }
            task["Templates"] = [{"DestPath": "a", "EmbeddedTmpl": f"a\nkey={value}\nb: {value}\n"}]
            task["Artifacts"] = [
                {
                    "GetterSource": f"https://x.example/?sig={value}",
                    "GetterOptions": {"sshkey": value},
                    "GetterHeaders": {"Auth": value},
                }
            ]
            task["Vault"] = {"Role": value, "Policies": [value]}


def test_we_and_nomad_agree_on_whether_anything_changes():
    rows = 0
    for row in golden_rows("plans.jsonl"):
        rows += 1
        for ours in (False, True):
            found = listed(row["before"], row["after"], ours=ours)
            assert bool(found) == bool(changed_names(row["plan"]["Diff"])), (row["case"], whole(found))
            said = lines(found)
            assert cost(said) <= LIMIT
    assert rows > 200


def test_effects_and_warnings_are_short_sentences():
    for row in golden_rows("plans.jsonl"):
        line = effect(row["plan"], row["after"])
        assert line
        assert "\n" not in line
        assert len(line) < SLACK_TEXT
        for sentence in warnings(row["plan"], row["after"], row["before"]):
            assert sentence
            assert "\n" not in sentence
            assert not re.match(r"\d+ (warning|error)", sentence)
            assert len(sentence) < SLACK_TEXT


def test_no_planted_secret_is_seen():
    for row in golden_rows("plans.jsonl"):
        before, after = copy.deepcopy(row["before"] or row["after"]), copy.deepcopy(row["after"])
        plant(before, "old")
        plant(after, "new")
        for found in (listed(before, after), listed(before, row["after"]), listed(None, after)):
            seen = [*map(str, found), *lines(found), whole(found)]
            assert not any(PLANTED in text for text in seen), row["case"]
        assert any(change.path[-1] == "env DB_PASSWORD" for change in listed(before, after))


def test_every_image_change_is_in_the_text():
    images = 0
    for row in golden_rows("plans.jsonl"):
        if row["case"] != "image" or not (found := listed(row["before"], row["after"])):
            continue
        images += 1
        assert any(each.path[-1].startswith("image") and each.new in "\n".join(lines(found)) for each in found)
    assert images > 10
