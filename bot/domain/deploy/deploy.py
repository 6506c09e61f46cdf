"""The deploy: one release for one environment, and the only table of its state changes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from bot.domain.actor import Actor
from bot.domain.catalog.environment import Value
from bot.domain.catalog.release import release_name
from bot.domain.decision import Reason
from bot.domain.deploy.plan import Deviation
from bot.errors import IllegalTransition


class Status(StrEnum):
    """The state of a deploy; ``docs/engine.md`` (States) draws it."""

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
        """Whether its state can still change."""
        return bool(TRANSITIONS[self])

    @property
    def undecided(self) -> bool:
        """Whether people can still withdraw or reject it, because nothing has been sent to Nomad."""
        return Status.WITHDRAWN in TRANSITIONS[self]


BASELINE: Final = "baseline"
"""The job that ran in a place before Nomatron first deployed there, and the version of a rollback to it."""

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

REGISTERING: Final = frozenset({Status.DISPATCHING, Status.ROLLING})
"""States of a deploy that may have made a job version which the database does not know yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WayBack:
    """What a rollback goes back to: the job that ``deploy`` registered with its plan of the number ``plan``.

    If it is the ``baseline``, the job that ran there before Nomatron: the one that this plan replaced. ``undoes`` is
    the deploy that ran when the rollback was requested, ``undone`` the name of its release. ``catalog`` is the
    fingerprint of the catalog whose variables the job was rendered with. If ``free``, it needs no new approvals: it
    goes back to what ``undoes`` replaced, a short while after that, and ``approvers`` (Slack user ids) approved that
    deploy. Otherwise ``why`` says in a sentence why it needs its own. ``outside``: the job in Nomad was no longer what
    that deploy made, so that the rollback undoes what was done outside Nomatron.
    """

    deploy: int
    plan: int
    undoes: int
    undone: str
    catalog: str
    baseline: bool = False
    free: bool = False
    approvers: tuple[str, ...] = ()
    why: str = ""
    outside: bool = False

    @property
    def undoes_deploy(self) -> int | None:
        """The deploy that it undoes; None if it undoes what was done outside Nomatron."""
        return None if self.outside else self.undoes

    @property
    def name(self) -> str:
        """``D-11``, or ``baseline``: what to type after ``to``."""
        return BASELINE if self.baseline else f"D-{self.deploy}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Deploy:
    """A deployment request; ``id`` is 0 until the store has numbered it.

    ``release`` is the fingerprint of its release, ``revision`` the number of that release's template text among those
    of the same service, version and template, oldest first.
    ``plan`` is the number of its newest plan (0 before the first). ``catalog`` is the fingerprint of the catalog that
    it was planned under; an audit event names the catalog of its own decision. ``due_at`` is when a worker looks at it
    next (None: not by itself). ``detail`` explains the present state in a sentence, ``blocked`` why a READY or
    PLANNING deploy has to wait. ``nonce`` is set after *Deploy again anyway*, ``replaces`` if the requester chose to
    replace a running rollout. ``promotes`` is the environment that a promoted release comes from, ``offers`` are the
    environments that the deploy's message offers to promote it to. ``lane`` is that of its cluster, ``dispatches`` how
    often it became DISPATCHING. ``asked_in`` is the Slack channel of the request,
    ``asked_via`` its response_url, which is dropped with the first change of state. ``resolution`` is what a person
    said became of its dispatch or rollout, because Nomad cannot tell; it is dropped if the deploy was not registered.
    ``landed_at`` is when Nomad registered it (None: never). ``deviation`` is what ended the run of the job version that
    the deploy proved; None as long as nothing was seen. ``reminded_at`` is when its approvers were reminded last,
    ``auto_refused`` are the environments to which its automatic promotion was refused, and ``auto_held`` those for
    which people were told what holds that. ``rollback`` is what it goes back to, if it is a rollback: then release,
    revision and overrides are those of the deploy that it goes back to. A rollback to the baseline has no ``release``.
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
    revision: int = 1
    lane: str = ""
    dispatches: int = 0
    resolution: str = ""
    landed_at: datetime | None = None
    deviation: Deviation | None = None
    reminded_at: datetime | None = None
    auto_refused: tuple[str, ...] = ()
    auto_held: tuple[str, ...] = ()
    rollback: WayBack | None = None

    @property
    def release_name(self) -> str:
        """``v1.4.2 r2``: the version, with the revision of its template if that is not the first."""
        return release_name(self.version, self.revision)

    @property
    def number(self) -> str:
        """``D-1042``: short, speakable, never reused."""
        return f"D-{self.id}"

    @property
    def rolled_back_by(self) -> Actor | None:
        """Who requested it, if it is a rollback: whoever locks a place and then rolls it back means no lock on that."""
        return self.requester if self.rollback is not None else None

    @property
    def waits_its_turn(self) -> bool:
        """Whether it waits for another deploy of its service and environment."""
        return any(reason.code == "turn" for reason in self.blocked)

    def advance(self, to: Status, at: datetime, **changes: Any) -> Deploy:
        """The deploy in another state; ``IllegalTransition`` if the table does not allow that.

        ``detail`` and ``blocked`` are empty and ``due_at`` is ``at``, unless given; ``asked_via`` is cleared.
        """
        if to not in TRANSITIONS[self.status]:
            raise IllegalTransition(f"{self.number} is {self.status}: it cannot become {to}")
        # a response_url answers the requester alone; from now on the message in the channel tells everyone
        dispatches = self.dispatches + (to is Status.DISPATCHING)
        kept = "" if to in {Status.PLANNING, Status.READY} else self.resolution
        fresh = {"resolution": kept, "detail": "", "blocked": (), "due_at": at if to.open else None, "asked_via": ""}
        return replace(self, status=to, changed_at=at, dispatches=dispatches, **{**fresh, **changes})
