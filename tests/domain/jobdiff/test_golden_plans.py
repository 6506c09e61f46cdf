"""Every plan that Nomad's own code made: each change shown or counted, within Slack's limits, no secret in it."""

from __future__ import annotations

import copy
import re
from typing import Any

from bot.domain.jobdiff.changes import changes
from bot.domain.jobdiff.effect import effect, warnings
from bot.domain.jobdiff.redaction import Redactor
from bot.domain.jobdiff.text import LIMIT, cost, lines
from tests.golden import golden_rows, needs_golden

pytestmark = needs_golden

REDACTOR = Redactor(b"0123456789abcdef0123456789abcdef", frozenset({"LOG_LEVEL"}))
SLACK_TEXT = 3_000
PLANTED = "pl4nted-s3cret-value"
_SHOWN_LINE = re.compile(r"  [~+-] ")


def changed_fields(part: dict[str, Any]) -> list[dict[str, Any]]:
    """All changed fields of a Diff, by Nomad's own marks."""
    found = [field for field in part.get("Fields") or () if field["Type"] != "None"]
    for name in ("Objects", "TaskGroups", "Tasks"):
        for each in part.get(name) or ():
            found += changed_fields(each)
    return found


def plant(diff: dict[str, Any]) -> int:
    """Put secrets wherever a team might keep one, beside what is there; how many."""
    planted = 0
    for group in diff.get("TaskGroups") or ():
        for task in group.get("Tasks") or ():
            secrets = [
                ("Fields", a_field("Env[DB_PASSWORD]")),
                ("Fields", a_field("Meta[owner]")),
                ("Objects", an_object("Config", a_field("args[7]"), a_field("auth[0][password]"))),
                ("Objects", an_object("Config", a_field("command", f"sh -c {PLANTED}"))),
                ("Objects", an_object("Template", a_field("EmbeddedTmpl", f"a\nkey={PLANTED}\n"))),
                ("Objects", an_object("Artifact", a_field("GetterOptions[sshkey]"), a_field("GetterHeaders[Auth]"))),
                ("Objects", an_object("Artifact", a_field("GetterSource", f"https://x.example/?sig={PLANTED}"))),
                ("Objects", an_object("Vault", a_field("Role"), a_field("Policies"))),
            ]  # fmt: skip
            for where, what in secrets:
                task[where] = [*(task.get(where) or ()), what]
                planted += len(changed_fields({"Fields": [what]} if where == "Fields" else what))
            task["Type"] = group["Type"] = diff["Type"] = "Edited"
    return planted


def a_field(name: str, value: str = PLANTED) -> dict[str, Any]:
    return {"Name": name, "Type": "Edited", "Old": f"{value}-old", "New": value, "Annotations": None}


def an_object(name: str, *fields: dict[str, Any]) -> dict[str, Any]:
    return {"Name": name, "Type": "Edited", "Fields": list(fields), "Objects": None}


def counted(said: list[str]) -> int:
    """Changes that the text shows or counts."""
    more = re.fullmatch(r"\+(\d+) more", said[-1]) if said else None
    return sum(1 for line in said if _SHOWN_LINE.match(line)) + (int(more[1]) if more else 0)


def test_every_changed_field_is_a_change_and_shown_or_counted():
    rows = 0
    for row in golden_rows("plans.jsonl"):
        rows += 1
        found = changes(row["plan"]["Diff"], REDACTOR)
        said = lines(found)
        assert len(found) == len(changed_fields(row["plan"]["Diff"])), row["case"]
        assert counted(said) == len(found), row["case"]
        assert cost(said) <= LIMIT
    assert rows > 200


def test_a_plan_without_changes_is_what_nomad_calls_none():
    for row in golden_rows("plans.jsonl"):
        diff = row["plan"]["Diff"]
        assert (diff["Type"] == "None") == (not changes(diff, REDACTOR)), row["case"]


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
        plan = copy.deepcopy(row["plan"])
        planted = plant(plan["Diff"])
        found = changes(plan["Diff"], REDACTOR)
        seen = [
            *map(str, found),
            *lines(found),
            effect(plan, row["after"]),
            *warnings(plan, row["after"], row["before"]),
        ]
        assert not any(PLANTED in text for text in seen), row["case"]
        assert len(found) >= planted


def test_every_image_change_is_in_the_text():
    images = 0
    for row in golden_rows("plans.jsonl"):
        if row["case"] != "image" or not (found := changes(row["plan"]["Diff"], REDACTOR)):
            continue
        images += 1
        assert found[0].path[-1].startswith("image")
        assert found[0].new in "\n".join(lines(found))
    assert images > 10
