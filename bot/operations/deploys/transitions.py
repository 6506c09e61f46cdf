"""The one way to move a deploy: its row, the audit event, its message and a note change together or not at all."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Any

from bot.domain.actor import System, human_behind
from bot.domain.audit.events import Event, EventType
from bot.domain.deploy.deploy import Status
from bot.domain.deploy.message import Delivery, Note, Outgoing

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from bot.domain.actor import Actor
    from bot.domain.deploy.deploy import Deploy
    from bot.ports.store import Transaction

EXPIRY = System("expiry")
LONGEST_DETAIL = 500
"""Characters of a sentence in an audit event; the deploy keeps all of it."""


class Redraw(StrEnum):
    """When the deploy's message in Slack is drawn again after a change: before everything else, in its turn, or not."""

    URGENT = "urgent"
    LATER = "later"
    NONE = "none"


async def transition(  # noqa: PLR0913 -- one call names all that a change of state writes
    tx: Transaction,
    deploy: Deploy,
    to: Status,
    *,
    at: datetime,
    event: EventType,
    actor: Actor,
    catalog: str,
    data: Mapping[str, Any] | None = None,
    changes: Mapping[str, Any] | None = None,
    card: Redraw = Redraw.URGENT,
    note: Note | None = None,
) -> Deploy:
    """Move a locked deploy to its next state; the deploy as it was saved.

    ``event`` is recorded as done by ``actor`` and decided by the catalog of that fingerprint; its data has the number
    of the deploy's plan besides ``data``. ``changes`` are further fields of the deploy, ``note`` goes to its thread.
    Raises ``IllegalTransition`` if the table has no such arrow.
    """
    moved = deploy.advance(to, at, **(changes or {}))
    await tx.save_deploy(moved)
    await tx.record(event_of(event, actor, moved, at, catalog, **{"plan": moved.plan, **(data or {})}))
    if card is not Redraw.NONE:
        await redraw(tx, moved, at, urgent=card is Redraw.URGENT)
    if note is not None:
        await reply(tx, moved, note, at)
    return moved


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


async def redraw(tx: Transaction, deploy: Deploy, at: datetime, *, urgent: bool = False) -> None:
    """Have the deploy's message drawn again; ``urgent`` before everything else."""
    await tx.send(Outgoing(kind=Delivery.CARD, deploy_id=deploy.id, urgent=urgent), at)


async def reply(tx: Transaction, deploy: Deploy, note: Note, at: datetime) -> None:
    """Put a note into the thread under the deploy's message."""
    await tx.send(Outgoing(kind=Delivery.THREAD, deploy_id=deploy.id, note=note), at)


def to_requester(deploy: Deploy, text: str, lines: tuple[str, ...] = ()) -> Note:
    """A note that mentions the person who requested the deploy, if there is one."""
    requester = human_behind(deploy.requester)
    return Note(text=text, lines=lines, mention=(requester,) if requester else ())


async def plan_again(
    tx: Transaction,
    deploy: Deploy,
    *,
    at: datetime,
    actor: Actor,
    catalog: str,
    cause: str,
) -> Deploy:
    """Send a locked deploy back to planning; its message shows the cause until the new plan is there."""
    return await transition(
        tx,
        deploy,
        Status.PLANNING,
        at=at,
        event=EventType.DEPLOY_REPLANNING,
        actor=actor,
        catalog=catalog,
        data={"cause": cause},
        changes={"detail": cause},
        card=Redraw.LATER,
    )


def is_overdue(deploy: Deploy, now: datetime) -> bool:
    """Whether the deploy's time is over while nothing has been sent to Nomad."""
    return deploy.status.undecided and deploy.expires_at <= now


async def expire(tx: Transaction, deploy: Deploy, now: datetime) -> Deploy:
    """End a locked deploy whose time is over; its requester is told."""
    waited = "its plan" if deploy.status is Status.PLANNING else "a decision"
    detail = f"It waited for {waited} until its time was over."
    return await transition(
        tx,
        deploy,
        Status.EXPIRED,
        at=now,
        event=EventType.DEPLOY_EXPIRED,
        actor=EXPIRY,
        catalog=deploy.catalog,
        data={"detail": detail},
        changes={"detail": detail},
        note=to_requester(deploy, f"{deploy.number} expired."),
    )
