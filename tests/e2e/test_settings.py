"""Settings of a request over the wire: code, line feeds and secrets never get beyond the person who typed them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.e2e.driver import ALICE, GENERAL, OPS, PRODUCTION, STAGING, Sandbox, edit

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PAYLOAD = "Zk9hunter2"
"""A part of every value below that must be nowhere afterwards."""


def greets(catalog: Path) -> None:
    """A catalog whose requests may set a greeting that the task reads, and a count from 1 to 20."""
    edit(catalog / "nomatron.yaml", r"soak: 10s", "soak: 1s")
    edit(catalog / "services" / "checkout.yaml", r"settable: \[count\]", "settable: [count, greeting]")
    web = catalog / "templates" / "web.nomad.hcl"
    edit(web, r'(?m)^job "web"', 'variable "greeting" {\n  type    = string\n  default = "hello"\n}\n\njob "web"')
    edit(web, r"      env \{\n", "      env {\n        GREETING = var.greeting\n")


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    with Sandbox(tmp_path_factory.mktemp("settings"), "--no-seed", change=greets) as sandbox:
        yield sandbox


def traces(sandbox: Sandbox) -> list[str]:
    """The files of the database and of the logs, and the channels, in which a payload can be read."""
    files = [path for path in sandbox.folder.rglob("*") if path.is_file() and PAYLOAD.encode() in path.read_bytes()]
    seen = [channel for channel in (STAGING, PRODUCTION, OPS, GENERAL) if PAYLOAD in str(sandbox.messages(channel))]
    said = ["the bot's log"] if PAYLOAD in str(sandbox.get("page", "/sandbox/bot")["log"]) else []
    return [*map(str, files), *seen, *said]


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        (f"greeting='{{{{ with nomadVar \"{PAYLOAD}\" }}}}x{{{{ end }}}}'", "greeting` takes text of at most 200"),
        (f'greeting="a\n{PAYLOAD}=1"', "greeting` takes text of at most 200"),
        (f"greeting=${{attr.{PAYLOAD}}}", "greeting` takes text of at most 200"),
        (f"greeting={'x' * 200}{PAYLOAD}", "greeting` takes text of at most 200"),
        (f"token=s.{PAYLOAD}secret", "Put it into Nomad Variables"),
        (f"greeting=postgres://sam:{PAYLOAD}@db/shop", "Put it into Nomad Variables"),
        (f"count={PAYLOAD}", "`count` takes a whole number from 1 to 20"),
        ("count=1.5", "`count` takes a whole number from 1 to 20"),
        (f"memory={PAYLOAD}", "`memory` isn't a setting of checkout. Settings: count, greeting."),
        (" ".join(f"v{number}={PAYLOAD}" for number in range(11)), "10 values at most"),
        (f"1x={PAYLOAD}", "`1x` isn't a setting"),
    ],
)
def test_a_setting_that_is_not_plain_is_refused_and_is_nowhere(sandbox: Sandbox, settings: str, told: str):
    before = sandbox.value("SELECT count(*) FROM deploys")

    answer = sandbox.type(ALICE, f"checkout v1.0.0 to staging with {settings} because a test")

    assert told in answer
    assert PAYLOAD not in answer
    assert sandbox.value("SELECT count(*) FROM deploys") == before
    assert sandbox.value("SELECT count(*) FROM releases WHERE version = 'v1.0.0'") == 0
    assert traces(sandbox) == []


def again(sandbox: Sandbox, values: dict[str, str]) -> Any:
    """Send in the form that is open once more, after it was refused; what Slack was answered."""
    view = sandbox.get("slack", "/sandbox/state", **{"as": ALICE})["views"][-1]["id"]
    filled = {block: {"text": value} for block, value in values.items()}
    return sandbox.post("slack", "/sandbox/submit", {"user": ALICE, "view": view, "values": filled})


def test_the_promote_form_says_beside_the_field_what_a_setting_takes(sandbox: Sandbox):
    deploy = sandbox.ask(ALICE, "checkout v1.4.2 to staging with greeting=hi")
    sandbox.reach(deploy, "Succeeded")
    sandbox.until(lambda: "deploy.promote" in sandbox.card(deploy).actions, "the button Promote…")
    wrong = {"set:count": "lots", "set:greeting": f"password={PAYLOAD}", "reason": "SHOP-981"}

    answer = sandbox.fill(ALICE, sandbox.card(deploy), "deploy.promote", **wrong)

    errors = json.loads(answer["body"])["errors"]
    assert errors.keys() == {"set:greeting"}
    assert "Nomad Variables" in errors["set:greeting"]
    wrong["set:greeting"] = ""
    answer = again(sandbox, wrong)
    assert json.loads(answer["body"])["errors"] == {"set:count": "count takes a whole number from 1 to 20."}
    assert sandbox.value("SELECT count(*) FROM deploys WHERE environment = 'production'") == 0
    assert traces(sandbox) == []
    (view, *_) = sandbox.get("slack", "/sandbox/state", **{"as": ALICE})["views"]
    hints = {block["block_id"]: block.get("hint", {}).get("text") for block in view["view"]["blocks"]}
    assert hints["set:count"] == "How many instances run. Takes a whole number from 1 to 20. Leave empty to use 6."

    answer = again(sandbox, {**wrong, "set:count": "3"})

    assert "errors" not in str(answer["body"])
    assert sandbox.value("SELECT overrides FROM deploys ORDER BY id DESC") == '{"count":3}'
