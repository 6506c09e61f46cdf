"""One move of a deploy: what it writes together, and by which catalog it says that it was decided."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from bot.domain.actor import Operator
from bot.domain.audit.events import EventType
from bot.domain.deploy.deploy import Status
from bot.domain.deploy.message import Delivery, Note
from bot.errors import IllegalTransition
from bot.operations.catalog import apply
from bot.operations.deploys.transitions import Redraw, to_requester, transition
from bot.operations.require import require
from tests.builders import ALICE, SAM, a_catalog, a_deploy, a_placement, a_service
from tests.operations.acts import delivered, events, judged, now, planned

if TYPE_CHECKING:
    from bot.domain.deploy.deploy import Deploy
    from bot.domain.deploy.message import Outgoing
    from tests.fakes import World


async def withdrawn(world: World, deploy: Deploy, to: Status = Status.WITHDRAWN, **given: Any) -> Deploy:
    """A move of a waiting deploy by Sam, decided by another catalog than it was planned under."""
    async with world.store.begin() as tx:
        locked = require(await tx.lock_deploy(deploy.id), deploy.number)
        return await transition(
            tx,
            locked,
            to,
            at=world.clock.now(),
            event=EventType.DEPLOY_WITHDRAWN,
            actor=SAM,
            catalog="c" * 64,
            **given,
        )


async def pending(world: World) -> list[Outgoing]:
    """All that waits in the outbox, taken out of it in the order in which it would be sent."""
    found: list[Outgoing] = []
    while True:
        parcel = await world.store.claim_parcel(owner="test", lease=world.ports().limits.lease, now=world.clock.now())
        if parcel is None:
            return found
        found.append(parcel.outgoing)
        await world.store.parcel_done(parcel)


async def test_the_row_the_event_the_card_and_the_note_are_written_together(world: World):
    deploy = await planned(world, "production")
    await delivered(world)

    moved = await withdrawn(
        world,
        deploy,
        data={"detail": "enough"},
        changes={"detail": "enough"},
        note=to_requester(deploy, "D-1 was withdrawn."),
    )

    assert await now(world, deploy) == moved
    assert (moved.status, moved.detail, moved.changed_at) == (Status.WITHDRAWN, "enough", world.clock.now())
    told = (await events(world))[-1]
    assert (told["type"], told["actor"], told["deploy"]) == ("deploy.withdrawn", SAM.key, deploy.id)
    assert (told["catalog"], told["data"]) == ("c" * 64, {"detail": "enough", "plan": 1})
    card, reply = await pending(world)
    assert (card.kind, card.deploy_id, card.urgent) == (Delivery.CARD, deploy.id, True)
    assert (reply.kind, reply.note) == (Delivery.THREAD, Note(text="D-1 was withdrawn.", mention=(ALICE.id,)))


@pytest.mark.parametrize(("card", "urgent"), [(Redraw.URGENT, [True]), (Redraw.LATER, [False]), (Redraw.NONE, [])])
async def test_the_message_is_drawn_again_at_once_in_its_turn_or_not(world: World, card: Redraw, urgent: list[bool]):
    deploy = await planned(world, "production")
    await delivered(world)

    await withdrawn(world, deploy, card=card)

    assert [each.urgent for each in await pending(world) if each.kind is Delivery.CARD] == urgent


async def test_a_move_that_the_table_does_not_have_writes_nothing(world: World):
    deploy = await planned(world, "production")
    await delivered(world)
    before = await events(world)

    with pytest.raises(IllegalTransition, match="D-1 is waiting: it cannot become rolling"):
        await withdrawn(world, deploy, Status.ROLLING)

    assert (await now(world, deploy), await events(world), await pending(world)) == (deploy, before, [])


async def test_what_a_new_catalog_ends_is_recorded_under_the_new_catalog(world: World):
    deploy = await planned(world, "production")
    other = a_catalog(services={"checkout": a_service(placements={"staging": a_placement()})})

    await apply(world.ports(), Operator("root"), other)
    await judged(world)

    ends = next(body for body in await events(world) if body["type"] == "deploy.withdrawn")
    assert ends["catalog"] == other.fingerprint != deploy.catalog


def test_nobody_is_mentioned_if_no_person_stands_behind_the_request():
    assert to_requester(a_deploy(requester=Operator("root")), "D-1 failed.").mention == ()
