"""Ways back but the plain one: Nomad's own revert, a job of before Nomatron, and what promotion makes of them."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from bot.domain.access import Grant, Permission
from bot.domain.catalog.environment import After
from bot.domain.decision import Refused
from bot.domain.deploy.deploy import Status
from bot.domain.deploy.rollout import RolloutKind, RolloutStatus
from bot.domain.rollback import in_words
from bot.operations.deploys.promotable import promotable
from bot.operations.deploys.promote import Promotion, promote
from bot.operations.deploys.request import Requested, request
from bot.operations.queries.status import card
from bot.operations.worker import plan as planning
from tests.builders import ALICE, SAM, a_job
from tests.operations.acts import (
    HERE,
    an_ask,
    applied,
    asked,
    delivered,
    dispatching,
    environments,
    events,
    newest_plan,
    now,
    rollouts,
)
from tests.operations.closing import locks, unlocked
from tests.operations.rollbacks import image, over, refused, sent, shipped, started, taken, went_back

if TYPE_CHECKING:
    from bot.domain.deploy.deploy import Deploy
    from tests.fakes import World

BEFORE = "registry.example/checkout:by-hand"


async def reverted(world: World, running: str = "v1.4.2", to: int = 0, **found) -> Deploy:
    """A deploy that failed and that Nomad takes back by itself to that job version."""
    deploy = await started(world, running)
    job = world.nomad.jobs["checkout"]
    as_version = (job["Version"] + 1, job["JobModifyIndex"] + 1)
    deploy = await over(world, deploy, "failed", deployment={"rolls_back_to": to}, reverted_to=as_version, **found)
    world.nomad.change(world.nomad.kept["checkout", to])
    assert deploy.status is Status.FAILED
    return deploy


class TestNomadsOwnRevert:
    """What Nomad does by itself is not done twice."""

    async def test_it_says_so_instead(self, world: World):
        await shipped(world, "v1.4.1")
        failed = await reverted(world)
        further = "To go further back: `/deploy rollback checkout in production to D-n because TEXT`."
        text = "already-reverted: Nomad is reverting checkout in production from D-2 to v1.4.1 (D-1) by itself"
        assert await refused(world) == (f"{text} as job version 2. {further}",)
        assert await refused(world, to=1) == (f"{text} as job version 2. {further}",)
        *_, revert = await rollouts(world, failed)
        assert revert.kind is RolloutKind.REVERT
        async with world.store.begin() as tx:
            await tx.save_rollout(replace(revert, status=RolloutStatus.SUCCEEDED))
        (said,) = await refused(world)
        assert said.startswith("already-reverted: Nomad has already reverted checkout in production from D-2 to v1.4.1")
        assert await locks(world) == ()

    async def test_one_can_go_further_back_with_new_approvals(self, world: World):
        await shipped(world, "v1.4.0")
        await shipped(world, "v1.4.1")
        await reverted(world, to=1)
        deploy = await sent(world, await taken(world, to=1))
        assert deploy.rollback is not None
        assert (image(world), deploy.rollback.free) == ("registry.example/checkout:v1.4.0", False)

    async def test_a_revert_that_failed_leaves_something_to_do(self, world: World):
        await shipped(world, "v1.4.1")
        failed = await reverted(world)
        *_, revert = await rollouts(world, failed)
        async with world.store.begin() as tx:
            await tx.save_rollout(replace(revert, status=RolloutStatus.FAILED))
        deploy = await taken(world)
        assert deploy.rollback is not None
        assert deploy.rollback.name == "D-1"

    async def test_to_a_version_of_which_nobody_knows_whose_it_is(self, world: World):
        await shipped(world, "v1.4.1")
        world.nomad.change(a_job("registry.example/checkout:hotfix"))
        await reverted(world, to=1)
        (text,) = await refused(world)
        assert "from D-2 to the job before by itself" in text

    async def test_to_what_an_earlier_revert_restored(self, world: World):
        await shipped(world, "v1.4.1")
        await reverted(world)
        await reverted(world, "v1.4.3", to=2)
        (text,) = await refused(world)
        assert "from D-3 to v1.4.1 (D-1) by itself" in text

    async def test_a_rollback_that_finds_its_job_restored_changes_nothing_and_says_why(self, world: World):
        await shipped(world, "v1.4.1")
        await started(world, "v1.4.2")
        deploy = await taken(world)
        # Nomad reverts before the rollback is planned
        world.nomad.change(world.nomad.kept["checkout", 0])
        world.nomad.unchanged = True
        await planning.step(world.ports())
        assert (await now(world, deploy)).status is Status.UNCHANGED
        await delivered(world)
        (text,) = [note.text for said, note, _ in world.chat.said if note.text.startswith("Nothing to do")]
        assert text == (
            "Nothing to do: checkout in production already runs what D-3 would go back to (v1.4.1). A revert in Nomad "
            "has restored it. The lock on checkout in production stays: `/deploy unlock checkout in production "
            "because TEXT`."
        )


class TestChangedOutside:
    """What was done in Nomad itself is undone by going back to what Nomatron sent last."""

    @pytest.fixture
    async def last(self, world: World) -> Deploy:
        await shipped(world, "v1.4.1")
        return await shipped(world, "v1.4.2")

    @pytest.mark.parametrize(
        "change",
        [
            lambda nomad: nomad.change(a_job("registry.example/checkout:hotfix")),
            lambda nomad: nomad.change({**a_job("registry.example/checkout:v1.4.2"), "Stop": True}),
            lambda nomad: nomad.jobs.clear(),
        ],
        ids=["changed", "stopped", "purged"],
    )
    async def test_it_goes_back_to_the_last_success_with_new_approvals(self, world: World, last: Deploy, change):
        change(world.nomad)
        deploy = await taken(world)
        assert deploy.rollback is not None
        assert (deploy.rollback.name, deploy.rollback.undoes_deploy, deploy.rollback.free) == (last.number, None, False)
        assert in_words(deploy)[:2] == (
            "Rolls back what was done outside Nomatron to v1.4.2 (D-2).",
            "It needs the approvals of a rollback: The job in Nomad is no longer what D-2 made.",
        )
        assert (await events(world, deploy.id))[0]["data"]["rollback"]["undoes"] == ""
        deploy = await over(world, await sent(world, deploy))
        assert (deploy.status, image(world)) == (Status.SUCCEEDED, "registry.example/checkout:v1.4.2")

    async def test_it_can_be_named_and_so_can_anything_before(self, world: World, last: Deploy):
        world.nomad.change(a_job("registry.example/checkout:hotfix"))
        first = await taken(world, to=last.id)
        assert first.rollback is not None
        assert first.rollback.outside
        assert (await refused(world, to=1))[0].startswith("rolling-back")

    async def test_the_button_means_the_deploy_of_its_message(self, world: World, last: Deploy):
        world.nomad.change(a_job("registry.example/checkout:hotfix"))
        deploy = await taken(world, undoes=last.id)
        assert deploy.rollback is not None
        assert (deploy.rollback.name, deploy.rollback.undoes_deploy) == ("D-1", last.id)

    async def test_an_autoscalers_step_is_no_change(self, world: World):
        group = {**a_job()["TaskGroups"][0], "Scaling": {"Min": 1, "Max": 9}}
        for version in ("v1.4.1", "v1.4.2"):
            world.nomad.parsed = a_job(f"registry.example/checkout:{version}", TaskGroups=[group])
            await over(world, await sent(world, await asked(world, environment="production", version=version)))
        live = world.nomad.jobs["checkout"]
        world.nomad.change({**live, "TaskGroups": [{**live["TaskGroups"][0], "Count": 7}]})
        deploy = await taken(world)
        assert deploy.rollback is not None
        assert (deploy.rollback.name, deploy.rollback.outside) == ("D-1", False)

    async def test_a_finished_batch_job_that_nomad_collected_is_no_change(self, world: World):
        for version in ("v1.4.1", "v1.4.2"):
            world.nomad.parsed = a_job(f"registry.example/checkout:{version}", Type="batch")
            await over(world, await sent(world, await asked(world, environment="production", version=version)))
        world.nomad.jobs.clear()
        deploy = await taken(world)
        assert deploy.rollback is not None
        assert deploy.rollback.name == "D-1"

    async def test_while_a_deploy_is_being_sent_nobody_knows(self, world: World, last: Deploy):
        await dispatching(world, version="v1.4.3")
        world.nomad.change(a_job("registry.example/checkout:v1.4.3"))
        deploy = await taken(world)
        assert deploy.rollback is not None
        assert (deploy.rollback.outside, deploy.rollback.undoes) == (False, last.id)


class TestBaseline:
    """A job that ran before Nomatron is kept at its first deploy, and one can go back to it."""

    @pytest.fixture
    async def first(self, world: World) -> Deploy:
        world.nomad.change(a_job(BEFORE, Meta={"by": "hand"}))
        return await shipped(world, "v1.4.1")

    async def test_it_is_what_the_first_deploy_goes_back_to(self, world: World, first: Deploy):
        deploy = await taken(world)
        assert deploy.rollback is not None
        assert (deploy.version, deploy.release, deploy.rollback.name, deploy.rollback.free) == (
            "baseline",
            "",
            "baseline",
            True,
        )
        deploy = await over(world, await sent(world, deploy))
        assert (deploy.status, image(world)) == (Status.SUCCEEDED, BEFORE)
        register = world.nomad.registers[-1]
        assert (register["variables"], register["source"].split("\n", 1)[1]) == ("{}", "")
        assert json.loads(register["job"])["Meta"] == {"by": "hand"}
        assert "Version" not in json.loads(register["job"])
        assert world.nomad.known[-1] is not None
        assert world.nomad.known[-1].ours is None
        assert (await newest_plan(world, deploy)).from_version == first.version

    async def test_it_can_be_named_later(self, world: World, first: Deploy):
        await shipped(world, "v1.4.2")
        deploy = await taken(world, to="baseline")
        assert deploy.rollback is not None
        assert deploy.rollback.why == "baseline is not what D-2 replaced."
        assert first.id == deploy.rollback.deploy

    async def test_nothing_is_before_it(self, world: World, first: Deploy):
        await went_back(world)
        place = "checkout in production"
        assert await refused(world) == (
            (
                f"no-predecessor: Nothing succeeded in {place} before D-2 (baseline). Deploy another version: "
                "`/deploy checkout VERSION to production`."
            ),
        )
        assert await refused(world, to="baseline") == (
            (
                "already-runs: The job that ran before Nomatron is what runs: D-2 went back to it. "
                f"For its deploys: `/deploy history {place}`."
            ),
        )
        assert first.status is Status.SUCCEEDED

    async def test_a_rollback_to_it_can_be_gone_back_to(self, world: World, first: Deploy):
        back = await went_back(world)
        await unlocked(world, "checkout", environment="production")
        await shipped(world, "v1.4.2")
        deploy = await taken(world)
        assert deploy.rollback is not None
        assert (deploy.rollback.deploy, deploy.rollback.baseline, deploy.release) == (back.id, False, "")
        deploy = await over(world, await sent(world, deploy))
        assert (deploy.status, image(world)) == (Status.SUCCEEDED, BEFORE)
        # back from the baseline, however often
        (text,) = await refused(world)
        assert text.startswith("no-predecessor")
        assert first.id == 1

    async def test_it_is_no_release_to_promote(self, world: World, first: Deploy):
        back = await went_back(world)
        text = "D-2 went back to the job that ran before Nomatron, which is no release to promote."
        for answer in (
            await promotable(world.ports(), back.id),
            await promote(world.ports(), SAM, Promotion(deploy_id=back.id, overrides={}, reason=None), origin=HERE),
        ):
            assert isinstance(answer, Refused)
            assert answer.reasons[0].text == text
        assert first.id == 1

    async def test_the_message_links_to_no_comparison_with_it(self, world: World, first: Deploy):
        back = await went_back(world)
        found = await card(world.ports(), back.id)
        assert found is not None
        assert "Compare" not in found.links
        assert first.id == 1


class TestPromotion:
    """A release that was rolled back has to pass again; a rollback itself need not have passed anywhere."""

    @pytest.fixture
    async def gated(self, world: World) -> None:
        after = (After(environment="staging"),)
        may = frozenset({Permission.REQUEST, Permission.PROMOTE, Permission.ROLLBACK})
        grants = (Grant("developers", may), Grant("sre", frozenset(Permission)))
        await applied(world, environments=environments("production", after=after), grants=grants)

    @pytest.mark.usefixtures("gated")
    async def test_what_was_rolled_back_is_not_promoted(self, world: World):
        await shipped(world, "v1.4.1", "staging")
        await shipped(world, "v1.4.2", "staging")
        back = await went_back(world, environment="staging")
        answer = await request(world.ports(), ALICE, an_ask(environment="production"), origin=HERE)
        assert isinstance(answer, Refused)
        assert answer.reasons[0].text == (
            f"checkout v1.4.2 was rolled back in staging (D-{back.id}). "
            "Deploy it there: `/deploy checkout v1.4.2 to staging`."
        )
        # what was gone back to has succeeded there again
        answer = await request(world.ports(), ALICE, an_ask(environment="production", version="v1.4.1"), origin=HERE)
        assert isinstance(answer, Requested)

    async def test_a_rollback_waits_for_no_environment_before(self, world: World):
        await shipped(world, "v1.4.1")
        await shipped(world, "v1.4.2")
        await applied(world, environments=environments("production", after=(After(environment="staging"),)))
        deploy = await sent(world, await taken(world))
        assert deploy.status is Status.ROLLING
        assert (await newest_plan(world, deploy)).differs == ()


async def test_what_was_asked_is_not_what_was_rolled_back_if_it_ran_before(world: World):
    await shipped(world, "v1.4.1")
    world.clock.advance(timedelta(days=1))
    await asked(world, environment="production", version="v1.4.2")
    # nothing of the waiting deploy counts: it is not there yet
    assert (await refused(world))[0].startswith("no-predecessor")
