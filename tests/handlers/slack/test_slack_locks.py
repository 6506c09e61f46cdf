"""``/deploy lock`` and ``/deploy unlock`` as people type them, and what they and others read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bot.operations.outbox import deliver
from tests.handlers.slack.test_slack_preview import shown
from tests.operations.closing import locks
from tests.slackside import a_command

if TYPE_CHECKING:
    from tests.fakes import World
    from tests.slackside import Door, Slackside

SAM, ALICE, GUS = "U0SAM00001", "U0ALICE001", "U0GUS00001"


async def said(knocking: Door, text: str, user: str = SAM) -> Any:
    status, body = await knocking.knock(a_command(text, user_id=user))
    assert status == 200, body
    return body["text"]


async def test_a_lock_is_placed_shown_and_lifted_in_words(knocking: Door, slack: Slackside, world: World) -> None:
    answer = await said(knocking, "lock Production for 2h because the “database” moves")
    assert answer.startswith(":lock: production is locked: the “database” moves. _Since <!date^1795262400^")
    assert f", by <@{SAM}>._ Until <!date^1795269600^" in answer
    assert "Who can lift it: <!subteam^S0SRE00001>." in answer
    assert "To lift the lock: `/deploy unlock production because TEXT`." in answer
    (lock,) = await locks(world)
    assert (lock.holder.key, lock.reason) == (f"slack:T0NOMATRON:{SAM}", "the “database” moves")

    assert (await shown(slack, "status"))["blocks"][0]["text"]["text"].startswith(
        ":lock: production is locked: the “database” moves. _Since"
    )
    requested = await said(knocking, "checkout v1.4.2 to production", ALICE)
    assert ":lock: production is locked: the “database” moves. _Since" in requested
    assert ":lock:" not in await said(knocking, "checkout v1.4.2 to staging", ALICE)

    answer = await said(knocking, "unlock production because it has moved")
    assert answer.startswith(f":unlock: The lock on production was lifted. <@{SAM}> had placed it <!date")
    assert await locks(world) == ()


async def test_refusals_say_who_holds_it_and_who_can(knocking: Door, world: World) -> None:
    await said(knocking, "lock checkout in production because v1.4.2 loses orders")
    answer = await said(knocking, "lock checkout in production because of me")
    assert answer.startswith(":leftwards_arrow_with_hook: checkout in production is locked: v1.4.2 loses orders. To ")
    assert f"by <@{SAM}>._ Who can: <!subteam^S0SRE00001>." in answer
    answer = await said(knocking, "unlock checkout in production because now", ALICE)
    assert answer.startswith(":lock: You need the `lock` permission for checkout in production. Who can: <!subteam^")
    assert "Guests" in await said(knocking, "lock everything because fun", GUS)
    assert "There is no lock on production itself." in await said(knocking, "unlock production because done")
    assert "Did you mean `production`?" in await said(knocking, "lock prodction because x1x")
    assert "say why" in await said(knocking, "lock production")
    assert "A lock can last from 1m to 90d." in await said(knocking, "lock production for 400d because long")
    assert len(await locks(world)) == 1


async def test_the_channel_reads_a_note(knocking: Door, slack: Slackside, world: World, ports: Any) -> None:
    await said(knocking, "lock production because the database moves & more")
    while await deliver.step(ports):
        pass
    (post,) = await slack.calls("chat.postMessage")
    assert post["args"]["channel"] == "C0PROD0001"
    first, second, third = str(post["args"]["text"]).splitlines()
    assert first == "A lock was placed. Deploys that are ready wait now. Rollouts that run finish."
    assert second.startswith(":lock: production is locked: the database moves &amp; more. _Since")
    assert third == "To lift the lock: `/deploy unlock production because TEXT`."
