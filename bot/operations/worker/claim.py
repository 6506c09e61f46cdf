"""Shared by all steps of the worker: claim a deploy, do one step, record what blocks it, release it."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Final, TypeVar

from bot.domain.actor import System
from bot.domain.audit.events import EventType, event_of
from bot.domain.decision import Reason, Refused
from bot.domain.deploy.message import PLANNING_SHOWN_AFTER, Delivery, Outgoing
from bot.errors import NomadForbidden, NomadUnavailable, StaleFence, TargetGone
from bot.operations.deploys.decide import lock_claimed
from bot.operations.deploys.target import check_target
from bot.operations.deploys.withdraw import withdraw_unplaced
from bot.operations.worker.lease import renewing
from bot.ports.claims import Wanted

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Collection
    from datetime import datetime

    from bot.domain.deploy.deploy import Deploy, Status
    from bot.ports import Ports
    from bot.ports.claims import Claim, Due
    from bot.ports.store import Transaction

Result = TypeVar("Result")

WORKER = System("worker")
_NOT_BY_RULE = frozenset({"locked", "nomad-unavailable", "nomad-forbidden", "running-unknown", "turn"})
_UNAVAILABLE = frozenset({"nomad-unavailable", "nomad-forbidden", "membership-unknown", "running-unknown"})
PUT_OFF = timedelta(seconds=5)
LONGEST_WAIT: Final = timedelta(minutes=1)
"""The longest time by which a step puts a deploy off, but for offers and rollouts. One due later met a wrong clock."""


@dataclass(frozen=True, slots=True)
class Work:
    """Work on deploys in some states: ``act`` does one step of it on a claimed deploy; true if it has released it.

    ``within`` is the longest time by which a step puts its deploy off.
    """

    statuses: frozenset[Status]
    act: Callable[[Ports, Claim], Awaitable[bool | None]]
    within: timedelta = LONGEST_WAIT

    @property
    def name(self) -> str:
        """The module of the work, for the log."""
        return self.act.__module__

    @property
    def kinds(self) -> frozenset[str]:
        """The states of its deploys, for the bell."""
        return self.statuses

    @property
    def wanted(self) -> Wanted:
        """The deploys that it asks for, in any lane."""
        return Wanted(statuses=self.statuses, within=self.within)

    async def claim(
        self, ports: Ports, full: frozenset[str] = frozenset(), _under_way: Collection[Claim] = ()
    ) -> Claim | None:
        """Claim the deploy that is due first, in any lane that is not ``full``; None if there is none."""
        wanted = replace(self.wanted, full=full)
        return await ports.store.claim(wanted, owner=ports.worker, lease=ports.limits.lease, now=ports.clock.now())

    async def carry_out(self, ports: Ports, claim: Claim) -> None:
        """Do one step on the claimed deploy, and release it.

        If another worker takes the deploy over meanwhile, the step ends quietly and has written nothing. If the step
        raises, its deploy is put off for a while.
        """
        await keeping(ports, claim, partial(self.act, ports, claim))

    async def once(self, ports: Ports) -> bool:
        """Claim a deploy and do one step on it; returns whether there was one."""
        claim = await self.claim(ports)
        if claim is not None:
            await self.carry_out(ports, claim)
        return claim is not None


async def keeping(ports: Ports, claim: Claim, act: Callable[[], Awaitable[bool | None]]) -> None:
    """``act`` on the claimed deploy under a renewed lease, and release it, unless that returns that it has done so.

    If it raises, the deploy is put off for a while.
    """
    # assume that the step breaks: then its deploy must not be claimed again at once and starve the others
    put_off: datetime | None = ports.clock.now() + PUT_OFF
    released: bool | None = False
    try:
        renew = partial(ports.store.renew, claim, ports.limits.lease)
        # the fence refused the write, so the other worker's view stands and there is nothing to undo
        with suppress(StaleFence):
            async with renewing(f"lease of D-{claim.deploy_id}", ports.limits.lease, renew):
                released = await act()
        put_off = None
    finally:
        if not released:
            left = await ports.store.release(claim, put_off)
            if left is not None and left[1] <= ports.clock.now():
                ports.bell.ring({left[0]})


async def hold(ports: Ports, claim: Claim | Due, reasons: tuple[Reason, ...], wait: timedelta) -> None:
    """Record what blocks the deploy, and check it again after ``wait``; unchanged reasons are recorded only once."""
    now = ports.clock.now()
    async with ports.begin() as tx:
        await hold_locked(tx, await lock_claimed(tx, claim), reasons, now, wait)


async def hold_locked(
    tx: Transaction, deploy: Deploy, reasons: tuple[Reason, ...], now: datetime, wait: timedelta
) -> None:
    """Do that with a deploy that the transaction has locked."""
    known = _best_known(deploy, tuple(_for_the_channel(reason) for reason in reasons))
    await save_hold(tx, deploy, tuple(_with_since(deploy, reason, now) for reason in known), now, now + wait)


def _with_since(deploy: Deploy, reason: Reason, now: datetime) -> Reason:
    """The reason with the instant from which on the same thing has been unavailable to this deploy."""
    if reason.code not in _UNAVAILABLE:
        return reason
    before = next((each.since for each in deploy.blocked if each.code == reason.code), None)
    return replace(reason, since=before or now)


def _best_known(deploy: Deploy, reasons: tuple[Reason, ...]) -> tuple[Reason, ...]:
    """The reasons to show: the old ones if Slack is unavailable and a rule blocked the deploy before."""
    # "Slack is unavailable" would hide what people can act on, and the rule most likely still blocks the deploy
    by_rule = deploy.blocked and not {reason.code for reason in deploy.blocked} & _NOT_BY_RULE
    return deploy.blocked if by_rule and [reason.code for reason in reasons] == ["membership-unknown"] else reasons


async def save_hold(tx: Transaction, deploy: Deploy, reasons: tuple[Reason, ...], now: datetime, due: datetime) -> None:
    """Save what blocks a locked deploy, and when it is due again; record and show it if it changed."""
    # what ends by itself, such as a lock, lets it go at that very instant
    ends = [reason.possible_at for reason in reasons if reason.possible_at is not None and reason.possible_at > now]
    await tx.save_deploy(replace(deploy, blocked=reasons, due_at=min([due, *ends])))
    codes = [reason.code for reason in reasons]
    if codes != [reason.code for reason in deploy.blocked]:
        await tx.record(event_of(EventType.DEPLOY_BLOCKED, WORKER, deploy, now, deploy.catalog, codes=codes))
    if deploy.blocked != reasons:
        # before the first plan nothing is in the channel yet: keep the delay of the first message
        first = None if deploy.plan else deploy.requested_at + PLANNING_SHOWN_AFTER
        await tx.send(Outgoing(kind=Delivery.CARD, deploy_id=deploy.id, not_before=first), now)


_FOR_THE_CHANNEL: Final = {
    "membership-unknown": "Slack group membership is unavailable right now. Nomatron asks again.",
    "catalog-busy": "The catalog kept changing during the decision. Nomatron decides again.",
}
"""Texts for the channel, for refusals whose own text addresses the person who clicked."""


async def hold_if_blocked(
    ports: Ports,
    claim: Claim | Due,
    work: Awaitable[Result | Refused],
    wait: timedelta,
    *,
    ask_again: timedelta | None = None,
) -> Result | None:
    """The result of the work; if something blocks the deploy, or Nomad is unavailable, it is due after ``wait``.

    ``ask_again`` is the wait if the work was refused, because to check a rule we may have to ask Slack. A deploy whose
    target is no longer in the catalog is withdrawn.
    """
    try:
        result = await work
    except (NomadUnavailable, NomadForbidden) as error:
        await hold(ports, claim, (Reason(error.code, f"Nomad: {error}"),), wait)
        return None
    except TargetGone:
        await withdraw_claimed(ports, claim)
        return None
    if isinstance(result, Refused):
        await hold(ports, claim, result.reasons, ask_again or wait)
        return None
    return result


def _for_the_channel(reason: Reason) -> Reason:
    return replace(reason, text=_FOR_THE_CHANNEL.get(reason.code, reason.text))


async def withdraw_claimed(ports: Ports, claim: Claim | Due) -> None:
    """Withdraw the claimed deploy if its target is not in the catalog any more; raises ``StaleFence``."""
    now = ports.clock.now()
    async with ports.begin() as tx:
        await tx.lock_catalog()
        # read again under the lock: the catalog may have changed once more
        deploy, active = await lock_claimed(tx, claim), await tx.active_catalog()
        try:
            await check_target(tx, active.catalog, deploy)
        except TargetGone:
            await withdraw_unplaced(tx, deploy, now, active.fingerprint)
