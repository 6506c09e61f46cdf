from __future__ import annotations

from pathlib import Path

import pytest
from ruamel.yaml import YAML

from bot.gateways.slack import methods
from bot.gateways.slack.manifest import EXAMPLE_URL, manifest, rendered, scopes
from sandbox.slack.webapi import METHODS as SIMULATED

ROOT = Path(__file__).parents[3]


def test_the_committed_manifest_is_what_the_code_needs() -> None:
    assert (ROOT / "manifest.yml").read_text("utf-8") == rendered(None)


def test_it_reads_back_as_it_was_meant() -> None:
    assert YAML(typ="safe").load(rendered("https://nomatron.corp.example/")) == manifest(
        "https://nomatron.corp.example"
    )


def test_the_scopes_are_those_that_slack_asks_for_our_methods_and_for_the_command() -> None:
    needed = [SIMULATED[method.name].scopes for method in methods.METHODS]
    granted = set(scopes())

    assert {each for each in vars(methods).values() if isinstance(each, methods.Method)} == set(methods.METHODS)
    # any one of a method's scopes is enough
    assert [each for each in needed if each and not granted & set(each)] == []
    # the command itself, and public channels that nobody invited the app to
    assert granted - {scope for each in needed for scope in each} == {"commands", "chat:write.public"}


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
