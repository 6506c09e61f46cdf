"""What every step of the worker shares: claim a deploy, keep it for one step, say what holds it, let it go."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Final

from bot.domain.actor import System
from bot.domain.audit.events import EventType
from bot.domain.decision import Reason, Refused
from bot.domain.deploy.message import PLANNING_SHOWN_AFTER, Delivery, Outgoing
from bot.errors import NomadForbidden, NomadUnavailable, StaleFence, TargetGone
from bot.operations.deploys.transitions import event_of
from bot.operations.deploys.withdraw import withdraw_unplaced
from bot.operations.worker.lease import beating

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from datetime import datetime

    from bot.domain.deploy.deploy import Deploy, Status
    from bot.ports import Ports
    from bot.ports.store import Claim, Transaction

WORKER = System("worker")
_NOT_BY_RULE = frozenset({"nomad-unavailable", "nomad-forbidden", "turn"})
PUT_OFF = timedelta(seconds=5)


async def work_on(ports: Ports, status: Status, work: Callable[[Ports, Claim], Awaitable[None]]) -> bool:
    """Do one step of work on the oldest due deploy in ``status``; whether there was one.

    Losing it to another worker meanwhile ends the step quietly: whatever it wanted to write was refused. A step that
    breaks puts its deploy off for a while, so that it does not keep the younger ones waiting for ever.
    """
    claim = await ports.store.claim(status, owner=ports.worker, lease=ports.limits.lease, now=ports.clock.now())
    if claim is None:
        return False
    put_off: datetime | None = ports.clock.now() + PUT_OFF
    try:
        renew = partial(ports.store.renew, claim, ports.limits.lease)
        with suppress(StaleFence):
            async with beating(f"lease of D-{claim.deploy_id}", ports.limits.lease, renew):
                await work(ports, claim)
        put_off = None
    finally:
        await ports.store.release(claim, put_off)
    return True


async def held_deploy(tx: Transaction, claim: Claim) -> Deploy:
    """The claimed deploy, locked, still in the state it was claimed in; ``StaleFence`` where it moved on."""
    deploy = await tx.lock_deploy(claim.deploy_id, claim)
    if deploy is None or deploy.status is not claim.status:
        raise StaleFence(f"D-{claim.deploy_id} is no longer {claim.status}")
    return deploy


async def hold(ports: Ports, claim: Claim, reasons: tuple[Reason, ...], wait: timedelta) -> None:
    """Something holds the deploy: look again after ``wait``; recorded and shown once, not at every look."""
    now = ports.clock.now()
    async with ports.store.begin() as tx:
        deploy = await held_deploy(tx, claim)
        await hold_in(tx, deploy, _known(deploy, reasons), now, now + wait)


def _known(deploy: Deploy, reasons: tuple[Reason, ...]) -> tuple[Reason, ...]:
    """What holds it, as far as that is known: a rule that held it holds on until Slack can be asked again."""
    by_rule = deploy.blocked and not {reason.code for reason in deploy.blocked} & _NOT_BY_RULE
    return deploy.blocked if by_rule and [reason.code for reason in reasons] == ["membership-unknown"] else reasons


async def hold_in(tx: Transaction, deploy: Deploy, reasons: tuple[Reason, ...], now: datetime, due: datetime) -> None:
    """The same in a transaction that has the deploy locked."""
    await tx.save_deploy(replace(deploy, blocked=reasons, due_at=due))
    codes = [reason.code for reason in reasons]
    if codes != [reason.code for reason in deploy.blocked]:
        await tx.record(event_of(EventType.DEPLOY_BLOCKED, WORKER, deploy, now, deploy.catalog, codes=codes))
    if deploy.blocked != reasons:
        # before there is a plan the channel may never have to hear of it: the first message keeps its time
        first = None if deploy.plan else deploy.requested_at + PLANNING_SHOWN_AFTER
        await tx.send(Outgoing(kind=Delivery.CARD, deploy_id=deploy.id, not_before=first), now)


_FOR_THE_CHANNEL: Final = {
    "membership-unknown": "Slack does not say who is in which group; it waits until Slack answers.",
    "catalog-busy": "The catalog changed while this was decided; it is decided again.",
}
"""Refusals that speak to whoever clicked, in words for those who only read them."""


async def or_hold(
    ports: Ports, claim: Claim, work: Awaitable[Refused | None], wait: timedelta, *, ask_again: timedelta | None = None
) -> None:
    """Do the work; look again after ``wait`` where something holds it, Nomad or Slack being away among it.

    ``ask_again`` is the wait where a rule holds it, which may take Slack to tell.
    A deploy whose place the catalog no longer has is withdrawn: no look will ever find it there again.
    """
    try:
        held = await work
        reasons, wait = (held.reasons, ask_again or wait) if held is not None else ((), wait)
    except (NomadUnavailable, NomadForbidden) as error:
        reasons = (Reason(error.code, f"Nomad: {error}"),)
    except TargetGone:
        await withdraw_placeless(ports, claim)
        return
    if reasons:
        await hold(ports, claim, tuple(_for_the_channel(reason) for reason in reasons), wait)


def _for_the_channel(reason: Reason) -> Reason:
    return replace(reason, text=_FOR_THE_CHANNEL.get(reason.code, reason.text))


async def withdraw_placeless(ports: Ports, claim: Claim) -> None:
    """End a deploy that the catalog no longer deploys there, as ``apply`` would have; raises ``StaleFence``."""
    now = ports.clock.now()
    async with ports.store.begin() as tx:
        await tx.lock_catalog()
        deploy, active = await held_deploy(tx, claim), await tx.active_catalog()
        if active.catalog.placement(deploy.service, deploy.environment) is None:
            await withdraw_unplaced(tx, deploy, now, active.fingerprint)
    ports.bell.ring()
