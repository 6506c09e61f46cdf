"""Deliver: send what the outbox intends, rendered from the state of now; a dead channel never blocks anything."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import TYPE_CHECKING

from bot.domain.delivery import Fate, back_off, fate, worth_sending
from bot.domain.message import Delivery, Note, Outgoing, Posted
from bot.errors import CatalogMissing, SlackRefused, SlackUnavailable
from bot.operations.status import card as read_card

if TYPE_CHECKING:
    from datetime import timedelta

    from bot.domain.message import Card
    from bot.ports import Parcel, Ports

log = logging.getLogger(__name__)


async def step(ports: Ports) -> bool:
    """Send the next outgoing message; whether there was one."""
    now = ports.clock.now()
    parcel = await ports.store.claim_parcel(owner=ports.worker, lease=ports.limits.lease, now=now)
    if parcel is None:
        return False
    if not worth_sending(parcel.outgoing.kind, now - parcel.created_at):
        await ports.store.parcel_done(parcel)
        return True
    try:
        await _send(ports, parcel)
    except SlackUnavailable as error:
        wait = back_off(parcel.tries)
        asked = error.retry_after or 0
        await ports.store.parcel_later(parcel, now + max(wait, type(wait)(seconds=asked)))
    except SlackRefused as error:
        await _refused(ports, parcel, error, back_off(parcel.tries))
    else:
        await ports.store.parcel_done(parcel)
    return True


async def _refused(ports: Ports, parcel: Parcel, error: SlackRefused, wait: timedelta) -> None:
    """Slack said no for good, or until somebody mends the app: dropped with a trace, or tried later."""
    log.warning("slack refused a message", extra={"kind": parcel.outgoing.kind.value, "error": error.error})
    if fate(error.error) is Fate.LATER:
        await ports.store.parcel_later(parcel, ports.clock.now() + wait)
    else:
        await ports.store.parcel_done(parcel)


async def _send(ports: Ports, parcel: Parcel) -> None:
    outgoing = parcel.outgoing
    note = outgoing.note or Note(text="")
    match outgoing.kind:
        case Delivery.CARD:
            await _card(ports, outgoing.deploy_id or 0)
        case Delivery.THREAD:
            await _thread(ports, outgoing.deploy_id or 0, note)
        case Delivery.TELL:
            await ports.chat.tell(
                note, user=outgoing.user, channel=outgoing.channel, response_url=outgoing.response_url
            )
        case Delivery.ADMIN:
            channel = await _admin_channel(ports)
            if channel:
                await ports.chat.announce(channel, note)
        case Delivery.STRIP:
            await ports.chat.strip(outgoing.channel, outgoing.ts, note)


async def _admin_channel(ports: Ports) -> str:
    async with ports.store.read() as reading:
        try:
            return (await reading.active_catalog()).catalog.admin_channel or ""
        except CatalogMissing:
            return ""


async def _thread(ports: Ports, deploy_id: int, note: Note) -> None:
    async with ports.store.read() as reading:
        posted = await reading.posted(deploy_id)
    if posted is not None and posted.ts:
        await ports.chat.reply(posted.channel, posted.ts, note)


async def _card(ports: Ports, deploy_id: int) -> None:
    card = await read_card(ports, deploy_id)
    if card is None:
        return
    async with ports.store.read() as reading:
        posted = await reading.posted(deploy_id)
    if posted is None or not posted.ts:
        await _post(ports, card, posted)
        return
    try:
        await _update(ports, card, posted)
    except SlackRefused as error:
        if fate(error.error) is not Fate.ANEW:
            raise
        await _post(ports, card, replace(posted, ts=""))


async def _update(ports: Ports, card: Card, posted: Posted) -> None:
    try:
        await ports.chat.update_card(card, posted.channel, posted.ts)
    except SlackRefused as error:
        if fate(error.error) is not Fate.PLAIN:
            raise
        await ports.chat.update_card(card, posted.channel, posted.ts, plain=True)


async def _post(ports: Ports, card: Card, before: Posted | None) -> None:
    """Commit the attempt, post, commit where it is; an attempt found unfinished is posted again, and says so."""
    twice = before is not None and (before.twice or before.posting is not None)
    begun = Posted(deploy_id=card.deploy.id, channel=card.channel, posting=ports.clock.now(), twice=twice)
    await _keep(ports, begun)
    try:
        channel, ts = await _post_somewhere(ports, replace(card, twice=twice))
    except (SlackUnavailable, SlackRefused) as error:
        # nothing was posted where Slack said no, or was never reached: the next attempt is not a second one
        if not (isinstance(error, SlackUnavailable) and error.sent):
            await _keep(ports, replace(begun, posting=None))
        raise
    await _keep(ports, replace(begun, channel=channel, ts=ts, posting=None))
    ports.bell.ring()


async def _keep(ports: Ports, posted: Posted) -> None:
    async with ports.store.begin() as tx:
        await tx.save_posted(posted)


async def _post_somewhere(ports: Ports, card: Card) -> tuple[str, str]:
    """Post to the deploy's channel, plainly where Slack refuses blocks; to the operators where the channel is dead."""
    try:
        return card.channel, await _post_to(ports, card, card.channel)
    except SlackRefused as error:
        admin = await _admin_channel(ports)
        if fate(error.error) is not Fate.ELSEWHERE or admin in {"", card.channel}:
            raise
        text = f"The message of {card.deploy.number} could not be posted to its channel ({error.error}); it is here."
        async with ports.store.begin() as tx:
            lost = Note(text=text, lines=(f"Channel {card.channel}: invite the app, unarchive it, or name another.",))
            await tx.send(Outgoing(kind=Delivery.ADMIN, note=lost), ports.clock.now())
        return admin, await _post_to(ports, card, admin)


async def _post_to(ports: Ports, card: Card, channel: str) -> str:
    try:
        return await ports.chat.post_card(card, channel)
    except SlackRefused as error:
        if fate(error.error) is not Fate.PLAIN:
            raise
        return await ports.chat.post_card(card, channel, plain=True)
