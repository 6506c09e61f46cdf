"""A worker's step towards Nomad, and what holds it there: said to the channel, which did not ask."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from bot.domain.decision import Reason, Refused
from bot.errors import NomadForbidden, NomadUnavailable, PlaceGone
from bot.operations.deploys.withdraw import withdraw_unplaced
from bot.operations.worker.claim import held_deploy, hold

if TYPE_CHECKING:
    from collections.abc import Awaitable
    from datetime import timedelta

    from bot.ports import Ports
    from bot.ports.store import Claim

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
    except PlaceGone:
        await withdraw_placeless(ports, claim)
        return
    if reasons:
        await hold(ports, claim, tuple(_for_the_channel(reason) for reason in reasons), wait)


def _for_the_channel(reason: Reason) -> Reason:
    return replace(reason, text=_FOR_THE_CHANNEL.get(reason.code, reason.text))


async def withdraw_placeless(ports: Ports, claim: Claim) -> None:
    """End a deploy whose place the catalog no longer has, as ``apply`` would have; raises ``StaleFence``."""
    now = ports.clock.now()
    async with ports.store.begin() as tx:
        await tx.lock_catalog()
        deploy = await held_deploy(tx, claim)
        if (await tx.active_catalog()).catalog.placement(deploy.service, deploy.environment) is None:
            await withdraw_unplaced(tx, deploy, now)
    ports.bell.ring()
