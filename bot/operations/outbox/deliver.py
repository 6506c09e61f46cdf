"""Deliver: send the outbox's next message, drawn from the present state. A dead channel holds up nothing else."""

from __future__ import annotations

import logging
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

from bot.domain.deploy.message import (
    MOST_CRASHES,
    Delivery,
    Note,
    Outgoing,
    Posted,
    Setback,
    Way,
    back_off,
    worth_sending,
)
from bot.errors import (
    BUGS,
    AppRefused,
    ChannelGone,
    MessageGone,
    SlackError,
    SlackRefused,
    SlackUnavailable,
    StaleFence,
    StoreError,
)
from bot.operations.outbox import digest as post_digest
from bot.operations.outbox import plan_file
from bot.operations.outbox.posting import admin_channel, begun, may_have_arrived, post_somewhere, surely
from bot.operations.queries.status import card as read_card
from bot.operations.require import require
from bot.operations.worker.lease import renewing
from bot.ports.claims import MESSAGES

if TYPE_CHECKING:
    from collections.abc import Collection

    from bot.domain.deploy.message import Card
    from bot.ports import Ports
    from bot.ports.claims import Parcel

log = logging.getLogger(__name__)


class Sending:
    """The work on the outbox, in one lane: the store bounds what of it goes to one channel."""

    name = __name__
    kinds = frozenset({MESSAGES})
    wanted = None

    async def claim(
        self, ports: Ports, full: Collection[str] = (), _under_way: Collection[Parcel] = ()
    ) -> Parcel | None:
        """Claim the next outgoing message; None if there is none, or if the lane is ``full``."""
        if full:
            return None
        now = ports.clock.now()
        # what Slack's limits keep back now would only be put back, one message after the other
        resting = ports.chat.resting()
        parcel = await ports.store.claim_parcel(owner=ports.worker, lease=ports.limits.lease, now=now, resting=resting)
        if parcel is not None:
            # before the next claim: two messages must not count on the same call
            ports.chat.promise(_ways(parcel), parcel.channel)
        return parcel

    async def carry_out(self, ports: Ports, parcel: Parcel) -> None:
        """Send the message."""
        try:
            await self._carry_out(ports, parcel)
        finally:
            ports.chat.redeem(_ways(parcel), parcel.channel)

    async def _carry_out(self, ports: Ports, parcel: Parcel) -> None:
        if not worth_sending(parcel.outgoing.kind, ports.clock.now() - parcel.created_at):
            log.warning("a private answer came too late", extra={"deploy": parcel.outgoing.deploy_id})
            await _end(ports, parcel)
            return
        # a worker that lost its parcel while Slack was slow has written nothing; the parcel's new owner carries on
        with suppress(StaleFence):
            renew = partial(ports.store.renew_parcel, parcel, ports.limits.lease)
            async with renewing(f"lease of parcel {parcel.id}", ports.limits.lease, renew):
                await _deliver(ports, parcel)


def _ways(parcel: Parcel) -> tuple[Way, ...]:
    """The calls that sending the parcel may take; whether a card is posted or updated turns out when it is drawn."""
    match parcel.outgoing.kind:
        case Delivery.CARD:
            return Way.POST, Way.UPDATE
        case Delivery.STRIP:
            return (Way.UPDATE,)
        case Delivery.TELL:
            return () if parcel.outgoing.response_url else (Way.TELL,)
        case Delivery.DIGEST:
            return Way.POST, Way.FILE
        case Delivery.THREAD if parcel.outgoing.note and parcel.outgoing.note.plan is not None:
            return (Way.FILE,)
        case _:
            return (Way.POST,)


WORK = Sending()


async def step(ports: Ports) -> bool:
    """Send the next outgoing message. Return whether there was one."""
    parcel = await WORK.claim(ports)
    if parcel is not None:
        await WORK.carry_out(ports, parcel)
    return parcel is not None


async def _deliver(ports: Ports, parcel: Parcel) -> None:
    """Send the parcel and end it surely. Whatever is wrong with it, it holds up no other for longer than one try."""
    try:
        await _send(ports, parcel)
    except StaleFence:
        raise
    except (SlackUnavailable, AppRefused) as error:
        # until somebody has fixed the app every message is refused: none of them is dropped for that
        await _put_off(ports, parcel, error)
        return
    except SlackRefused as error:
        _log_refusal(parcel, error)
        if parcel.outgoing.kind in {Delivery.CARD, Delivery.THREAD}:
            await _give_up(ports, parcel.outgoing.deploy_id or 0, error)
    except StoreError as error:
        log.warning("a message waits for the database", extra={"error": str(error)})
        await _later(ports, parcel, back_off(parcel.tries), Setback.OUTAGE)
        return
    except BUGS as error:
        # a message that cannot be drawn must not cost the others theirs
        log.exception("a message could not be sent", extra={"kind": parcel.outgoing.kind.value})
        if parcel.crashes + 1 < MOST_CRASHES:
            await _later(ports, parcel, back_off(parcel.crashes), Setback.CRASH)
            return
        await _drop(ports, parcel, error)
    await _end(ports, parcel)


async def _end(ports: Ports, parcel: Parcel) -> None:
    await surely(ports, partial(ports.store.parcel_done, parcel))


async def _later(ports: Ports, parcel: Parcel, wait: timedelta, setback: Setback, *, begun: bool | None = None) -> None:
    await surely(ports, partial(ports.store.parcel_later, parcel, ports.clock.now(), wait, setback, begun=begun))


async def _put_off(ports: Ports, parcel: Parcel, error: SlackError) -> None:
    """Try again when Slack, or our own rate limit, allows; without such a wish the waits grow."""
    wait, setback = back_off(parcel.tries), Setback.OUTAGE
    if isinstance(error, SlackRefused):
        _log_refusal(parcel, error)
    if isinstance(error, SlackUnavailable) and error.retry_after is not None:
        wait, setback = timedelta(seconds=error.retry_after), Setback.LIMIT
    await _later(ports, parcel, wait, setback, begun=parcel.begun or may_have_arrived(error))


async def _drop(ports: Ports, parcel: Parcel, error: Exception) -> None:
    """Tell the operators of a message that Nomatron itself cannot send. A note to them that fails is only logged."""
    outgoing = parcel.outgoing
    if outgoing.kind is not Delivery.ADMIN:
        whose = f" of D-{outgoing.deploy_id}" if outgoing.deploy_id else ""
        text = f"A message{whose} ({outgoing.kind}) was dropped: Nomatron could not send it ({type(error).__name__})."
        await _tell_operators(ports, Note(text=text, lines=("This is a bug in Nomatron. Its log has the details.",)))


async def _tell_operators(ports: Ports, note: Note) -> None:
    async def write() -> None:
        async with ports.begin() as tx:
            await tx.send(Outgoing(kind=Delivery.ADMIN, note=note, urgent=True), ports.clock.now())

    await surely(ports, write)


def _log_refusal(parcel: Parcel, error: SlackRefused) -> None:
    log.warning("slack refused a message", extra={"kind": parcel.outgoing.kind.value, "error": error.error})


async def _give_up(ports: Ports, deploy_id: int, error: SlackRefused) -> None:
    """Tell the operators of a message that nobody will see. A message that is posted merely shows an older state."""
    if await surely(ports, partial(_posted, ports, deploy_id)) is None:
        text = f"Slack refuses the message of D-{deploy_id}: {error}."
        lines = (f"Its thread's notes are posted here instead. See it with /deploy status D-{deploy_id}.",)
        await _tell_operators(ports, Note(text=text, lines=lines))


async def _send(ports: Ports, parcel: Parcel) -> None:
    outgoing = parcel.outgoing
    note = outgoing.note or Note(text="")
    match outgoing.kind:
        case Delivery.CARD:
            await _card(ports, parcel)
        case Delivery.THREAD:
            await _thread(ports, parcel, note)
        case Delivery.TELL:
            note = await begun(ports, parcel, note)
            await ports.chat.tell(
                note, user=outgoing.user, channel=outgoing.channel, response_url=outgoing.response_url
            )
        case Delivery.ADMIN:
            await _announce(ports, parcel, note)
        case Delivery.NOTICE:
            await _notice(ports, parcel, note)
        case Delivery.DIGEST:
            await post_digest.post(ports, parcel)
        case _:
            await ports.chat.strip(outgoing.channel, outgoing.ts, note)


async def _announce(ports: Ports, parcel: Parcel, note: Note) -> None:
    channel = await admin_channel(ports)
    if channel:
        await ports.chat.announce(channel, await begun(ports, parcel, note))
    else:
        log.warning("the catalog names no admin channel: a note was dropped", extra={"note": note.text})


async def _notice(ports: Ports, parcel: Parcel, note: Note) -> None:
    """Post the note to its channel; if that is gone, the operators' channel gets it."""
    note = await begun(ports, parcel, note)
    try:
        await ports.chat.announce(parcel.outgoing.channel, note)
    except ChannelGone:
        admin = await admin_channel(ports)
        if admin in {"", parcel.outgoing.channel}:
            raise
        await ports.chat.announce(admin, note)


async def _thread(ports: Ports, parcel: Parcel, note: Note) -> None:
    """Reply under the deploy's message; if that or its channel is gone, post the message anew and reply there."""
    deploy_id = parcel.outgoing.deploy_id or 0
    posted = await _posted(ports, deploy_id)
    if posted is None:
        # the store hands out such a reply only if no message is on its way any more
        await _announce(ports, parcel, replace(note, text=f"About D-{deploy_id}: {note.text}"))
        return
    try:
        await _reply(ports, parcel, posted, note)
    except (ChannelGone, MessageGone):
        # the owner of the reply's parcel may post the message, too: the store never hands both out at once
        await _card(ports, parcel)
        reposted = await _posted(ports, deploy_id)
        if reposted is None or (reposted.channel, reposted.ts) == (posted.channel, posted.ts):
            raise
        await _reply(ports, parcel, reposted, note)


async def _reply(ports: Ports, parcel: Parcel, posted: Posted, note: Note) -> None:
    note = await begun(ports, parcel, note)
    if note.plan is None:
        await ports.chat.reply(posted.channel, posted.ts, note)
    else:
        await plan_file.attach(ports, parcel.outgoing.deploy_id or 0, note.plan, posted, again=parcel.begun)


async def _posted(ports: Ports, deploy_id: int) -> Posted | None:
    """Where the deploy's message is; None if it is not posted."""
    async with ports.store.read() as reading:
        posted = await reading.posted(deploy_id)
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
        await ports.chat.update_card(card, posted.channel, posted.ts)
    except (ChannelGone, MessageGone):
        await _post(ports, parcel, card, replace(posted, ts=""))


async def _post(ports: Ports, parcel: Parcel, card: Card, before: Posted | None) -> None:
    """Commit the attempt, post, commit where the message is. An unfinished attempt is repeated, marked as a repost."""
    twice = before is not None and (before.twice or before.posting is not None)
    started = Posted(deploy_id=card.deploy.id, channel=card.channel, posting=ports.clock.now(), twice=twice)
    await _save(ports, parcel, started)
    try:
        post = partial(ports.chat.post_card, replace(card, twice=twice))
        channel, ts, notes = await post_somewhere(ports, f"The message of {card.deploy.number}", card.channel, post)
    except (SlackUnavailable, SlackRefused) as error:
        # if Slack said no, or was never reached, nothing was posted: the next attempt is not a repost
        if not may_have_arrived(error):
            await surely(ports, partial(_save, ports, parcel, replace(started, posting=None)))
        raise
    placed = replace(started, channel=channel, ts=ts, posting=None)
    await surely(ports, partial(_save, ports, parcel, placed, *notes))


async def _save(ports: Ports, parcel: Parcel, posted: Posted, *notes: Note) -> None:
    """Write where the message is, with notes for the operators. ``StaleFence`` if the parcel is somebody else's now."""
    async with ports.begin() as tx:
        await tx.save_posted(posted, parcel)
        for note in notes:
            await tx.send(Outgoing(kind=Delivery.ADMIN, note=note), ports.clock.now())
