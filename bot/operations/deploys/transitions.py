"""The one way to change a deploy's state: its row, audit event, message and note in one transaction."""

from __future__ import annotations

from dataclasses import replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from bot.domain.actor import System, human_behind
from bot.domain.audit.events import EventType, event_of
from bot.domain.decision import Refused, every
from bot.domain.deploy.deploy import Status
from bot.domain.deploy.dispatch import unproven
from bot.domain.deploy.gates import RECHECK, what_holds
from bot.domain.deploy.message import Delivery, Note, Outgoing
from bot.domain.deploy.promotion import environments_after
from bot.domain.deploy.turns import superseded_by, turn

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from bot.domain.actor import Actor
    from bot.domain.decision import Decision
    from bot.domain.deploy.deploy import Deploy
    from bot.operations.deploys.decide import Case
    from bot.ports.store import Reading, Transaction

EXPIRY = System("expiry")
RULES = System("rules")
LONGEST_DETAIL = 500
"""Most characters of a detail in an audit event; the deploy's row has the whole text."""


class Redraw(StrEnum):
    """When a changed deploy's message in Slack is redrawn: before other messages, in turn, or not at all."""

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
    """Change the state of a locked deploy; returns the deploy as saved.

    ``event`` is recorded as done by ``actor`` and decided by the catalog of that fingerprint; its data has the number
    of the deploy's plan besides ``data``. ``changes`` are further fields of the deploy, ``note`` goes to its thread.
    Raises ``IllegalTransition`` if the table does not allow the change.
    """
    saved = deploy.advance(to, at, **(changes or {}))
    # it ends as if nothing had been registered: the worker goes on to look whether that stays true (``late``)
    unseen = not to.open and deploy.dispatches and deploy.status is not Status.ROLLING
    if unseen and unproven(await tx.attempts(deploy.id)):
        saved = replace(saved, due_at=at)
    await tx.save_deploy(saved)
    if to is Status.ROLLING or not to.open:
        await offer_anew(tx, saved.service, at)
    # row and event commit together: a log that can miss a change proves nothing
    await tx.record(event_of(event, actor, saved, at, catalog, **{"plan": saved.plan, **(data or {})}))
    # only queued here: Slack may be slow or down, and this transaction holds locks
    if card is not Redraw.NONE:
        await redraw(tx, saved, at, urgent=card is Redraw.URGENT)
    if note is not None:
        await reply(tx, saved, note, at)
    return saved


async def offer_anew(tx: Transaction, service: str, at: datetime) -> None:
    """Have every offer to promote the service looked at: a deploy of it was requested or ended, or Nomad got one."""
    catalog = (await tx.active_catalog()).catalog
    placed = catalog.services[service].placements if service in catalog.services else ()
    await tx.offer_anew([(service, each) for each in placed if environments_after(catalog, service, each)], at)


async def redraw(tx: Transaction, deploy: Deploy, at: datetime, *, urgent: bool = False) -> None:
    """Queue a redraw of the deploy's message; ``urgent``: before other messages."""
    await tx.send(Outgoing(kind=Delivery.CARD, deploy_id=deploy.id, urgent=urgent), at)


async def reply(tx: Transaction, deploy: Deploy, note: Note, at: datetime) -> None:
    """Queue a note for the thread under the deploy's message."""
    await tx.send(Outgoing(kind=Delivery.THREAD, deploy_id=deploy.id, note=note), at)


def to_requester(deploy: Deploy, text: str, lines: tuple[str, ...] = ()) -> Note:
    """A note that mentions the person who requested the deploy, if there is one."""
    requester = human_behind(deploy.requester)
    return Note(text=text, lines=lines, mention=(requester,) if requester else ())


async def held_now(tx: Reading, deploy: Deploy, now: datetime) -> Decision:
    """Whether a lock or another deploy's turn holds the deploy, which the database alone tells."""
    others = await tx.open_deploys(deploy.service, deploy.environment)
    locks = await tx.locks_on(deploy.service, deploy.environment)
    if not locks:
        # without one nothing is asked of the catalog, which says who may lift them
        return turn(deploy, others, now)
    return what_holds(deploy, others, locks, (await tx.active_catalog()).catalog, now)


async def make_ready(case: Case, *, tell: bool = True) -> Deploy:
    """Make a deploy ready, because every seat is filled, and ``tell`` its requester."""
    deploy, tx = case.deploy, case.tx
    held = every([case.facts.waited(case.now), await held_now(tx, deploy, case.now)])
    blocked = held.reasons if isinstance(held, Refused) else ()
    note = None
    if case.facts.seats and tell:
        after = " ".join([".", *(reason.text for reason in blocked)]) if blocked else " and goes next."
        note = to_requester(deploy, f"{deploy.number} has every approval it needs{after}")
        # the message drops them when the rollout starts; here they stay
        note = replace(note, said=_said(case))
    return await transition(
        tx,
        deploy,
        Status.READY,
        at=case.now,
        event=EventType.DEPLOY_READY,
        actor=RULES,
        catalog=case.facts.fingerprint,
        data={"blocked": [reason.code for reason in blocked], "judged": case.judged()},
        changes={"blocked": blocked},
        note=note,
    )


def _said(case: Case) -> tuple[tuple[str, str], ...]:
    """The approvals that count, each with its seat and its note."""
    seating = case.facts.seating
    labels = {holder: seat.label for seat, holder in zip(seating.seats, seating.holders, strict=True) if holder}
    counted = [each for each in case.facts.approvals if not each.void and each.user.id in labels]
    return tuple(
        (each.user.id, f"approved for {labels[each.user.id]}{f': {each.note}' if each.note else '.'}")
        for each in counted
    )


async def make_waiting(case: Case, why: str) -> Deploy:
    """Make a ready deploy wait for approval again, because a seat is empty, and tell its requester why."""
    return await transition(
        case.tx,
        case.deploy,
        Status.WAITING,
        at=case.now,
        event=EventType.DEPLOY_WAITING,
        actor=RULES,
        catalog=case.facts.fingerprint,
        data={"cause": why, "judged": case.judged()},
        changes={"detail": why, "due_at": case.now + RECHECK},
        note=to_requester(case.deploy, f"{case.deploy.number} needs approval again. {why}"),
    )


SETTING_REFUSED = "The rules no longer allow one of this deploy's settings."
"""The cause of a new plan that will say which setting that is."""


async def plan_again(
    tx: Transaction,
    deploy: Deploy,
    *,
    at: datetime,
    actor: Actor,
    catalog: str,
    cause: str,
) -> Deploy:
    """Send a locked deploy back to planning; its message shows the cause until there is a new plan."""
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
        # the new plan usually comes within seconds and redraws the message anyway
        card=Redraw.LATER,
    )


def is_overdue(deploy: Deploy, now: datetime) -> bool:
    """Whether the deploy has expired before anything was sent to Nomad."""
    return deploy.status.undecided and deploy.expires_at <= now


async def expire(tx: Transaction, deploy: Deploy, now: datetime) -> Deploy:
    """End a locked deploy as expired, and tell its requester."""
    waited = "its plan" if deploy.status is Status.PLANNING else "a decision"
    detail = f"Its time was over before it got {waited}."
    return await transition(
        tx,
        deploy,
        Status.EXPIRED,
        at=now,
        event=EventType.DEPLOY_EXPIRED,
        actor=EXPIRY,
        # no catalog was consulted: the deploy's own limit decides
        catalog=deploy.catalog,
        data={"detail": detail},
        changes={"detail": detail},
        note=to_requester(deploy, f"{deploy.number} expired. {detail}"),
    )


async def supersede_older(case: Case) -> None:
    """End the older deploys of its service there, if the environment says so, and tell the people behind them.

    For a deploy that has its first plan: one that never gets so far must end nothing.
    """
    deploy, tx = case.deploy, case.tx
    if not case.facts.catalog.environments[deploy.environment].supersede:
        return
    # one that is dispatched in this instant is no longer in the state in which it was read
    for other in superseded_by(deploy, await tx.open_deploys(deploy.service, deploy.environment)):
        locked = await tx.lock_deploy(other.id)
        if locked is not None and locked.status.undecided:
            await _supersede(case, locked)


async def _supersede(case: Case, older: Deploy) -> None:
    newer = case.deploy
    detail = f"{newer.number} ({newer.release_name}) is newer."
    approvers = [each.user.id for each in await case.tx.approvals(older.id) if not each.void]
    lines = (f"Approvals do not carry over: {newer.number} needs its own.",) if approvers else ()
    note = to_requester(older, f"{older.number} was superseded: {detail}", lines)
    await transition(
        case.tx,
        older,
        Status.SUPERSEDED,
        at=case.now,
        event=EventType.DEPLOY_SUPERSEDED,
        actor=RULES,
        catalog=case.facts.fingerprint,
        data={"by": newer.id, "detail": detail},
        changes={"detail": detail},
        note=replace(note, mention=tuple(dict.fromkeys([*note.mention, *approvers]))),
    )
