"""Rollbacks: what they go back to, who may, whether they need new approvals, and how they go through."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from bot.domain.access import Grant, Permission
from bot.domain.actor import Operator, System
from bot.domain.catalog.environment import Rule
from bot.domain.decision import Refused
from bot.domain.deploy.deploy import Status
from bot.domain.deploy.dispatch import Answer
from bot.errors import NomadUnavailable, Replayed
from bot.operations.catalog import apply
from bot.operations.deploys.approve import approve
from bot.operations.deploys.decide import Origin
from bot.operations.deploys.redeploy import again
from bot.operations.deploys.replan import replan
from bot.operations.deploys.request import Requested
from bot.operations.queries.status import card
from bot.operations.worker import dispatch
from bot.operations.worker import plan as planning
from tests.builders import ALICE, BOB, CAROL, NORA, SAM, a_catalog, a_job, a_service
from tests.operations.acts import HERE, applied, asked, delivered, environments, events, newest_plan, now, types
from tests.operations.closing import locked, locks, unlocked
from tests.operations.deploys.test_commit import commit_lost
from tests.operations.rollbacks import (
    image,
    over,
    refused,
    rolled_back,
    sent,
    shipped,
    started,
    taken,
    went_back,
)

if TYPE_CHECKING:
    from tests.fakes import World

HOUR = timedelta(hours=1)


async def test_a_rollback_registers_what_ran_before_again_and_needs_no_new_approvals(world: World):
    before = await shipped(world, "v1.4.1")
    await shipped(world, "v1.4.2")
    # Nomad forgets the version, and the catalog's template has another image by now
    world.nomad.kept.clear()
    world.nomad.parsed = a_job("registry.example/checkout:other")
    deploy = await taken(world)
    assert deploy.rollback is not None
    assert (deploy.version, deploy.release, deploy.rollback.name) == ("v1.4.1", before.release, f"D-{before.id}")
    assert (deploy.rollback.free, deploy.rollback.approvers) == (True, (BOB.id, SAM.id))
    deploy = await went(world, deploy)
    assert (deploy.status, image(world)) == (Status.SUCCEEDED, "registry.example/checkout:v1.4.1")
    assert await types(world, deploy.id) == [
        "deploy.requested",
        "deploy.planned",
        "deploy.ready",
        "deploy.dispatching",
        "deploy.attempted",
        "deploy.answered",
        "deploy.landed",
        "deploy.succeeded",
    ]
    named = {"to": "D-1", "undoes": "D-2", "free": True, "approvers": [BOB.id, SAM.id]}
    assert (await events(world, deploy.id))[0]["data"]["rollback"] == named


async def went(world: World, deploy):
    return await over(world, await sent(world, deploy))


async def test_the_source_and_the_values_are_those_of_the_deploy_that_it_goes_back_to(world: World):
    await shipped(world, "v1.4.1", overrides={"count": 3})
    await shipped(world, "v1.4.2")
    services = {"checkout": a_service(variables={"region": "eu"})}
    await applied(world, services=services)
    await sent(world, await taken(world))
    first, *_, last = world.nomad.registers
    assert json.loads(last["variables"]) == json.loads(first["variables"]) == {"count": 3, "version": "v1.4.1"}
    assert last["source"].split("\n", 1)[1] == first["source"].split("\n", 1)[1]


async def test_live_counts_of_scaled_groups_stay(world: World):
    group = a_job()["TaskGroups"][0]
    scaled = {"TaskGroups": [{**group, "Count": 2, "Scaling": {"Min": 1, "Max": 9}}]}
    for version in ("v1.4.1", "v1.4.2"):
        world.nomad.parsed = a_job(f"registry.example/checkout:{version}", **scaled)
        await over(world, await sent(world, await asked(world, environment="production", version=version)))
    live = json.loads(json.dumps(world.nomad.jobs["checkout"]))
    live["TaskGroups"][0]["Count"] = 7
    world.nomad.jobs["checkout"] = live
    await sent(world, await taken(world))
    assert json.loads(world.nomad.registers[-1]["job"])["TaskGroups"][0]["Count"] == 7


async def test_the_service_is_locked_with_the_reason_and_whoever_rolled_back_may_lift_it(world: World):
    await shipped(world, "v1.4.1")
    await shipped(world, "v1.4.2")
    answer = await rolled_back(world, BOB)
    assert isinstance(answer, Requested)
    deploy = answer.deploy
    (lock,) = await locks(world)
    assert (lock.scope.name, lock.reason, lock.holder, lock.rollback) == (
        "checkout in production",
        "5xx since noon",
        BOB,
        deploy.id,
    )
    assert answer.holds == ()
    assert answer.notes == (
        "Rolls back v1.4.2 (D-2) to v1.4.1 (D-1).",
        "It needs no new approvals: it goes back to what D-2 replaced.",
        "It goes before other deploys, and waits for nothing but its approvals and the locks of others.",
        (
            "checkout in production is locked with this reason: other deploys wait. To lift the lock: "
            "`/deploy unlock checkout in production because TEXT`."
        ),
    )
    # its own lock does not bind it; a new deploy is taken, and waits
    await went(world, deploy)
    other = await asked(world, environment="production", version="v1.4.3")
    await planning.step(world.ports())
    assert (await now(world, other)).status is Status.WAITING
    found = await card(world.ports(), other.id)
    assert found is not None
    assert [reason.text for reason in found.locks] == ["checkout in production is locked: 5xx since noon."]
    assert (await unlocked(world, "checkout", by=BOB, environment="production")).rollback == deploy.id


async def test_a_rollback_replaces_a_rollout_that_runs_and_goes_before_all_that_wait(world: World):
    await shipped(world, "v1.4.1")
    running = await started(world, "v1.4.2")
    early = await asked(world, environment="production", version="v1.4.3")
    deploy = await taken(world)
    assert deploy.rollback is not None
    assert (deploy.rollback.undoes, deploy.rollback.free) == (running.id, True)
    assert await planning.step(world.ports())
    assert await planning.step(world.ports())
    assert await dispatch.step(world.ports())
    assert (await now(world, deploy)).status is Status.ROLLING
    assert image(world) == "registry.example/checkout:v1.4.1"
    assert (await now(world, early)).status is Status.PLANNING


async def test_others_that_are_ready_wait_for_a_rollback(world: World):
    await shipped(world, "v1.4.1", "staging")
    await shipped(world, "v1.4.2", "staging")
    early = await asked(world, version="v1.4.3")
    await planning.step(world.ports())
    world.clock.advance(timedelta(seconds=1))
    deploy = await taken(world, environment="staging")
    # without its lock, too
    await unlocked(world, "checkout", environment="staging")
    assert await dispatch.step(world.ports())
    (held,) = (await now(world, early)).blocked
    assert held.text.startswith(f"D-{deploy.id} (v1.4.1) is a rollback. This deploy goes after it")


async def test_the_thread_of_what_is_rolled_back_says_who_does_that_and_why(world: World):
    await shipped(world, "v1.4.1")
    undone = await shipped(world, "v1.4.2", actor=CAROL)
    await delivered(world)
    await taken(world, BOB)
    await delivered(world)
    (note,) = [note for said, note, _ in world.chat.said if note.text.endswith("is rolled back: D-3.")]
    assert note.text == f"{undone.number} is rolled back: D-3."
    assert (note.lines, note.mention) == (("Rolls back v1.4.2 (D-2) to v1.4.1 (D-1).",), (CAROL.id,))
    assert note.said == ((BOB.id, "asked for it: 5xx since noon"),)


async def test_the_message_of_what_no_longer_runs_is_drawn_anew_without_the_button(world: World):
    await shipped(world, "v1.4.1")
    first = await shipped(world, "v1.4.2")
    await delivered(world)
    assert [each.rolls_back_to for each in world.chat.cards.values() if each.deploy.id == first.id] == ["v1.4.1 (D-1)"]
    await started(world, "v1.4.3")
    await delivered(world)
    assert [each.rolls_back_to for each in world.chat.cards.values() if each.deploy.id == first.id] == [""]


async def test_what_the_job_needs_and_is_gone_is_said_in_nomads_words(world: World):
    await shipped(world, "v1.4.1")
    await shipped(world, "v1.4.2")
    deploy = await taken(world)
    await planning.step(world.ports())
    world.nomad.answers, world.nomad.words = [Answer.DENIED], "Vault not enabled: Vault role payments does not exist"
    await dispatch.step(world.ports())
    deploy = await now(world, deploy)
    assert (deploy.status, deploy.detail) == (Status.FAILED, f"Nomad refused the job: {world.nomad.words}")


class TestNewApprovals:
    """Free only to what the deploy that runs replaced, and only a short while after its dispatch."""

    async def test_after_the_window(self, world: World):
        await shipped(world, "v1.4.1")
        await shipped(world, "v1.4.2")
        world.clock.advance(HOUR)
        deploy = await taken(world)
        assert deploy.rollback is not None
        assert (deploy.rollback.free, deploy.rollback.why) == (False, "D-2 was not dispatched within the last 1h.")
        await planning.step(world.ports())
        assert (await now(world, deploy)).status is Status.WAITING
        assert (await went_after_approval(world, deploy)).status is Status.ROLLING

    async def test_with_rules_of_their_own(self, world: World):
        await applied(world, environments=environments("production", rollback_approvals=(), rollback_window=HOUR * 0))
        await shipped(world, "v1.4.1")
        await shipped(world, "v1.4.2")
        world.clock.advance(HOUR)
        deploy = await sent(world, await taken(world))
        assert deploy.rollback is not None
        assert not deploy.rollback.free

    async def test_further_back(self, world: World):
        for version in ("v1.4.0", "v1.4.1", "v1.4.2"):
            await shipped(world, version)
        deploy = await taken(world, to=1)
        assert deploy.rollback is not None
        assert (deploy.version, deploy.rollback.why) == ("v1.4.0", "D-1 is not what D-3 replaced.")

    async def test_if_the_job_in_nomad_is_another_by_now(self, world: World):
        await shipped(world, "v1.4.1")
        await shipped(world, "v1.4.2")
        deploy = await taken(world)
        world.nomad.change({**a_job("registry.example/checkout:hotfix")})
        await planning.step(world.ports())
        deploy = await now(world, deploy)
        assert deploy.status is Status.WAITING
        assert deploy.rollback is not None
        assert (deploy.rollback.free, deploy.rollback.approvers, deploy.rollback.why) == (
            False,
            (),
            "The job in Nomad is no longer what D-2 made.",
        )

    async def test_after_a_rollback_that_nobody_approved_anew(self, world: World):
        for version in ("v1.4.0", "v1.4.1", "v1.4.2"):
            await shipped(world, version)
        back = await went_back(world)
        assert back.version == "v1.4.1"
        # twice back is not forth again
        deploy = await taken(world)
        assert deploy.rollback is not None
        assert (deploy.version, deploy.rollback.free) == ("v1.4.0", False)
        assert deploy.rollback.why == "D-4 is a rollback that nobody approved anew."

    async def test_a_stopped_job_is_not_started_unseen(self, world: World):
        await shipped(world, "v1.4.1")
        world.nomad.change({**a_job("registry.example/checkout:v1.4.1"), "Stop": True})
        await shipped(world, "v1.4.2")
        deploy = await taken(world)
        assert deploy.rollback is not None
        assert deploy.rollback.why == "No job ran when D-2 was dispatched."

    async def test_a_rule_that_nobody_can_meet_is_refused_at_once(self, world: World):
        await shipped(world, "v1.4.1")
        await shipped(world, "v1.4.2")
        world.clock.advance(HOUR)
        world.directory.usergroups["S0SRE00001"] = frozenset({SAM.id})
        (text,) = await refused(world, SAM)
        assert text.startswith("rule-unmeetable: Nobody can approve this")


async def went_after_approval(world: World, deploy):
    deploy = await now(world, deploy)
    for who in (BOB, SAM):
        await approve(world.ports(), who, deploy.id, plan=deploy.plan, origin=Origin())
    await dispatch.step(world.ports())
    return await now(world, deploy)


class TestRefused:
    """What gives a clear answer instead of a deploy. Nothing is locked then."""

    @pytest.fixture(autouse=True)
    async def nothing_is_locked(self, world: World):
        yield
        assert await locks(world) == ()

    async def test_words(self, world: World):
        names = "Did you mean `checkout`? The catalog has checkout."
        assert await refused(world, service="chekout") == (f"unknown-service: There is no service `chekout`. {names}",)
        assert await refused(world, environment=None) == (
            "environment-missing: In which environment? Write `checkout in staging` or `checkout in production`.",
        )
        assert (await refused(world, environment="qa"))[0].startswith(
            "unknown-environment: There is no environment `qa`"
        )
        assert await refused(world, reason=" x ") == (
            "reason-missing: The reason is missing: say why, in 3 characters or more. It is the lock's reason, too.",
        )
        assert await refused(world, reason="x" * 1001) == ("reason-too-long: Keep the reason within 1000 characters.",)

    async def test_without_anything_that_ran(self, world: World):
        assert await refused(world) == (
            (
                "no-predecessor: Nomatron has not deployed checkout in production yet, so there is nothing to go back "
                "from."
            ),
        )
        await shipped(world, "v1.4.1")
        assert await refused(world) == (
            (
                "no-predecessor: Nothing succeeded in checkout in production before D-1 (v1.4.1). Deploy another "
                "version: `/deploy checkout VERSION to production`."
            ),
        )
        assert await refused(world, to="baseline") == (
            (
                "no-baseline: checkout in production did not run before Nomatron first deployed it. "
                "For its deploys: `/deploy history checkout in production`."
            ),
        )

    async def test_to_another_place_an_unknown_deploy_or_one_that_did_not_succeed(self, world: World):
        elsewhere = await shipped(world, "v1.4.1", "staging")
        world.nomad.jobs.clear()
        await shipped(world, "v1.4.1")
        failed = await over(world, await started(world, "v1.4.2"), "failed")
        assert failed.status is Status.FAILED
        rolls = await started(world, "v1.4.3")
        history = "For its deploys: `/deploy history checkout in production`."
        assert await refused(world, to=elsewhere.id) == (
            f"rollback-elsewhere: D-1 is a deploy of checkout in staging, not of checkout in production. {history}",
        )
        assert await refused(world, to=failed.id) == (
            f"rollback-not-successful: D-3 failed. A rollback goes back to a deploy that succeeded. {history}",
        )
        other = await asked(world, environment="production", version="v1.4.4")
        assert await refused(world, to=other.id) == (
            (
                "rollback-not-successful: D-5 has not finished. A rollback goes back to a deploy that succeeded. "
                f"{history}"
            ),
        )
        assert await refused(world, to=99) == (
            "unknown-deploy: There is no deploy D-99. For open deploys: `/deploy status`.",
        )
        assert await refused(world, to=rolls.id) == (
            f"already-runs: D-4 (v1.4.3) is what runs in production. {history}",
        )

    async def test_to_what_ran_in_another_cluster_or_is_no_longer_kept(self, world: World):
        await shipped(world, "v1.4.1")
        second = await shipped(world, "v1.4.2")
        await applied(world, services={"checkout": a_service(job="shop")})
        (text,) = await refused(world)
        assert text == (
            "rollback-elsewhere: The catalog deploys checkout in production to another cluster, namespace or job than "
            "D-1. To deploy its version: `/deploy checkout v1.4.1 to production`."
        )
        await applied(world)
        plan = await newest_plan(world, await now(world, 1))
        async with world.store.begin() as tx:
            await tx.lock_deploy(1)
            await tx.save_plan(replace(plan, job="", replaced=""))
        assert await refused(world) == (
            (
                "job-not-kept: What D-1 registered is no longer kept. To deploy a version again: "
                "`/deploy checkout VERSION to production`."
            ),
        )
        assert second.status is Status.SUCCEEDED

    async def test_without_the_permission_whatever_else_is_wrong(self, world: World):
        assert [text.split(":")[0] for text in await refused(world, NORA)] == ["no-permission", "no-predecessor"]
        (event,) = [each for each in await events(world) if each["type"] == "deploy.refused"]
        assert event["data"]["codes"] == ["no-permission", "no-predecessor"]
        assert event["data"]["judged"] == {"people": {NORA.id: []}, "uncounted": {}}

    async def test_while_slack_is_away(self, world: World):
        world.directory.silent = True
        (text,) = await refused(world)
        assert text.startswith("membership-unknown:")

    async def test_from_the_message_of_what_no_longer_runs(self, world: World):
        await shipped(world, "v1.4.1")
        second = await shipped(world, "v1.4.2")
        third = await shipped(world, "v1.4.3")
        again = "To roll that back: `/deploy rollback checkout in production because TEXT`."
        assert await refused(world, undoes=second.id) == (
            f"not-running: D-2 is no longer what runs: D-3 (v1.4.3) replaced it. {again}",
        )
        await went_back(world, undoes=third.id)
        await unlocked(world, "checkout", environment="production")
        assert await refused(world, undoes=third.id) == (
            f"not-running: D-3 is rolled back already, to D-2: D-4. {again}",
        )
        assert await refused(world, to=second.id) == (
            (
                "already-runs: D-2 (v1.4.2) is what runs in production: D-4 went back to it. For its deploys: "
                "`/deploy history checkout in production`."
            ),
        )


async def test_two_people_at_once_get_one_rollback(world: World):
    await shipped(world, "v1.4.0")
    await shipped(world, "v1.4.1")
    await shipped(world, "v1.4.2")
    one, other = await asyncio.gather(rolled_back(world, ALICE), rolled_back(world, BOB))
    assert isinstance(one, Requested)
    assert isinstance(other, Requested)
    assert one.deploy.id == other.deploy.id
    assert sorted([one.existing, other.existing]) == [False, True]
    assert len(await locks(world)) == 1
    # elsewhere: not while that one is on its way
    assert await refused(world, CAROL, to=1) == (
        (
            "rolling-back: checkout in production is being rolled back to D-2 already: D-4. To go elsewhere, withdraw "
            "that first: `/deploy withdraw D-4`."
        ),
    )
    await sent(world, one.deploy)
    further = await taken(world, one.deploy.requester, to=1)
    assert further.rollback is not None
    assert further.rollback.undoes == one.deploy.id
    assert len(await locks(world)) == 1


async def test_what_is_recorded_already_is_never_asked_twice(world: World):
    await shipped(world, "v1.4.1")
    await shipped(world, "v1.4.2")
    origin = Origin("signature")
    await taken(world, origin=origin)
    with pytest.raises(Replayed):
        await rolled_back(world, origin=origin)


class TestLocks:
    """Locks of others hold a rollback, its requester's own do not."""

    async def test_another_persons_lock_holds_it(self, world: World):
        await shipped(world, "v1.4.1")
        await shipped(world, "v1.4.2")
        await locked(world)
        answer = await rolled_back(world)
        assert isinstance(answer, Requested)
        assert [reason.text for reason in answer.holds] == ["production is locked: the database moves."]
        await planning.step(world.ports())
        await dispatch.step(world.ports())
        deploy = await now(world, answer.deploy)
        assert (deploy.status, [each.code for each in deploy.blocked]) == (Status.READY, ["locked"])
        await unlocked(world)
        assert await dispatch.step(world.ports())
        assert (await now(world, deploy)).status is Status.ROLLING

    async def test_whoever_locked_it_first_can_roll_back(self, world: World):
        await shipped(world, "v1.4.1")
        await shipped(world, "v1.4.2")
        await locked(world, "checkout", environment="production")
        answer = await rolled_back(world, SAM)
        assert isinstance(answer, Requested)
        assert answer.holds == ()
        assert answer.notes[-1].startswith("checkout in production was locked already, so no lock was added.")
        assert (await sent(world, answer.deploy)).status is Status.ROLLING
        (lock,) = await locks(world)
        assert lock.rollback is None

    async def test_a_lock_whose_time_is_over_makes_room(self, world: World):
        await shipped(world, "v1.4.1")
        await locked(world, "checkout", environment="production", lasts="1m")
        world.clock.advance(timedelta(minutes=1))
        await shipped(world, "v1.4.2")
        deploy = await taken(world)
        (lock,) = await locks(world)
        assert lock.rollback == deploy.id


async def test_while_nomad_is_away_it_is_recorded_and_says_so(world: World):
    await shipped(world, "v1.4.1")
    await shipped(world, "v1.4.2")
    world.nomad.trouble = NomadUnavailable("cluster main does not answer")
    deploy = await taken(world)
    await planning.step(world.ports())
    deploy = await now(world, deploy)
    assert (deploy.status, [each.code for each in deploy.blocked]) == (Status.PLANNING, ["nomad-unavailable"])
    world.nomad.trouble = None
    world.clock.advance(planning.RETRY_AFTER)
    assert (await went(world, deploy)).status is Status.SUCCEEDED


async def test_an_operator_on_the_host_needs_no_permission(world: World):
    await shipped(world, "v1.4.1")
    await shipped(world, "v1.4.2")
    world.directory.silent = True
    answer = await rolled_back(world, Operator("root"))
    assert isinstance(answer, Requested)
    world.directory.silent = False
    assert (await went(world, answer.deploy)).status is Status.SUCCEEDED


async def test_what_an_operator_cannot_do_is_recorded_without_a_membership(world: World):
    (text,) = await refused(world, Operator("root"))
    assert text.startswith("no-predecessor")
    (event,) = [each for each in await events(world) if each["type"] == "deploy.refused"]
    assert (event["actor"], event["data"]) == ("operator:root", {"codes": ["no-predecessor"], "version": ""})


class TestChanged:
    """What changes between the request and the dispatch."""

    async def test_whoever_lost_the_permission_does_not_roll_back(self, world: World):
        await shipped(world, "v1.4.1")
        await shipped(world, "v1.4.2")
        deploy = await taken(world)
        grants = (Grant("developers", frozenset({Permission.REQUEST})), Grant("sre", frozenset(Permission)))
        await applied(world, grants=grants)
        await planning.step(world.ports())
        await dispatch.step(world.ports())
        (reason,) = (await now(world, deploy)).blocked
        assert reason.text == "The requester no longer has the `rollback` permission for checkout in production."

    async def test_a_setting_that_may_no_longer_be_set_does_not_matter(self, world: World):
        await shipped(world, "v1.4.1", overrides={"count": 3})
        await shipped(world, "v1.4.2")
        deploy = await taken(world)
        await applied(world, services={"checkout": a_service(settable=frozenset())})
        assert (await went(world, deploy)).overrides == {"count": 3}

    async def test_the_catalog_that_is_replaced_meanwhile_is_read_again(self, world: World):
        await shipped(world, "v1.4.1")
        await shipped(world, "v1.4.2")

        async def replaced() -> None:
            await applied(world, environments=environments("production", rollback_approvals=(Rule("sre"),)))

        world.directory.hooks.before("membership", replaced)
        assert isinstance(await rolled_back(world), Requested)

    async def test_the_job_is_emptied_meanwhile(self, world: World):
        await shipped(world, "v1.4.1")
        await shipped(world, "v1.4.2")
        deploy = await taken(world)
        plan = await newest_plan(world, await now(world, 1))
        async with world.store.begin() as tx:
            await tx.lock_deploy(1)
            await tx.save_plan(replace(plan, job=""))
        await planning.step(world.ports())
        deploy = await now(world, deploy)
        assert (deploy.status, deploy.detail) == (Status.INVALID, "The job to go back to is no longer kept.")

    async def test_the_job_got_another_type_meanwhile(self, world: World):
        await shipped(world, "v1.4.1")
        await shipped(world, "v1.4.2")
        deploy = await taken(world)
        world.nomad.change({**a_job(), "Type": "batch"})
        await planning.step(world.ports())
        deploy = await now(world, deploy)
        assert (deploy.status, "cannot become service" in deploy.detail) == (Status.INVALID, True)

    async def test_what_it_would_go_back_to_runs_already(self, world: World):
        await shipped(world, "v1.4.1")
        await shipped(world, "v1.4.2")
        deploy = await taken(world)
        world.nomad.unchanged = True
        await planning.step(world.ports())
        deploy = await now(world, deploy)
        assert deploy.status is Status.UNCHANGED
        # nothing to repeat: a rollback that changes nothing is done
        answer = await again(world.ports(), ALICE, deploy.id, origin=HERE)
        assert isinstance(answer, Refused)
        assert len(await locks(world)) == 1

    async def test_a_new_plan_takes_the_permission_of_the_rollback(self, world: World):
        await shipped(world, "v1.4.1")
        await shipped(world, "v1.4.2")
        deploy = await taken(world)
        await planning.step(world.ports())
        answer = await replan(world.ports(), BOB, deploy.id, origin=HERE)
        assert not isinstance(answer, Refused)
        answer = await replan(world.ports(), NORA, deploy.id, origin=HERE)
        assert isinstance(answer, Refused)

    async def test_a_catalog_that_never_stands_still_is_refused_in_words(self, world: World):
        await shipped(world, "v1.4.1")

        async def applying() -> None:
            await apply(world.ports(), System("test"), a_catalog(admin_channel=f"C0{world.directory.asked}"))

        world.directory.hooks.before("membership", applying, always=True)
        (text,) = await refused(world)
        assert text.startswith("catalog-busy:")


@pytest.mark.parametrize("happened", [True, False])
async def test_a_commit_whose_end_is_unknown_makes_one_rollback_and_one_lock(world: World, happened):
    await shipped(world, "v1.4.1")
    await shipped(world, "v1.4.2")
    commit_lost(world, happened=happened)
    await taken(world, origin=Origin(signature="5f3a"))
    assert len([each for each in await events(world) if "rollback" in each["data"]]) == 2  # the request, and its lock
    assert len(await locks(world)) == 1
