"""Keys that nothing enforces are rejected, and checked against the schema all the same."""

from __future__ import annotations

import io

import pytest
from jsonschema import Draft202012Validator
from ruamel.yaml import YAML

from bot.gateways.catalog import NOT_ENFORCED, json_schema

RIGHT = {
    "identities": '{"github:alice-dev": U0ALICE001}',
    "environments.break_glass": "{review_within: 24h}",
    "environments.freezes": '[{name: a, cron: "0 16 * * FRI", for: 64h}, {name: b, from: 2026-12-20, to: 2027-01-03}]',
    "environments.risk": "{forbid: [raw_exec, privileged], flag: [host-volume]}",
}

WRONG = {
    "identities": (
        "{alice: U0ALICE001}",
        "`alice`: 'alice' is not a CI identity; write issuer:user, such as github:alice-dev",
    ),
    "environments.break_glass": (
        "{review_within: 0h}",
        "`review_within`: '0h' must be longer than zero; write a duration such as 24h",
    ),
    "environments.freezes": ("[{name: a, cron: x y, for: 1h}]", "`cron`: 'x y' is not a cron expression"),
    "environments.risk": (
        "{forbid: [Raw Exec]}",
        "`forbid`: 'Raw Exec' is not the name of a risk; write one such as raw_exec or host-volume",
    ),
}


def add(folder, path: str, value: str) -> str:
    """Add that key to the last environment, or to the file; returns its line as issues name it."""
    section, _, key = path.rpartition(".")
    if section:
        folder.change("    reason: required\n", f"    reason: required\n    {key}: {value}  # here\n")
    else:
        folder.add(f"{key}: {value}  # here\n")
    return str(folder.here()[0])


def test_each_key_without_a_gate_is_in_this_test():
    assert set(RIGHT) == set(WRONG) == NOT_ENFORCED


@pytest.mark.parametrize("path", sorted(NOT_ENFORCED))
def test_a_key_that_nothing_enforces_is_rejected(folder, path):
    place = add(folder, path, RIGHT[path])
    key = path.rpartition(".")[2]

    assert folder.errors() == [f"{place}: `{key}` has no effect: this version does not enforce it yet; remove it"]
    assert folder.read().catalog is None


@pytest.mark.parametrize("path", sorted(NOT_ENFORCED))
def test_its_value_is_checked_too(folder, path):
    value, expected = WRONG[path]
    place = add(folder, path, value)
    key = path.rpartition(".")[2]
    found = folder.errors()

    assert f"{place}: `{key}` has no effect: this version does not enforce it yet; remove it" in found
    assert any(each.startswith(f"{place}: {expected}") for each in found), found


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("{name: a, cron: '0 1 * * *'}", "a freeze needs either `cron` and `for`, or `from` and `to`"),
        ("{name: a, cron: '0 1 * * *', for: 1h, to: 2026-01-01}", "a freeze needs either `cron` and `for`, or `from`"),
        ("{name: a, from: 2026-12-20, to: 2026-12-19}", "the freeze ends on 2026-12-19, before it begins"),
        ("{name: a, from: soon, to: 2026-12-19}", "`from`: 'soon' is not a date; write it as 2026-12-31"),
    ],
)
def test_a_freeze_is_recurring_or_once(folder, value, expected):
    add(folder, "environments.freezes", f"[{value}]")

    assert any(expected in each for each in folder.errors())


def schema_errors(text: str) -> list[str]:
    document = YAML(typ="safe", pure=True).load(io.StringIO(text))
    # editors see dates as text, and so does the catalog
    return [error.message for error in Draft202012Validator(json_schema()).iter_errors(document)]


def test_the_json_schema_is_one_and_takes_both_kinds_of_file(folder):
    Draft202012Validator.check_schema(json_schema())

    assert schema_errors(folder.text("nomatron.yaml")) == []
    assert schema_errors(folder.text("services/checkout.yaml")) == []


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("nomatron.yaml", "admin_channel", "admin_chanel"),
        ("nomatron.yaml", "expires: 12h", "expires: 12 hours"),
        ("nomatron.yaml", "may: [request, promote]", "may: [request, approve]"),
        ("services/checkout.yaml", "    version_variable: image_tag\n", ""),
    ],
)
def test_the_json_schema_refuses_what_the_reading_refuses(folder, file, old, new):
    folder.change(old, new, file=file)

    assert schema_errors(folder.text(file)) != []
    assert folder.errors() != []


def test_the_json_schema_marks_what_has_no_gate():
    parts = json_schema()["$defs"]
    marked = {
        f"{section}{key}"
        for section, part in (("", "CatalogFile"), ("environments.", "EnvironmentPart"))
        for key, value in parts[part]["properties"].items()
        if value.get("deprecated")
    }

    assert marked == NOT_ENFORCED


def test_the_json_schema_spells_defaults_as_the_files_do():
    properties = json_schema()["$defs"]["EnvironmentPart"]["properties"]

    assert {key: properties[key]["default"] for key in ("expires", "wait", "rollback_window", "namespace")} == {
        "expires": "1d",
        "wait": "0s",
        "rollback_window": "1h",
        "namespace": "default",
    }
