"""The deploy: one release on its way into one environment, and the only table of how its state may change."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from bot.domain.actor import Actor
from bot.domain.catalog.environment import Value
from bot.domain.decision import Reason
from bot.errors import IllegalTransition


class Status(StrEnum):
    """Where a deploy stands; ``docs/engine.md`` draws it."""

    PLANNING = "planning"
    WAITING = "waiting"
    READY = "ready"
    DISPATCHING = "dispatching"
    ROLLING = "rolling"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    REJECTED = "rejected"
    EXPIRED = "expired"
    WITHDRAWN = "withdrawn"
    SUPERSEDED = "superseded"
    INVALID = "invalid"
    UNCHANGED = "unchanged"

    @property
    def open(self) -> bool:
        """Whether something may still happen: the table has a way out."""
        return bool(TRANSITIONS[self])

    @property
    def undecided(self) -> bool:
        """Whether people can still withdraw or reject it: nothing has been sent."""
        return Status.WITHDRAWN in TRANSITIONS[self]


_S = Status
TRANSITIONS: Final[Mapping[Status, frozenset[Status]]] = {
    _S.PLANNING: frozenset({_S.WAITING, _S.INVALID, _S.UNCHANGED, _S.EXPIRED, _S.WITHDRAWN, _S.SUPERSEDED}),
    _S.WAITING: frozenset({_S.READY, _S.PLANNING, _S.REJECTED, _S.EXPIRED, _S.WITHDRAWN, _S.SUPERSEDED}),
    _S.READY: frozenset(
        {_S.DISPATCHING, _S.WAITING, _S.PLANNING, _S.REJECTED, _S.EXPIRED, _S.WITHDRAWN, _S.SUPERSEDED}
    ),
    _S.DISPATCHING: frozenset({_S.ROLLING, _S.READY, _S.PLANNING, _S.FAILED, _S.UNCHANGED}),
    _S.ROLLING: frozenset({_S.SUCCEEDED, _S.FAILED, _S.SUPERSEDED}),
    _S.SUCCEEDED: frozenset(),
    _S.FAILED: frozenset(),
    _S.REJECTED: frozenset(),
    _S.EXPIRED: frozenset(),
    _S.WITHDRAWN: frozenset(),
    _S.SUPERSEDED: frozenset(),
    _S.INVALID: frozenset(),
    _S.UNCHANGED: frozenset(),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Deploy:
    """A deployment request; ``id`` is 0 until the store has numbered it.

    ``plan`` is the number of its newest plan (0 before the first), ``catalog`` the fingerprint of the catalog that it
    was planned under (audit events name the one of each decision), ``due_at`` when a worker should look at it next
    (None: never by itself), ``detail`` the sentence that explains the present state, ``blocked`` what holds a READY
    one or keeps a PLANNING one waiting, ``nonce`` set where *Deploy again anyway* was asked, ``replaces`` where the
    requester chose to replace a running rollout. ``promotes`` is the environment that its release comes from, where
    it was promoted and not asked for; ``offers`` are those that its own message offers to promote it to. ``asked_in``
    is the Slack channel of the request and ``asked_via`` its response_url, dropped with the first change of state.
    """

    id: int = 0
    service: str
    environment: str
    version: str
    release: str
    overrides: Mapping[str, Value]
    reason: str | None
    requester: Actor
    requested_at: datetime
    expires_at: datetime
    catalog: str
    nonce: str | None = None
    promotes: str = ""
    asked_in: str = ""
    asked_via: str = ""
    status: Status = Status.PLANNING
    changed_at: datetime
    due_at: datetime | None = None
    plan: int = 0
    detail: str = ""
    blocked: tuple[Reason, ...] = ()
    replaces: bool = False
    offers: tuple[str, ...] = ()

    @property
    def number(self) -> str:
        """``D-1042``: short, speakable, never reused."""
        return f"D-{self.id}"

    @property
    def waits_its_turn(self) -> bool:
        """Whether another deploy of its service and environment is what holds it."""
        return any(reason.code == "turn" for reason in self.blocked)

    def advance(self, to: Status, at: datetime, **changes: Any) -> Deploy:
        """The same deploy in the next state; ``IllegalTransition`` where the table has no such arrow.

        ``detail`` and ``blocked`` start empty in a new state, ``due_at`` is ``at``, unless given; ``asked_via`` goes.
        """
        if to not in TRANSITIONS[self.status]:
            raise IllegalTransition(f"{self.number} is {self.status}: it cannot become {to}")
        # whatever comes after planning is told in the channel, or has just been told by it
        fresh = {"detail": "", "blocked": (), "due_at": at if to.open else None, "asked_via": ""}
        return replace(self, status=to, changed_at=at, **{**fresh, **changes})
