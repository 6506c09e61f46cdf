"""One deploy computed from its audit events: a row of the digest, of its CSV and of ``history``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final

from bot.domain.actor import Actor, actor_from_key, human_behind
from bot.domain.audit.events import EventType
from bot.domain.catalog.release import release_name
from bot.domain.deploy.base import base_from
from bot.domain.deploy.deploy import Status
from bot.domain.deploy.plan import Base
from bot.domain.deploy.rollout import RolloutStatus

Body = Mapping[str, Any]
"""An audit event's document, as ``Event.body`` writes it."""


class Outcome(StrEnum):
    """What became of a deploy. At any moment each deploy has exactly one of these."""

    DEPLOYED = "deployed"
    FAILED = "failed"
    REVERTED = "reverted"
    REJECTED = "rejected"
    EXPIRED = "expired"
    WITHDRAWN = "withdrawn"
    SUPERSEDED = "superseded"
    INVALID = "invalid"
    UNCHANGED = "unchanged"
    OPEN = "open"


_E = EventType
STATES: Final[Mapping[EventType, Status]] = {
    _E.DEPLOY_REQUESTED: Status.PLANNING,
    _E.DEPLOY_PLANNED: Status.WAITING,
    _E.DEPLOY_REPLANNING: Status.PLANNING,
    _E.DEPLOY_WAITING: Status.WAITING,
    _E.DEPLOY_READY: Status.READY,
    _E.DEPLOY_DISPATCHING: Status.DISPATCHING,
    _E.DEPLOY_LANDED: Status.ROLLING,
    _E.DEPLOY_SUCCEEDED: Status.SUCCEEDED,
    _E.DEPLOY_FAILED: Status.FAILED,
    _E.DEPLOY_REJECTED: Status.REJECTED,
    _E.DEPLOY_EXPIRED: Status.EXPIRED,
    _E.DEPLOY_WITHDRAWN: Status.WITHDRAWN,
    _E.DEPLOY_SUPERSEDED: Status.SUPERSEDED,
    _E.DEPLOY_INVALID: Status.INVALID,
    _E.DEPLOY_UNCHANGED: Status.UNCHANGED,
}
"""The state that each event leads to; other events change no state."""
OUTCOMES: Final[Mapping[EventType, Outcome]] = {
    _E.DEPLOY_SUCCEEDED: Outcome.DEPLOYED,
    _E.DEPLOY_FAILED: Outcome.FAILED,
    _E.DEPLOY_REJECTED: Outcome.REJECTED,
    _E.DEPLOY_EXPIRED: Outcome.EXPIRED,
    _E.DEPLOY_WITHDRAWN: Outcome.WITHDRAWN,
    _E.DEPLOY_SUPERSEDED: Outcome.SUPERSEDED,
    _E.DEPLOY_INVALID: Outcome.INVALID,
    _E.DEPLOY_UNCHANGED: Outcome.UNCHANGED,
}
"""How a deploy ends, by the event that ends it. A failed deploy that Nomad reverted is REVERTED instead."""


@dataclass(frozen=True, slots=True)
class Word:
    """What a person said became of a deploy, such as ``landed 7``, and why.

    ``stands``: Nomad has not shown since what happened, and the deploy was not planned again. ``of_rollout``: it is
    about a rollout that went on after the deploy had ended, and not about how the deploy ended.
    """

    text: str
    by: Actor
    why: str
    stands: bool = True
    of_rollout: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One deploy at some moment, computed from its audit events.

    ``base`` is what the newest plan replaces (None: never planned, or planned before there was this field), and
    ``from_version`` its release's version (None if no deploy of ours made it). ``approvers`` are the Slack
    ids of the people whose approval counted at the dispatch, or counts now; ``approved_at`` is the newest approval.
    ``dispatched_at`` is the newest dispatch, ``to_approve`` the time from the request to the newest approval before
    that (None if nobody approved), ``landed_at`` when Nomad registered the job, ``stuck_at`` since when it is stuck.
    ``detail`` explains the state, ``cause`` is a shorter explanation if there is one. ``reverted`` is the status of
    Nomad's own revert, None if there was none. ``replanned_at`` is when a changed plan restarted the time to approve.
    ``word`` is what a person said last became of it, None if nobody had to. ``landed_late_at`` is when Nomad was found
    to have registered it, though it had ended before.
    """

    deploy_id: int
    service: str
    environment: str
    version: str
    revision: int = 1
    requester: Actor
    requested_at: datetime
    expires_at: datetime | None
    reason: str
    status: Status = Status.PLANNING
    changed_at: datetime
    from_version: str | None = None
    base: Base | None = None
    approvers: tuple[str, ...] = ()
    approved_at: datetime | None = None
    dispatched_at: datetime | None = None
    to_approve: timedelta | None = None
    landed_at: datetime | None = None
    stuck_at: datetime | None = None
    detail: str = ""
    cause: str = ""
    reverted: RolloutStatus | None = None
    replanned_at: datetime | None = None
    word: Word | None = None
    landed_late_at: datetime | None = None

    @property
    def number(self) -> str:
        """``D-1042``."""
        return f"D-{self.deploy_id}"

    @property
    def release_name(self) -> str:
        """``v1.4.2 r2``."""
        return release_name(self.version, self.revision)

    @property
    def from_release(self) -> str | None:
        """The version that ran before with its revision; None if there is none."""
        revision = self.base.revision if self.base else 1
        return None if self.from_version is None else release_name(self.from_version, revision)

    @property
    def outcome(self) -> Outcome:
        """What became of the deploy."""
        if self.status is Status.FAILED and self.reverted is not None:
            return Outcome.REVERTED
        return _BY_STATUS.get(self.status, Outcome.OPEN)

    @property
    def ended_at(self) -> datetime | None:
        """When it ended; None if it is open."""
        return None if self.outcome is Outcome.OPEN else self.changed_at

    @property
    def took(self) -> timedelta | None:
        """From the newest dispatch to the end of any kind; None if it is open or was never dispatched."""
        if self.ended_at is None or self.dispatched_at is None:
            return None
        return self.ended_at - self.dispatched_at

    @property
    def to_succeed(self) -> timedelta | None:
        """From the newest dispatch to the success; None if it did not succeed."""
        return self.took if self.status is Status.SUCCEEDED else None

    @property
    def resolved_by_person(self) -> bool:
        """Whether a person, not Nomad, said how it ended."""
        return self.ended_at is not None and self.resolved is not None and self.resolved.text in {"succeeded", "failed"}

    @property
    def resolved(self) -> Word | None:
        """A person's word that stands on how it ended; None if Nomad alone said that."""
        word = self.word
        return word if word is not None and word.stands and not word.of_rollout else None

    @property
    def self_approved(self) -> bool:
        """Whether the requester's own approval counted."""
        return human_behind(self.requester) in self.approvers

    @property
    def stuck(self) -> bool:
        """Whether its rollout, or Nomad's revert of it, became stuck and has not ended since."""
        if self.stuck_at is None:
            return False
        reverting = self.reverted is RolloutStatus.RUNNING and self.stuck_at >= self.changed_at
        return self.status is Status.ROLLING or reverting

    def overdue(self, now: datetime) -> bool:
        """Whether it waits for approval, and half of the time for that is over."""
        if self.status is not Status.WAITING or self.expires_at is None:
            return False
        begins = self.replanned_at or self.requested_at
        return now - begins >= (self.expires_at - begins) / 2


@dataclass(frozen=True, slots=True)
class HistoryPage:
    """A page of a service's deploys, newest request first.

    ``next`` is the ``before`` of the page after it, None on the last one. ``posted`` has the Slack link of each deploy
    whose message has a known address. ``zone`` is the catalog's time zone, an IANA name.
    """

    entries: tuple[Entry, ...]
    next: int | None
    posted: Mapping[int, str]
    zone: str = "UTC"


_BY_STATUS: Final[Mapping[Status, Outcome]] = {STATES[kind]: outcome for kind, outcome in OUTCOMES.items()}


def entry_of(bodies: Iterable[Body], until: datetime | None = None) -> Entry | None:
    """One deploy, computed from its events in the order they were recorded, without those from ``until`` on.

    None if its request is not among them.
    """
    fields: dict[str, Any] = {}
    for body in bodies:
        at = datetime.fromisoformat(body["at"])
        if until is not None and at >= until:
            continue
        kind = EventType(body["type"])
        if kind is EventType.DEPLOY_REQUESTED:
            fields = _fields_of_request(body, at)
        elif fields:
            fields.update(_changes(fields, body, at))
    return Entry(**fields) if fields else None


def _fields_of_request(body: Body, at: datetime) -> dict[str, Any]:
    """The fields of an entry that come from the request."""
    data = body["data"]
    return {
        "deploy_id": body["deploy"],
        "service": body["service"],
        "environment": body["environment"],
        "version": data["version"],
        "revision": data.get("revision", 1),
        "requester": actor_from_key(body["actor"]),
        "requested_at": at,
        "expires_at": _instant(data.get("expires_at")),
        "reason": data.get("reason", ""),
        "changed_at": at,
    }


_PLANNED_OR_SENT_AGAIN: Final = frozenset({EventType.DEPLOY_REPLANNING, EventType.DEPLOY_READY})


def _changes(fields: Mapping[str, Any], body: Body, at: datetime) -> dict[str, Any]:
    """The fields that the event changes."""
    # plain fields and no new Entry each time: a busy day's digest does this thousands of times
    kind, data = EventType(body["type"]), body.get("data", {})
    if kind is EventType.DEPLOY_RESOLVED:
        return _word(fields, body, data)
    changed = _beside_the_state(fields, kind, data, at)
    word, is_proof = fields.get("word"), kind is EventType.DEPLOY_LANDED and not data.get("by_person")
    if word is not None and (is_proof or kind in _PLANNED_OR_SENT_AGAIN):
        changed["word"] = replace(word, stands=False)
    if kind in STATES:
        changed |= {"status": STATES[kind], "changed_at": at, **_reasons(data)}
    return changed


def _word(fields: Mapping[str, Any], body: Body, data: Mapping[str, Any]) -> dict[str, Any]:
    of_rollout, before = "rollout" in data, fields.get("word")
    if of_rollout and before is not None and before.stands:
        return {}
    by, why = actor_from_key(body["actor"]), str(data.get("reason", ""))
    return {"word": Word(str(data["resolution"]), by, why, of_rollout=of_rollout)}


def _beside_the_state(
    fields: Mapping[str, Any], kind: EventType, data: Mapping[str, Any], at: datetime
) -> dict[str, Any]:
    match kind:
        case EventType.DEPLOY_PLANNED:
            expires = _instant(data.get("expires_at")) or fields["expires_at"]
            anew = {"approvers": (), "replanned_at": at} if data.get("voided") else {}
            base = base_from(data.get("base"))
            return {"from_version": data.get("from_version"), "base": base, "expires_at": expires, **anew}
        case EventType.DEPLOY_APPROVED:
            return {"approvers": _holders(data), "approved_at": at}
        case EventType.DEPLOY_RETRACTED | EventType.DEPLOY_READY | EventType.DEPLOY_WAITING:
            return {"approvers": _holders(data)} if "judged" in data else {}
        case EventType.DEPLOY_DISPATCHING:
            waited = fields["approved_at"] - fields["requested_at"] if "approved_at" in fields else None
            return {"dispatched_at": at, "to_approve": waited, "approvers": _holders(data)}
        case EventType.DEPLOY_LANDED:
            return {"landed_at": at}
        case EventType.DEPLOY_LANDED_LATE:
            return {"landed_late_at": at}
        case EventType.DEPLOY_STUCK:
            return {"stuck_at": at}
        case EventType.DEPLOY_MOVING:
            return {"stuck_at": None}
        case EventType.DEPLOY_REVERTED:
            return {"reverted": RolloutStatus(data["status"])}
        case _:
            return {}


def _holders(data: Mapping[str, Any]) -> tuple[str, ...]:
    """Who filled a seat at that decision, each person once, in the order of the seats."""
    seats = data.get("judged", {}).get("seats", ())
    return tuple(dict.fromkeys(seat["holder"] for seat in seats if seat["holder"]))


def _reasons(data: Mapping[str, Any]) -> dict[str, str]:
    detail = str(data.get("detail") or data.get("reason") or data.get("cause") or "")
    return {"detail": detail, "cause": str(data.get("cause", "")) if "detail" in data else ""}


def _instant(text: object) -> datetime | None:
    return datetime.fromisoformat(text) if isinstance(text, str) else None
