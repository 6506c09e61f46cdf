from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from bot.domain.catalog.environment import Rule
from bot.domain.deploy.deploy import Status
from bot.domain.deploy.dispatch import Answer
from bot.errors import NomadForbidden, NomadUnavailable
from bot.operations.deploys.decide import Origin
from bot.operations.deploys.replace_rollout import replace_rollout
from bot.operations.deploys.transitions import SETTING_REFUSED
from bot.operations.worker import dispatch
from tests.builders import ALICE, BOB, CAROL, DEVELOPERS, SAM, SRE, USERGROUPS, a_job, a_membership, a_person
from tests.operations.acts import (
    applied,
    attempts,
    change,
    delivered,
    dispatching,
    environments,
    events,
    now,
    planned,
    ready,
    rolling,
    texts,
    types,
)

if TYPE_CHECKING:
    from bot.domain.deploy.deploy import Deploy
    from tests.fakes import World


async def dispatched(world: World, deploy: Deploy) -> Deploy:
    """The deploy after everything that is due was taken through the gates."""
    while await dispatch.step(world.ports()):
        pass
    return await now(world, deploy)


def unanswered(world: World) -> None:
    """Nobody knows what becomes of the next register."""
    world.nomad.answers, world.nomad.apply = [Answer.UNKNOWN], False


async def test_there_is_nothing_to_do_without_a_ready_deploy(world: World):
    await planned(world, "production")

    assert not await dispatch.step(world.ports())


async def test_a_setting_that_an_older_version_let_pass_does_not_go_out(world: World):
    deploy = await ready(world, overrides={"count": 3})
    await change(world, replace(deploy, overrides={"count": "a\nADMIN=1"}))

    deploy = await dispatched(world, deploy)

    assert (deploy.status, deploy.detail) == (Status.PLANNING, SETTING_REFUSED)


async def test_with_open_gates_it_goes_and_the_record_says_who_was_in_which_group(world: World):
    deploy = await dispatched(world, await ready(world))

    assert deploy.status is Status.ROLLING
    *_, body, attempted, answered, landed = await events(world, deploy.id)
    assert [each["type"] for each in (body, attempted, answered, landed)] == [
        "deploy.dispatching", "deploy.attempted", "deploy.answered", "deploy.landed",
    ]  # fmt: skip
    judged = body["data"].pop("judged")
    assert body["data"] == {"plan": 1}
    assert judged["people"] == {ALICE.id: [DEVELOPERS], BOB.id: [DEVELOPERS], SAM.id: [SRE]}
    assert [(seat["label"], seat["holder"]) for seat in judged["seats"]] == [
        ("sre", SAM.id),
        ("owners of checkout", BOB.id),
    ]
    assert judged["missing"] == []


async def test_it_is_decided_and_recorded_under_the_catalog_of_now(world: World):
    deploy = await ready(world)
    catalog = await applied(world, timezone="Europe/Amsterdam")

    assert (await dispatched(world, deploy)).status is Status.ROLLING
    (body,) = [each for each in await events(world, deploy.id) if each["type"] == "deploy.dispatching"]
    assert body["catalog"] == catalog.fingerprint


# --- what holds it ---------------------------------------------------------------------------------------------------


async def test_a_requester_who_lost_the_permission_holds_it_and_has_it_go_when_it_is_back(world: World):
    deploy = await ready(world)
    world.directory.usergroups = {**USERGROUPS, DEVELOPERS: USERGROUPS[DEVELOPERS] - {ALICE.id}}

    held = await dispatched(world, deploy)

    assert (held.status, [reason.code for reason in held.blocked]) == (Status.READY, ["no-permission"])
    assert held.blocked[0].text == "The requester no longer has the `request` permission for checkout in production."
    assert held.blocked[0].groups == (DEVELOPERS, SRE)
    world.directory.usergroups = dict(USERGROUPS)
    world.clock.advance(dispatch.ASK_AGAIN)
    assert (await dispatched(world, deploy)).status is Status.ROLLING


async def test_a_deactivated_requester_holds_it(world: World):
    deploy = await ready(world)
    world.directory.snapshot = a_membership(a_person(ALICE, deleted=True))

    (reason,) = (await dispatched(world, deploy)).blocked
    assert (reason.code, reason.text) == ("person-deactivated", "The requester's Slack account is deactivated.")


@pytest.mark.parametrize(
    ("away", "code"),
    [(NomadUnavailable("no leader"), "nomad-unavailable"), (NomadForbidden("403"), "nomad-forbidden")],
)
async def test_while_nomad_is_away_it_waits_and_that_is_recorded_once(world: World, away, code: str):
    deploy = await ready(world)
    world.nomad.trouble = away

    for _ in range(3):
        held = await dispatched(world, deploy)
        world.clock.advance(dispatch.LOOK_AGAIN)

    assert (held.status, [reason.code for reason in held.blocked]) == (Status.READY, [code])
    assert (await types(world, deploy.id)).count("deploy.blocked") == 1
    world.nomad.trouble = None
    assert (await dispatched(world, deploy)).status is Status.ROLLING


async def test_while_slack_does_not_say_who_is_who_it_waits_and_that_is_recorded_once(world: World):
    deploy = await ready(world)
    world.directory.silent = True

    for _ in range(3):
        held = await dispatched(world, deploy)
        world.clock.advance(dispatch.ASK_AGAIN)

    assert (held.status, [reason.code for reason in held.blocked]) == (Status.READY, ["membership-unknown"])
    assert (await types(world, deploy.id)).count("deploy.blocked") == 1


async def test_other_words_for_the_same_trouble_are_shown_and_not_recorded_again(world: World):
    deploy = await ready(world)
    for words in ("timed out after 5.01 s", "timed out after 5.02 s"):
        world.nomad.trouble = NomadUnavailable(words)
        held = await dispatched(world, deploy)
        world.clock.advance(dispatch.LOOK_AGAIN)

    assert "5.02 s" in held.blocked[0].text
    assert (await types(world, deploy.id)).count("deploy.blocked") == 1


async def test_what_holds_it_is_on_its_message(world: World):
    deploy = await ready(world)
    world.nomad.trouble = NomadUnavailable("no leader")
    await dispatched(world, deploy)

    await delivered(world)

    (card,) = world.chat.cards.values()
    assert card.deploy.blocked[0].text == "Nomad: no leader"


# --- seats -----------------------------------------------------------------------------------------------------------


async def test_an_approver_who_left_the_group_no_longer_counts_and_people_are_told(world: World):
    deploy = await ready(world)
    world.directory.usergroups = {**USERGROUPS, SRE: frozenset()}

    waiting = await dispatched(world, deploy)
    await delivered(world)

    assert (waiting.status, waiting.detail) == (Status.WAITING, "An approver no longer counts.")
    assert (await types(world, deploy.id))[-1] == "deploy.waiting"
    assert "D-1 needs approval again. An approver no longer counts." in texts(world, "reply")


async def test_a_deactivated_approver_no_longer_counts(world: World):
    deploy = await ready(world)
    world.directory.snapshot = a_membership(a_person(BOB, deleted=True))

    assert (await dispatched(world, deploy)).status is Status.WAITING


async def test_an_approver_whom_slack_no_longer_knows_no_longer_counts(world: World):
    deploy = await ready(world)
    known = a_membership()
    world.directory.snapshot = replace(known, people={u: each for u, each in known.people.items() if u != BOB.id})

    assert (await dispatched(world, deploy)).status is Status.WAITING


async def test_a_catalog_that_asks_for_more_has_it_wait_for_people(world: World):
    deploy = await ready(world)
    rules = (Rule("sre"), Rule("developers", 2))
    await applied(world, environments=environments("production", approvals=rules))

    waiting = await dispatched(world, deploy)

    assert (waiting.status, waiting.detail) == (Status.WAITING, "An approval is missing.")


# --- the plan --------------------------------------------------------------------------------------------------------


async def test_a_job_that_moved_is_planned_again_with_the_cause(world: World):
    deploy = await ready(world)
    world.nomad.change(a_job())

    anew = await dispatched(world, deploy)

    assert anew.status is Status.PLANNING
    assert anew.detail == "The job in Nomad is now at version 0; the plan was made without a job."
    body = (await events(world, deploy.id))[-1]
    assert (body["type"], body["data"]["cause"]) == ("deploy.replanning", anew.detail)


@pytest.mark.parametrize(("silence", "asked"), [(61, 0), (60, 1), (0, 1)])
async def test_nomad_is_not_asked_again_if_its_stream_has_told_of_no_change_since_the_plan(
    world: World, silence, asked
):
    deploy = await ready(world)
    world.clock.advance(minutes=1)
    world.nomad.silence = timedelta(seconds=silence)
    calls: list[str] = []

    async def counted() -> None:
        calls.append("job")

    world.nomad.hooks.before("job", counted, always=True)

    assert (await dispatched(world, deploy)).status is Status.ROLLING
    assert (len(calls), len(world.nomad.registers)) == (asked, 1)


async def test_a_change_that_the_stream_has_not_told_yet_is_found_by_check_and_set(world: World):
    deploy = await ready(world)
    world.nomad.silence = timedelta(minutes=1)
    world.nomad.change(a_job())

    assert (await dispatched(world, deploy)).status is Status.PLANNING
    assert [each.answer for each in await attempts(world, deploy)] == [Answer.CONFLICT]


async def test_with_a_clock_that_was_set_back_it_is_asked(world: World):
    deploy = await ready(world)
    world.nomad.silence = timedelta(days=1)
    world.clock.advance(timedelta(hours=-1))
    world.nomad.trouble = NomadUnavailable("no leader")

    assert [each.code for each in (await dispatched(world, deploy)).blocked] == ["nomad-unavailable"]


async def test_a_job_that_is_gone_is_planned_again_with_the_cause(world: World):
    world.nomad.change(a_job())
    deploy = await ready(world)
    world.nomad.jobs.clear()

    anew = await dispatched(world, deploy)

    assert anew.detail == "The job in Nomad no longer exists; the plan was made for version 0."


async def test_one_whose_time_is_over_expires_instead_of_going(world: World):
    deploy = await ready(world)
    world.clock.advance(timedelta(hours=24))

    assert (await dispatched(world, deploy)).status is Status.EXPIRED


async def test_one_withdrawn_while_slack_is_asked_does_not_go(world: World):
    deploy = await ready(world)

    async def withdrawing():
        await change(world, deploy.advance(Status.WITHDRAWN, world.clock.now()))

    world.directory.hooks.before("membership", withdrawing)

    assert await dispatch.step(world.ports())
    assert (await now(world, deploy)).status is Status.WITHDRAWN


# --- turns -----------------------------------------------------------------------------------------------------------


async def two_ready(world: World) -> tuple[Deploy, Deploy]:
    first = await ready(world)
    world.clock.advance(seconds=1)
    return first, await ready(world, version="v1.5.0")


async def test_the_oldest_goes_and_the_next_is_told_that_it_goes_after_it(world: World):
    first, second = await two_ready(world)
    unanswered(world)

    held = await dispatched(world, second)

    assert (await now(world, first)).status is Status.DISPATCHING
    assert held.status is Status.READY
    (reason,) = held.blocked
    assert reason.code == "turn"
    assert reason.text == "D-1 (v1.4.2) is being dispatched. This deploy goes after it, with a new plan."


async def test_an_older_one_goes_first_even_when_the_younger_is_looked_at_first(world: World):
    first, second = await two_ready(world)
    await change(world, replace(first, due_at=world.clock.now() + timedelta(seconds=30)))

    held = await dispatched(world, second)

    assert held.status is Status.READY
    assert held.blocked[0].text.startswith("D-1 (v1.4.2) was requested earlier.")


async def test_an_older_one_that_something_else_holds_does_not_block(world: World):
    older = await ready(world)
    younger = await ready(world, version="v1.5.0", actor=CAROL)
    world.directory.usergroups = {**USERGROUPS, DEVELOPERS: USERGROUPS[DEVELOPERS] - {ALICE.id}}

    unanswered(world)
    assert (await dispatched(world, younger)).status is Status.DISPATCHING
    assert [reason.code for reason in (await now(world, older)).blocked] == ["no-permission"]


async def test_one_waits_while_another_rolls_and_then_is_planned_again(world: World):
    first = await rolling(world)
    second = await ready(world, version="v1.5.0")

    held = await dispatched(world, second)

    assert held.blocked[0].text.startswith("D-1 (v1.4.2) is rolling out.")
    await change(world, (await now(world, first)).advance(Status.SUCCEEDED, world.clock.now()))
    # what it waited for has ended: it is looked at without waiting for the clock
    assert (await dispatched(world, second)).status is Status.ROLLING


async def test_one_that_only_waits_for_its_turn_asks_neither_slack_nor_nomad(world: World):
    await rolling(world)
    second = await ready(world, version="v1.5.0")
    asked = world.directory.asked
    world.nomad.trouble = RuntimeError("Nomad was asked")

    for _ in range(3):
        held = await dispatched(world, second)
        world.clock.advance(dispatch.TURN_AGAIN)

    assert [reason.code for reason in held.blocked] == ["turn"]
    assert world.directory.asked == asked
    assert held.due_at == world.clock.now()


async def test_what_comes_to_hold_the_older_one_lets_the_younger_go_at_once(world: World):
    older, younger = await two_ready(world)
    await change(world, replace(older, due_at=world.clock.now() + timedelta(seconds=1)))
    assert [reason.code for reason in (await dispatched(world, younger)).blocked] == ["turn"]
    world.directory.usergroups = {**USERGROUPS, DEVELOPERS: USERGROUPS[DEVELOPERS] - {ALICE.id}}
    world.clock.advance(seconds=1)

    await dispatched(world, older)

    blocked = [[reason.code for reason in (await now(world, each)).blocked] for each in (older, younger)]
    assert blocked == [["no-permission"], ["no-permission"]]


async def test_the_back_off_of_one_that_does_not_wait_for_its_turn_is_not_cut_short(world: World):
    first, second = await two_ready(world)
    later = world.clock.now() + timedelta(seconds=30)
    await change(world, replace(second, due_at=later))
    unanswered(world)

    await dispatched(world, first)

    assert (await now(world, second)).due_at == later


async def test_a_rule_that_holds_it_is_still_told_while_slack_cannot_be_asked(world: World):
    deploy = await ready(world)
    world.directory.usergroups = {**USERGROUPS, DEVELOPERS: USERGROUPS[DEVELOPERS] - {ALICE.id}}
    await dispatched(world, deploy)
    world.directory.silent = True
    world.clock.advance(dispatch.ASK_AGAIN)

    held = await dispatched(world, deploy)

    assert [reason.code for reason in held.blocked] == ["no-permission"]
    assert held.due_at == world.clock.now() + dispatch.ASK_AGAIN
    assert (await types(world, deploy.id)).count("deploy.blocked") == 1


async def test_what_nobody_waits_for_asks_slack_as_that(world: World):
    deploy = await ready(world)
    before = world.directory.asked

    await dispatched(world, deploy)

    assert world.directory.asked == before + 1
    assert world.directory.background


async def test_replacing_the_running_rollout_does_not_wait_for_it_nor_for_older_ones_that_do(world: World):
    await rolling(world)
    older, replacing = await ready(world, version="v1.5.0"), await ready(world, version="v1.6.0")
    await dispatched(world, older)

    await replace_rollout(world.ports(), ALICE, replacing.id, origin=Origin())
    gone = await dispatched(world, replacing)

    assert gone.status is Status.ROLLING
    assert (await now(world, older)).status is Status.PLANNING


async def test_not_even_a_replacing_one_goes_beside_one_that_is_being_dispatched(world: World):
    await dispatching(world)
    second = await ready(world, version="v1.5.0")
    await replace_rollout(world.ports(), ALICE, second.id, origin=Origin())

    assert [reason.code for reason in (await dispatched(world, second)).blocked] == ["turn"]


async def test_other_services_and_environments_do_not_wait_for_each_other(world: World):
    await dispatching(world)
    staging = await planned(world, "staging")

    assert (await dispatched(world, staging)).status is Status.ROLLING
