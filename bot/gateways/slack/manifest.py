"""The app's manifest: what Slack must know and grant, derived from what the code uses.

Form: https://docs.slack.dev/reference/app-manifest. No event is subscribed to, and no history may be read.
"""

from __future__ import annotations

from io import StringIO
from typing import Any, Final

from ruamel.yaml import YAML

from bot.gateways.slack.methods import METHODS

EXAMPLE_URL: Final = "https://nomatron.example.com"
"""What the committed manifest says; a real workspace's names its own."""

COMMAND: Final = "/deploy"
EVENTS_PATH: Final = "/slack/events"

_DESCRIPTION = (
    "Nomatron lets a team request, review, approve and watch HashiCorp Nomad deployments without leaving Slack. Every "
    "request is checked against the Slack user groups of the person who makes it, an approval names one exact change, "
    "and every decision is recorded."
)


def scopes() -> list[str]:
    """The bot scopes: the command's own, and those of each Web API method in use."""
    return sorted({"commands", *(scope for method in METHODS for scope in method.scopes)})


def manifest(url: str) -> dict[str, Any]:
    """The manifest of an app whose requests reach us at ``url`` (without a path); ``ValueError`` if it is no https."""
    base = url.rstrip("/")
    if not base.startswith("https://") or len(base) <= len("https://"):
        raise ValueError(f"Slack sends its requests to https addresses alone: {url}")
    events = base + EVENTS_PATH
    command = {
        "command": COMMAND,
        "url": events,
        "description": "Request, approve and watch Nomad deployments",
        "usage_hint": "[service] [version] [to environment] | status | approve D-n | help",
        # people and channels then come as ids, which is all that ever decides anything
        "should_escape": True,
    }
    return {
        "_metadata": {"major_version": 2, "minor_version": 1},
        "display_information": {
            "name": "Nomatron",
            "description": "Governed deployments for HashiCorp Nomad, from Slack",
            "long_description": _DESCRIPTION,
            "background_color": "#1d1c1d",
        },
        "features": {
            "bot_user": {"display_name": "Nomatron", "always_online": True},
            "slash_commands": [command],
        },
        "oauth_config": {"scopes": {"bot": scopes()}},
        "settings": {
            "interactivity": {"is_enabled": True, "request_url": events},
            "org_deploy_enabled": False,
            "socket_mode_enabled": False,
            "token_rotation_enabled": False,
        },
    }


def rendered(url: str | None) -> str:
    """The manifest as YAML, for the example's address if none is given."""
    return as_yaml(manifest(url or EXAMPLE_URL))


def as_yaml(document: dict[str, Any]) -> str:
    """A document as YAML, always the same for the same one."""
    yaml = YAML()
    yaml.indent(mapping=2, sequence=4, offset=2)
    # never folded: another line width would make another file
    yaml.width = 4096
    text = StringIO()
    yaml.dump(document, text)
    return text.getvalue()
