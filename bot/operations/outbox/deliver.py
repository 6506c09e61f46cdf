"""Deliver: send what the outbox intends, rendered from the state of now; a dead channel never blocks anything."""

from __future__ import annotations

import logging
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

from bot.domain.deploy.delivery import Fate, back_off, fate, worth_sending
from bot.domain.deploy.message import Delivery, Note, Outgoing, Posted
from bot.errors import SlackRefused, SlackUnavailable, StaleFence
from bot.operations.outbox import digest as post_digest
from bot.operations.outbox.posting import admin_channel, may_stand, post_somewhere
from bot.operations.queries.status import card as read_card
from bot.operations.require import require
from bot.operations.worker.lease import beating

if TYPE_CHECKING:
    from bot.domain.deploy.message import Card
    from bot.ports import Ports
    from bot.ports.store import Parcel

log = logging.getLogger(__name__)

_MOVES = frozenset({Fate.ANEW, Fate.ELSEWHERE})
"""What a message does not survive where it is: it is posted once more, there or elsewhere."""


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
    # a worker that lost its parcel while Slack was slow wrote nothing, and whoever has it now goes on with it
    with suppress(StaleFence):
        renew = partial(ports.store.renew_parcel, parcel, ports.limits.lease)
        async with beating(f"lease of parcel {parcel.id}", ports.limits.lease, renew):
            await _deliver(ports, parcel)
    return True


async def _deliver(ports: Ports, parcel: Parcel) -> None:
    try:
        await _send(ports, parcel)
    except SlackUnavailable as error:
        asked = timedelta(seconds=error.retry_after or 0)
        await ports.store.parcel_later(parcel, ports.clock.now() + max(back_off(parcel.tries), asked))
    except SlackRefused as error:
        await _refused(ports, parcel, error, back_off(parcel.tries))
    else:
        await ports.store.parcel_done(parcel)


async def _refused(ports: Ports, parcel: Parcel, error: SlackRefused, wait: timedelta) -> None:
    """Slack said no for good, or until somebody mends the app: dropped with a trace, or tried later."""
    log.warning("slack refused a message", extra={"kind": parcel.outgoing.kind.value, "error": error.error})
    if fate(error.error) is Fate.LATER:
        await ports.store.parcel_later(parcel, ports.clock.now() + wait)
        return
    if parcel.outgoing.kind in {Delivery.CARD, Delivery.THREAD}:
        await _given_up(ports, parcel.outgoing.deploy_id or 0, error)
    await ports.store.parcel_done(parcel)


async def _given_up(ports: Ports, deploy_id: int, error: SlackRefused) -> None:
    """Tell the operators of a message that nobody will see; one that stands merely shows an older state."""
    async with ports.store.begin() as tx:
        posted = await tx.posted(deploy_id)
        if posted is None or not posted.ts:
            text = f"The message of D-{deploy_id} cannot be posted: Slack refuses it ({error})."
            lines = (f"What would be said under it is said here. Look at it with /deploy status D-{deploy_id}.",)
            note = Note(text=text, lines=lines)
            await tx.send(Outgoing(kind=Delivery.ADMIN, note=note, urgent=True), ports.clock.now())


async def _send(ports: Ports, parcel: Parcel) -> None:
    outgoing = parcel.outgoing
    note = outgoing.note or Note(text="")
    match outgoing.kind:
        case Delivery.CARD:
            await _card(ports, parcel)
        case Delivery.THREAD:
            await _thread(ports, parcel, note)
        case Delivery.TELL:
            await ports.chat.tell(
                note, user=outgoing.user, channel=outgoing.channel, response_url=outgoing.response_url
            )
        case Delivery.ADMIN:
            await _announce(ports, note)
        case Delivery.DIGEST:
            await post_digest.post(ports, parcel)
        case _:
            await ports.chat.strip(outgoing.channel, outgoing.ts, note)


async def _announce(ports: Ports, note: Note) -> None:
    channel = await admin_channel(ports)
    if channel:
        await ports.chat.announce(channel, note)
    else:
        log.warning("there is no admin channel to say it in", extra={"note": note.text})


async def _thread(ports: Ports, parcel: Parcel, note: Note) -> None:
    """Under the deploy's message; under the next one where the first turns out to be dead or gone."""
    posted = await _posted(ports, parcel)
    if posted is None:
        # the store hands out such a reply only where no message is on its way any more
        await _announce(ports, replace(note, text=f"About D-{parcel.outgoing.deploy_id}: {note.text}"))
        return
    try:
        await ports.chat.reply(posted.channel, posted.ts, note)
    except SlackRefused as error:
        if fate(error.error) not in _MOVES:
            raise
        # whoever holds the reply holds the message: it may move it
        await _card(ports, parcel)
        moved = await _posted(ports, parcel)
        if moved is None or (moved.channel, moved.ts) == (posted.channel, posted.ts):
            raise
        await ports.chat.reply(moved.channel, moved.ts, note)


async def _posted(ports: Ports, parcel: Parcel) -> Posted | None:
    """Where the deploy's message stands; None where it stands nowhere."""
    async with ports.store.read() as reading:
        posted = await reading.posted(parcel.outgoing.deploy_id or 0)
    return posted if posted and posted.ts else None


async def _card(ports: Ports, parcel: Parcel) -> None:
    deploy_id = parcel.outgoing.deploy_id or 0
    card = require(await read_card(ports, deploy_id), f"D-{deploy_id}")
    async with ports.store.read() as reading:
        posted = await reading.posted(deploy_id)
    if posted is None or not posted.ts:
        await _post(ports, parcel, card, posted)
        return
    try:
        await _update(ports, card, posted)
    except SlackRefused as error:
        if fate(error.error) not in _MOVES:
            raise
        await _post(ports, parcel, card, replace(posted, ts=""))


async def _update(ports: Ports, card: Card, posted: Posted) -> None:
    try:
        await ports.chat.update_card(card, posted.channel, posted.ts)
    except SlackRefused as error:
        if fate(error.error) is not Fate.PLAIN:
            raise
        await ports.chat.update_card(card, posted.channel, posted.ts, plain=True)


async def _post(ports: Ports, parcel: Parcel, card: Card, before: Posted | None) -> None:
    """Commit the attempt, post, commit where it is; an attempt found unfinished is posted again, and says so."""
    twice = before is not None and (before.twice or before.posting is not None)
    begun = Posted(deploy_id=card.deploy.id, channel=card.channel, posting=ports.clock.now(), twice=twice)
    await _keep(ports, parcel, begun)
    try:
        post = partial(_post_to, ports, replace(card, twice=twice))
        channel, ts, lost = await post_somewhere(ports, f"The message of {card.deploy.number}", card.channel, post)
    except (SlackUnavailable, SlackRefused) as error:
        # nothing was posted where Slack said no, or was never reached: the next attempt is not a second one
        if not may_stand(error):
            await _keep(ports, parcel, replace(begun, posting=None))
        raise
    await _keep(ports, parcel, replace(begun, channel=channel, ts=ts, posting=None), *lost)
    ports.bell.ring()


async def _keep(ports: Ports, parcel: Parcel, posted: Posted, *notes: Note) -> None:
    """Write where the message is, and what the operators have to know of that; ``StaleFence`` where it is another's."""
    async with ports.store.begin() as tx:
        await tx.save_posted(posted, parcel)
        for note in notes:
            await tx.send(Outgoing(kind=Delivery.ADMIN, note=note), ports.clock.now())


async def _post_to(ports: Ports, card: Card, channel: str) -> str:
    try:
        return await ports.chat.post_card(card, channel)
    except SlackRefused as error:
        if fate(error.error) is not Fate.PLAIN:
            raise
        return await ports.chat.post_card(card, channel, plain=True)
