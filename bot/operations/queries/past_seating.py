"""Who filled which seat when a deploy was decided, from the audit log: later changes of groups do not matter."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from bot.domain.access import Group
from bot.domain.actor import Actor, actor_from_key
from bot.domain.audit.events import EventType
from bot.domain.deploy.approval import Seat, Seating

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bot.ports.audit import Stored


_ENDS = frozenset({EventType.DEPLOY_REJECTED, EventType.DEPLOY_WITHDRAWN})
_RESOLVES = frozenset({EventType.DEPLOY_RESOLVED})


def seating_of(events: Sequence[Stored], plan: int) -> Seating | None:
    """The seating at the last decision about that plan; None if no decision was recorded.

    ``events`` are the deploy's, oldest first. The seats have their labels; who else could fill them is not recorded.
    """
    for stored in reversed(events):
        data = json.loads(stored.body).get("data", {})
        if data.get("plan") == plan and "judged" in data:
            return _seating(data["judged"]["seats"])
    return None


def who_ended(events: Sequence[Stored]) -> Actor | None:
    """The actor who rejected or withdrew the deploy; None if nobody did."""
    return _newest(events, _ENDS)


def who_resolved(events: Sequence[Stored]) -> Actor | None:
    """The actor who said last what became of the deploy; None if nobody did."""
    return _newest(events, _RESOLVES)


def _newest(events: Sequence[Stored], kinds: frozenset[EventType]) -> Actor | None:
    for stored in reversed(events):
        body = json.loads(stored.body)
        if body["type"] in kinds:
            return actor_from_key(body["actor"])
    return None


def _seating(seats: Sequence[dict[str, str]]) -> Seating:
    return Seating(
        tuple(Seat(each["label"], Group(each["label"])) for each in seats),
        tuple(each["holder"] or None for each in seats),
    )
