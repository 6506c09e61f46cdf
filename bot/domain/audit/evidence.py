"""The evidence of a decision for the audit log: people and their groups, who fills which seat, requested values."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from bot.domain.access import Membership
from bot.domain.actor import Actor, human_behind
from bot.domain.catalog.catalog import Catalog
from bot.domain.catalog.environment import Value
from bot.domain.decision import Refused
from bot.domain.deploy.gates import Facts
from bot.domain.masking import looks_secret_as

HIDDEN = "(hidden)"


def evidence_of(facts: Facts, *actors: Actor) -> dict[str, Any]:
    """The groups of the requester, approvers and ``actors``; who fills which seat; the labels of empty seats."""
    approvers = [approval.user.id for approval in facts.approvals if not approval.void]
    users = [facts.requester, *approvers, *(human_behind(actor) for actor in actors)]
    seating = facts.seating
    return {
        **membership_of(users, facts.catalog, facts.membership),
        "missing": [each.label for each in seating.missing],
        "seats": [
            {"holder": holder or "", "label": each.label}
            for each, holder in zip(seating.seats, seating.holders, strict=True)
        ],
    }


def membership_of(users: Iterable[str | None], catalog: Catalog, membership: Membership) -> dict[str, Any]:
    """``people`` maps everyone who counts to their groups (user group id or list name); ``uncounted`` says why not.

    Only groups that the decision depended on are listed, because Slack was not asked about others.
    """
    people, uncounted = {}, {}
    for user in dict.fromkeys(user for user in users if user):
        standing = membership.standing(user)
        if isinstance(standing, Refused):
            uncounted[user] = standing.codes[0]
        else:
            found = [group for group in catalog.groups.values() if user in membership.members(group)]
            people[user] = sorted({group.usergroup or group.name for group in found})
    return {"people": people, "uncounted": uncounted}


def settings_of(overrides: Mapping[str, Value]) -> list[str]:
    """A request's settings as ``name=value``; a value that looks like a secret is hidden."""
    return [_setting(name, value) for name, value in sorted(overrides.items())]


def _setting(name: str, value: Value) -> str:
    said = value if isinstance(value, str) else json.dumps(value)
    return f"{name}={HIDDEN if looks_secret_as(name, said) else said}"
