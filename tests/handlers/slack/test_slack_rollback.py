"""Rollback as people meet it in Slack: the button, its form, the command, and the message."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from bot.domain.decision import Refused
from bot.domain.deploy.deploy import Status
from bot.gateways.blocks import modal
from bot.gateways.blocks.card.message import render
from bot.operations.deploys.approve import approve
from bot.operations.deploys.decide import Origin
from bot.operations.deploys.request import Requested
from bot.operations.outbox import deliver
from bot.operations.queries.status import card
from bot.operations.worker import plan as planning
from handlers.slack.verbs.table import answer
from tests.builders import ALICE, BOB, NORA, SAM, a_job
from tests.handlers.slack import bolt
from tests.handlers.slack.test_slack_actions import told
from tests.handlers.slack.test_slack_authority import a_call
from tests.operations.acts import now
from tests.operations.rollbacks import over, rolled_back, sent, shipped, started, taken, went_back

if TYPE_CHECKING:
    from bot.domain.deploy.deploy import Deploy
    from bot.ports import Ports
    from tests.fakes import World
    from tests.slackside import Door, Slackside

STAGING = "C0STAGING1"
EXEMPT = "It goes before other deploys, and waits for nothing but its approvals and the locks of others."


async def drawn(ports: Ports) -> None:
    while await deliver.step(ports):
        pass


async def shown(world: World, deploy: Deploy) -> str:
    """All text of the deploy's message."""
    found = await card(world.ports(), deploy.id)
    assert found is not None
    return str(render(found).blocks)


def filled(value: str, reason: str) -> dict[str, Any]:
    """The submitted form."""
    values = {modal.REASON_BLOCK: {modal.REASON_ACTION: {"value": reason}}}
    return {"callback_id": modal.ROLL_BACK, "private_metadata": value, "state": {"values": values}}


async def click(slack: Slackside, message: dict[str, Any]) -> None:
    body = {"user": "U0ALICE001", "channel": STAGING, "ts": message["ts"], "action_id": "deploy.rollback"}
    assert (await slack.page.post("action", **body))["status"] == 200


async def test_the_button_opens_a_form_and_that_rolls_back(
    world: World, ports: Ports, slack: Slackside, knocking: Door
) -> None:
    await shipped(world, "v1.4.1", "staging")
    await shipped(world, "v1.4.2", "staging")
    await drawn(ports)
    first, second = sorted(await slack.page.messages(STAGING), key=lambda each: each["ts"])
    assert "deploy.rollback" in str(second["blocks"])

    await click(slack, second)
    await knocking.guard.drain()
    (view,) = (await slack.page.get("state", **{"as": "U0ALICE001"}))["views"]
    assert "Rolls back v1.4.2 (D-2) to v1.4.1 (D-1)." in str(view["view"]["blocks"] if "view" in view else view)
    sent_back = await slack.page.post("submit", user="U0ALICE001", view=view["id"], values={"reason": {"text": "5xx"}})

    assert sent_back["status"] == 200
    deploy = await now(world, 3)
    assert deploy.rollback is not None
    assert (deploy.rollback.deploy, deploy.rollback.undoes, deploy.reason) == (1, 2, "5xx")
    assert first["ts"] != second["ts"]


async def test_a_click_that_comes_too_late_is_told_why(
    world: World, ports: Ports, slack: Slackside, knocking: Door
) -> None:
    await shipped(world, "v1.4.1", "staging")
    await shipped(world, "v1.4.2", "staging")
    await drawn(ports)
    *_, message = sorted(await slack.page.messages(STAGING), key=lambda each: each["ts"])
    await shipped(world, "v1.4.3", "staging")

    await click(slack, message)

    assert "D-2 is no longer what runs: D-3 (v1.4.3) replaced it." in (await told(slack, "U0ALICE001"))[0]


async def test_the_form_names_the_approvers_and_says_what_is_wrong(world: World) -> None:
    await shipped(world, "v1.4.1")
    deploy = await shipped(world, "v1.4.2")
    click = await bolt.click(a_call(world, ALICE, trigger_id="t"), "deploy.rollback", value="D-2:1")
    assert click.messages == []

    short = await bolt.submit(a_call(world, ALICE), filled(f"{deploy.number}:1", " "))
    assert short is not None
    assert "The reason is missing" in str(short["errors"])
    nobody = await bolt.submit(a_call(world, NORA), filled(f"{deploy.number}:1", "5xx"))
    assert nobody is not None
    assert "`rollback`" in str(nobody["view"])
    for value in ("nothing", "D-99:1"):
        strange = await bolt.submit(a_call(world, ALICE), filled(value, "5xx"))
        assert strange is not None
        assert "out of date" in str(strange["view"])
    assert await bolt.submit(a_call(world, ALICE), filled(f"{deploy.number}:1", "5xx")) is None
    assert (await now(world, 3)).rollback is not None


async def test_an_unknown_deploy_has_no_form(world: World) -> None:
    told_of = await bolt.click(a_call(world, ALICE, trigger_id="t"), "deploy.rollback", value="D-99:1")
    (message,) = told_of.messages
    assert "There is no deploy D-99." in message.text


async def test_the_command_answers_what_it_does(world: World) -> None:
    await shipped(world, "v1.4.1")
    await shipped(world, "v1.4.2")
    said = await answer(a_call(world, ALICE, text="rollback checkout in production because 5xx"))
    assert said is not None
    assert said.text.splitlines()[1:5] == [
        "• Rolls back v1.4.2 (D-2) to v1.4.1 (D-1).",
        "• It needs no new approvals: it goes back to what D-2 replaced.",
        f"• {EXEMPT}",
        (
            "• checkout in production is locked with this reason: other deploys wait. "
            "To lift the lock: `/deploy unlock checkout in production because TEXT`."
        ),
    ]
    again = await answer(a_call(world, ALICE, text="rollback checkout in production because 5xx"))
    assert again is not None
    assert "Already requested" in again.text


class TestMessage:
    """What the channel sees of a rollback."""

    async def test_the_way_back_and_who_approved_what_it_undoes(self, world: World) -> None:
        await shipped(world, "v1.4.1", overrides={"count": 3})
        await shipped(world, "v1.4.2")
        deploy = await taken(world)
        await planning.step(world.ports())
        text = await shown(world, deploy)
        assert ":rewind: *Rolls back v1.4.2 (D-2) to v1.4.1 (D-1).*" in text
        assert "It needs no new approvals: it goes back to what D-2 replaced." in text
        assert EXEMPT in text
        assert f"D-2 was approved by <@{BOB.id}>, <@{SAM.id}>" in text
        assert "*Settings of D-1* (1)" in text
        # it replaces a newer version, which is flagged
        assert "It replaces v1.4.2 by the older v1.4.1." in text

    async def test_after_its_end_the_approvers_are_named_in_the_line(self, world: World) -> None:
        await shipped(world, "v1.4.1")
        await shipped(world, "v1.4.2")
        deploy = await went_back(world)
        text = await shown(world, deploy)
        assert f"asked by <@{ALICE.id}> · D-2 was approved by <@{BOB.id}>, <@{SAM.id}>" in text
        assert ":rewind:" not in text

    async def test_what_it_needs_if_it_is_not_the_inverse(self, world: World) -> None:
        await shipped(world, "v1.4.1")
        await shipped(world, "v1.4.2")
        world.clock.advance(timedelta(hours=1))
        deploy = await taken(world)
        await planning.step(world.ports())
        text = await shown(world, deploy)
        assert "It needs the approvals of a rollback: D-2 was not dispatched within the last 1h." in text
        assert "*Needs* 0 of 2 approvals" in text
        assert not isinstance(
            await approve(world.ports(), SAM, deploy.id, plan=1, origin=Origin()),
            Refused,
        )

    async def test_without_approvals_there_is_nobody_to_name(self, world: World) -> None:
        await shipped(world, "v1.4.1", "staging")
        await shipped(world, "v1.4.2", "staging")
        deploy = await taken(world, environment="staging")
        await planning.step(world.ports())
        text = await shown(world, deploy)
        assert "it goes back to what D-2 replaced, and D-2 needed none." in text
        assert "was approved by" not in text

    async def test_the_baseline_has_a_name(self, world: World) -> None:
        world.nomad.change(a_job("registry.example/checkout:by-hand"))
        deploy = await shipped(world, "v1.4.1")
        assert "Roll checkout in production back to baseline" in await shown(world, deploy)
        back = await taken(world)
        await planning.step(world.ports())
        assert "Rolls back v1.4.1 (D-1) to the job that ran before Nomatron." in await shown(world, back)


class TestButton:
    """On what succeeded or failed and runs, if something ran before it."""

    async def test_not_on_a_first_deploy(self, world: World) -> None:
        assert "deploy.rollback" not in await shown(world, await shipped(world, "v1.4.1"))

    async def test_on_what_failed_and_what_succeeded(self, world: World) -> None:
        await shipped(world, "v1.4.1")
        failed = await over(world, await started(world, "v1.4.2"), "failed")
        assert failed.status is Status.FAILED
        assert "Roll checkout in production back to v1.4.1 (D-1)" in await shown(world, failed)
        running = await started(world, "v1.4.3")
        assert "deploy.rollback" not in await shown(world, running)
        assert "deploy.rollback" not in await shown(world, failed)

    async def test_not_after_a_rollback_that_nothing_is_before(self, world: World) -> None:
        await shipped(world, "v1.4.1")
        undone = await shipped(world, "v1.4.2")
        back = await over(world, await sent(world, await taken(world)))
        assert back.status is Status.SUCCEEDED
        assert "deploy.rollback" not in await shown(world, back)
        assert "deploy.rollback" not in await shown(world, undone)


async def test_two_people_who_click_get_one_rollback(world: World) -> None:
    await shipped(world, "v1.4.1")
    deploy = await shipped(world, "v1.4.2")
    for who in (ALICE, BOB):
        assert await bolt.submit(a_call(world, who), filled(f"{deploy.number}:1", "5xx")) is None
    answer = await rolled_back(world, SAM)
    assert isinstance(answer, Requested)
    assert (answer.existing, answer.deploy.requester) == (True, ALICE)
