"""From a payload to its sender, by validated ids only; names never decide anything."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bot.domain.actor import SlackUser
from handlers.slack.decoding import Malformed

if TYPE_CHECKING:
    from handlers.slack.decoding import Payload

# only text in the form of Slack's ids goes into a decision or a mention
_TEAM = re.compile(r"[TE][A-Z0-9]{2,30}")
_ENTERPRISE = re.compile(r"E[A-Z0-9]{2,30}")
_USER = re.compile(r"[UW][A-Z0-9]{2,30}")
_CHANNEL = re.compile(r"[CDG][A-Z0-9]{2,30}")
_TS = re.compile(r"[0-9]{1,12}\.[0-9]{1,9}")

# JSON has a boolean, the form of a command has text
_YES = (True, "true")


@dataclass(frozen=True, slots=True)
class Sender:
    """A payload's workspace, app (empty if it names none) and person; ``home`` is where the person comes from.

    ``user`` has the payload's workspace, not ``home``: on Enterprise Grid a command does not tell the home, and one
    person must not become two. ``enterprise`` is the organisation, empty outside Enterprise Grid. ``org_wide`` if the
    app is installed for the whole organisation; ``team`` is then empty.
    """

    team: str
    app: str
    user: SlackUser
    home: str = ""
    enterprise: str = ""
    org_wide: bool = False

    @property
    def is_visitor(self) -> bool:
        """Whether the person's home is another workspace: of this organisation (Grid), or of another one (Connect)."""
        return self.home not in {"", self.team}


def sender_of(payload: Payload) -> Sender:
    """Who sent a command, click or submission; raises ``Malformed`` if an id is missing or malformed."""
    app = payload.get("api_app_id") or ""
    if not isinstance(app, str):
        raise Malformed("api_app_id")
    if "command" in payload:
        # a command names the workspace it was typed in; users.info says whether its author belongs to it
        team = _matching(_TEAM, payload.get("team_id"), "team_id")
        user, home, enterprise = payload.get("user_id"), "", payload.get("enterprise_id")
    else:
        person, place = _object(payload, "user"), _object(payload, "team")
        # a modal names where its app is installed; for a whole organisation that is its id, or nothing
        named = _object(payload, "view").get("app_installed_team_id") or place.get("id")
        team = _matching(_TEAM, named, "team") if named else ""
        home = _matching(_TEAM, person.get("team_id") or team, "user.team_id") if team else ""
        user, enterprise = person.get("id"), _object(payload, "enterprise").get("id") or place.get("enterprise_id")
    org_wide = not team.startswith("T") or payload.get("is_enterprise_install") in _YES
    return Sender(
        team="" if org_wide else team,
        app=app,
        user=SlackUser(team, _matching(_USER, user, "user.id")),
        home=home,
        enterprise=_matching(_ENTERPRISE, enterprise, "enterprise.id") if enterprise else "",
        org_wide=org_wide,
    )


def team_of(payload: Payload) -> str:
    """The workspace of an event's envelope; raises ``Malformed`` if it names none."""
    return _matching(_TEAM, payload.get("team_id"), "team_id")


def channel_of(value: Any) -> str:
    """A channel's id; empty for any other value."""
    return value if isinstance(value, str) and _CHANNEL.fullmatch(value) else ""


def ts_of(value: Any) -> str:
    """A message's timestamp; empty for any other value."""
    return value if isinstance(value, str) and _TS.fullmatch(value) else ""


def text_of(value: Any, limit: int = 4000) -> str:
    """A text of a payload; empty for any other value and for a text over ``limit`` characters."""
    return value if isinstance(value, str) and len(value) <= limit else ""


def _object(payload: Payload, name: str) -> Payload:
    value = payload.get(name) or {}
    if not isinstance(value, dict):
        raise Malformed(name)
    return value


def _matching(form: re.Pattern[str], value: Any, name: str) -> str:
    if not isinstance(value, str) or not form.fullmatch(value):
        raise Malformed(f"{name} is not an id")
    return value
