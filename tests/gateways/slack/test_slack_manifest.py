from __future__ import annotations

import ast
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from bot.gateways.slack import methods
from bot.gateways.slack.manifest import EXAMPLE_URL, manifest, rendered, scopes
from sandbox.slack.api import chat, conversations, files, identity, people, views

ROOT = Path(__file__).parents[3]


def test_the_committed_manifest_is_what_the_code_needs() -> None:
    assert (ROOT / "manifest.yml").read_text("utf-8") == rendered(None)


def test_it_reads_back_as_it_was_meant() -> None:
    assert YAML(typ="safe").load(rendered("https://nomatron.corp.example/")) == manifest(
        "https://nomatron.corp.example"
    )


def test_the_scopes_are_those_of_the_methods_in_use_and_the_command() -> None:
    assert scopes() == [
        "channels:read", "chat:write", "chat:write.public", "commands", "files:write", "groups:read",
        "usergroups:read", "users:read",
    ]  # fmt: skip
    simulated = {
        **chat.METHODS, **conversations.METHODS, **files.METHODS, **identity.METHODS, **people.METHODS, **views.METHODS,
    }  # fmt: skip
    for method in methods.METHODS:
        # any one of a method's scopes is enough
        needed = set(simulated[method.name].scopes)
        assert not needed or needed & set(scopes()), method.name


def test_every_method_of_the_table_is_used_and_no_other_is() -> None:
    named = {name for name, value in vars(methods).items() if isinstance(value, methods.Method)}
    used = set()
    for path in (ROOT / "bot/gateways/slack").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            called = getattr(getattr(node, "func", None), "attr", getattr(getattr(node, "func", None), "id", ""))
            if isinstance(node, ast.Call) and called == "call" and node.args:
                used.add(getattr(node.args[0], "id", ""))

    assert used == named
    assert {vars(methods)[name] for name in named} == set(methods.METHODS)


def test_every_request_comes_to_the_one_way_in() -> None:
    document = manifest("https://nomatron.corp.example")
    events = "https://nomatron.corp.example/slack/events"

    assert document["features"]["slash_commands"][0]["url"] == events
    assert document["settings"]["interactivity"]["request_url"] == events
    assert "event_subscriptions" not in document["settings"]


def test_slacks_limits() -> None:
    document = manifest(EXAMPLE_URL)
    shown = document["display_information"]
    command = document["features"]["slash_commands"][0]

    assert len(shown["name"]) <= 35
    assert len(shown["description"]) <= 140
    assert 175 <= len(shown["long_description"]) <= 4000
    assert len(command["command"]) <= 32
    assert len(command["usage_hint"]) <= 1000


@pytest.mark.parametrize("url", ["http://nomatron.example", "https://", "nomatron.example", ""])
def test_slack_sends_to_https_alone(url: str) -> None:
    with pytest.raises(ValueError, match="https addresses alone"):
        manifest(url)
