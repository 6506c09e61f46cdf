"""Audit events: each is recorded in the same transaction as the change that it describes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from bot.domain.actor import Actor
from bot.domain.canonical import canonical
from bot.domain.deploy.deploy import Deploy
from bot.domain.documents import document_of


class EventType(StrEnum):
    """All types of audit events. Add new ones at the end and never rename one: stored events keep their names."""

    CATALOG_APPLIED = "catalog.applied"
    DEPLOY_REQUESTED = "deploy.requested"
    DEPLOY_REFUSED = "deploy.refused"
    DEPLOY_PLANNED = "deploy.planned"
    DEPLOY_REPLANNING = "deploy.replanning"
    DEPLOY_APPROVED = "deploy.approved"
    DEPLOY_RETRACTED = "deploy.retracted"
    DEPLOY_REJECTED = "deploy.rejected"
    DEPLOY_REPLACES = "deploy.replaces"
    DEPLOY_WITHDRAWN = "deploy.withdrawn"
    DEPLOY_EXPIRED = "deploy.expired"
    DEPLOY_READY = "deploy.ready"
    DEPLOY_WAITING = "deploy.waiting"
    DEPLOY_BLOCKED = "deploy.blocked"
    DEPLOY_DISPATCHING = "deploy.dispatching"
    DEPLOY_ATTEMPTED = "deploy.attempted"
    DEPLOY_ANSWERED = "deploy.answered"
    DEPLOY_LANDED = "deploy.landed"
    DEPLOY_UNCHANGED = "deploy.unchanged"
    DEPLOY_INVALID = "deploy.invalid"
    DEPLOY_SUCCEEDED = "deploy.succeeded"
    DEPLOY_FAILED = "deploy.failed"
    DEPLOY_SUPERSEDED = "deploy.superseded"
    DEPLOY_REVERTED = "deploy.reverted"
    ACTION_REFUSED = "action.refused"
    DEPLOY_STUCK = "deploy.stuck"
    DEPLOY_MOVING = "deploy.moving"
    DEPLOY_SHOWN = "deploy.shown"
    DEPLOY_RESOLVED = "deploy.resolved"
    DEPLOY_LANDED_LATE = "deploy.landed-late"
    DEPLOY_DEVIATED = "deploy.deviated"
    LOCK_PLACED = "lock.placed"
    LOCK_LIFTED = "lock.lifted"
    LOCK_EXPIRED = "lock.expired"


_STEPS = frozenset(
    {
        EventType.DEPLOY_PLANNED,
        EventType.DEPLOY_REPLANNING,
        EventType.DEPLOY_READY,
        EventType.DEPLOY_BLOCKED,
        EventType.DEPLOY_DISPATCHING,
        EventType.DEPLOY_ATTEMPTED,
        EventType.DEPLOY_ANSWERED,
        EventType.DEPLOY_LANDED,
        EventType.DEPLOY_MOVING,
    }
)


def is_step(body: Mapping[str, Any]) -> bool:
    """Whether an event's body is of a step that Nomatron takes by itself from one decision to the next.

    Not a step: what a person did, how a deploy ended, and whatever calls for a person, such as a plan that voided
    approvals.
    """
    if body["type"] == EventType.DEPLOY_SHOWN:
        return True
    by_itself = str(body["actor"]).startswith("system:")
    return by_itself and body["type"] in _STEPS and not body.get("data", {}).get("voided")


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One thing that happened. ``data`` is small, holds no secret, and 64-bit numbers in it are text."""

    type: EventType
    at: datetime
    actor: Actor
    deploy_id: int | None = None
    service: str | None = None
    environment: str | None = None
    catalog: str | None = None
    data: Mapping[str, Any] = field(default_factory=dict)

    def body(self) -> bytes:
        """The bytes that are stored; they never change. ``ValueError`` if ``data`` has no canonical form."""
        document = {
            "actor": self.actor.key,
            "at": document_of(self.at),
            "catalog": self.catalog,
            "data": document_of(self.data),
            "deploy": self.deploy_id,
            "environment": self.environment,
            "service": self.service,
            "type": self.type.value,
            "v": 1,
        }
        return canonical({key: value for key, value in document.items() if value is not None})


def event_of(kind: EventType, actor: Actor, deploy: Deploy, at: datetime, catalog: str, **data: object) -> Event:
    """An audit event about a deploy, decided by the catalog of that fingerprint."""
    return Event(
        type=kind,
        at=at,
        actor=actor,
        deploy_id=deploy.id,
        service=deploy.service,
        environment=deploy.environment,
        catalog=catalog,
        data=data,
    )
