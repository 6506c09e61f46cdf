"""Deliver: send what the outbox intends, rendered from the state of now; a dead channel never blocks anything."""

from __future__ import annotations

import logging
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from bot.domain.delivery import Fate, back_off, fate, worth_sending
from bot.domain.message import Delivery, Note, Outgoing, Posted
from bot.errors import SlackRefused, SlackUnavailable
from bot.operations.kept import kept
from bot.operations.status import card as read_card

if TYPE_CHECKING:
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
        log.warning("a private answer came too late", extra={"deploy": parcel.outgoing.deploy_id})
        await ports.store.parcel_done(parcel)
        return True
    try:
        await _send(ports, parcel)
    except SlackUnavailable as error:
        asked = timedelta(seconds=error.retry_after or 0)
        await ports.store.parcel_later(parcel, ports.clock.now() + max(back_off(parcel.tries), asked))
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
            await _announce(ports, note)
        case _:
            await ports.chat.strip(outgoing.channel, outgoing.ts, note)


async def _announce(ports: Ports, note: Note) -> None:
    channel = await _admin_channel(ports)
    if channel:
        await ports.chat.announce(channel, note)
    else:
        log.warning("there is no admin channel to say it in", extra={"note": note.text})


async def _admin_channel(ports: Ports) -> str:
    async with ports.store.read() as reading:
        return (await reading.active_catalog()).catalog.admin_channel or ""


async def _thread(ports: Ports, deploy_id: int, note: Note) -> None:
    async with ports.store.read() as reading:
        posted = kept(await reading.posted(deploy_id), f"the message of D-{deploy_id}")
    if not posted.ts:
        # the store hands out a reply once its message stands; that one was lost since and is being posted anew
        raise SlackUnavailable("the message that this belongs under is being posted anew")
    await ports.chat.reply(posted.channel, posted.ts, note)


async def _card(ports: Ports, deploy_id: int) -> None:
    card = kept(await read_card(ports, deploy_id), f"D-{deploy_id}")
    async with ports.store.read() as reading:
        posted = await reading.posted(deploy_id)
    if posted is None or not posted.ts:
        await _post(ports, card, posted)
        return
    try:
        await _update(ports, card, posted)
    except SlackRefused as error:
        if fate(error.error) not in {Fate.ANEW, Fate.ELSEWHERE}:
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
        channel, ts, lost = await _post_somewhere(ports, replace(card, twice=twice))
    except (SlackUnavailable, SlackRefused) as error:
        # nothing was posted where Slack said no, or was never reached: the next attempt is not a second one
        if not (isinstance(error, SlackUnavailable) and error.sent):
            await _keep(ports, replace(begun, posting=None))
        raise
    await _keep(ports, replace(begun, channel=channel, ts=ts, posting=None), *lost)
    ports.bell.ring()


async def _keep(ports: Ports, posted: Posted, *notes: Note) -> None:
    """Write where the message is, and what the operators have to know of that."""
    async with ports.store.begin() as tx:
        await tx.save_posted(posted)
        for note in notes:
            await tx.send(Outgoing(kind=Delivery.ADMIN, note=note), ports.clock.now())


async def _post_somewhere(ports: Ports, card: Card) -> tuple[str, str, tuple[Note, ...]]:
    """Post to the deploy's channel, or to the operators' where that is dead: the channel, the ts, what to tell them."""
    try:
        return card.channel, await _post_to(ports, card, card.channel), ()
    except SlackRefused as error:
        admin = await _admin_channel(ports)
        if fate(error.error) is not Fate.ELSEWHERE or admin in {"", card.channel}:
            raise
        text = f"The message of {card.deploy.number} could not be posted to its channel ({error.error}); it is here."
        lost = Note(text=text, lines=(f"Channel {card.channel}: invite the app, unarchive it, or name another.",))
        return admin, await _post_to(ports, card, admin), (lost,)


async def _post_to(ports: Ports, card: Card, channel: str) -> str:
    try:
        return await ports.chat.post_card(card, channel)
    except SlackRefused as error:
        if fate(error.error) is not Fate.PLAIN:
            raise
        return await ports.chat.post_card(card, channel, plain=True)
