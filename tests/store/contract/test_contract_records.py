"""Everything that is kept comes back as it went in, on both engines."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta, timezone

import pytest

from bot.domain.actor import CiIdentity, Operator, System
from bot.domain.decision import Reason
from bot.domain.deploy.approval import PlanMark
from bot.domain.deploy.dispatch import Answer
from bot.domain.deploy.plan import Base, JobState
from bot.domain.deploy.rollout import RolloutKind, RolloutStatus, TaskFailure
from bot.errors import CatalogMissing, StoreBusy, StoreError
from tests.builders import (
    ALICE,
    SAM,
    a_catalog,
    a_deploy,
    a_draft,
    a_plan,
    a_release,
    a_rollout,
    a_service,
    an_approval,
    an_attempt,
    an_environment,
)
from tests.clocks import NOON

ODD = "Žluťoučký \u202e'; DROP TABLE deploys; -- \\ % :name {} 𝄞\n"
LARGE = 2**63 - 1


@pytest.fixture
async def kept(one):
    """A store that knows D-1."""
    async with one.begin() as tx:
        await tx.add_deploy(a_draft())
    return one


@pytest.mark.parametrize("requester", [ALICE, CiIdentity("https://ci.example", "repo:checkout"), Operator("bob")])
async def test_a_deploy_with_everything_filled_in(one, requester):
    overrides = {"z": 1, "a": [1.5, None, {"deep": ODD}], "big": 2**70, "yes": True}
    async with one.begin() as tx:
        deploy = await tx.add_deploy(a_draft(overrides=overrides, reason=ODD, requester=requester, nonce="n"))
        changed = replace(
            deploy,
            plan=7,
            detail=ODD,
            replaces=True,
            blocked=(Reason("freeze", ODD, users=("U1",), groups=("S1", "S2")), Reason("turn", "")),
            due_at=None,
        )
        await tx.save_deploy(changed)
    async with one.read() as reading:
        found = await reading.deploy(1)
    assert found == changed
    assert list(found.overrides) == list(overrides)


async def test_an_instant_comes_back_in_utc_from_whatever_zone(one):
    there = timezone(timedelta(hours=5, minutes=45))
    async with one.begin() as tx:
        await tx.add_deploy(a_draft(requested_at=NOON.astimezone(there)))
    async with one.read() as reading:
        found = await reading.deploy(1)
    assert (found.requested_at, found.requested_at.utcoffset()) == (NOON, timedelta(0))


async def test_an_instant_without_a_zone_is_refused(one):
    with pytest.raises(StoreError, match="has no time zone"):
        async with one.begin() as tx:
            await tx.add_deploy(a_draft(requested_at=NOON.replace(tzinfo=None)))


async def test_a_plan(kept):
    plan = replace(
        a_plan(),
        base_index=LARGE,
        base_version=None,
        from_version=None,
        job=ODD * 1000,
        warnings=("one", ODD),
        moved=("a sentence",),
        unchanged=True,
        base=Base(state=JobState.STOPPED, job_version=LARGE, token="1a2b3c4d", at=NOON, first=True, reverted=True),
    )
    async with kept.begin() as tx:
        await tx.add_plan(plan)
        await tx.add_plan(a_plan(number=2))
    async with kept.read() as reading:
        assert await reading.plan(1, 1) == plan
        assert await reading.plan(1, 2) == a_plan(number=2)
        assert await reading.plan(1, 3) is None
        marks = (PlanMark(1, plan.fingerprint, changed=True), PlanMark(2, a_plan().fingerprint, changed=False))
        assert await reading.plan_marks(1) == marks
        assert await reading.plan_marks(2) == ()


async def test_a_plan_of_which_only_counts_moved_is_replaced_under_its_number(kept):
    plan, other = a_plan(), a_plan(number=2)
    moved = replace(plan, base_index=LARGE, job="{}", warnings=("web keeps its count of 5",))
    async with kept.begin() as tx:
        await tx.add_plan(plan)
        await tx.add_plan(other)
        await tx.save_plan(moved)
    async with kept.read() as reading:
        assert await reading.plan(1, 1) == moved
        assert await reading.plan(1, 2) == other


async def test_a_rollout_is_rewritten_as_it_goes(kept):
    ours, revert = a_rollout(), a_rollout(number=2, kind=RolloutKind.REVERT, job_version=None, job_modify_index=None)
    failure = TaskFailure(allocation="a1", group="web", task="app", event="Terminated", message=ODD, exit_code=1)
    ended = replace(
        ours,
        status=RolloutStatus.FAILED,
        failure=failure,
        reverted_to=3,
        job_modify_index=LARGE,
        ended_at=NOON + timedelta(hours=1),
    )
    async with kept.begin() as tx:
        for rollout in (revert, ours, ended):
            await tx.save_rollout(rollout)
    async with kept.read() as reading:
        assert await reading.rollouts(1) == (ended, revert)


async def test_attempts_in_order_with_their_answers(kept):
    first, second = an_attempt(), an_attempt(number=2)
    answered = replace(first, answer=Answer.UNKNOWN, text=ODD, taken_over=NOON + timedelta(minutes=3))
    async with kept.begin() as tx:
        for attempt in (second, first, an_attempt(plan=2)):
            await tx.add_attempt(attempt)
        await tx.answer_attempt(answered)
    async with kept.read() as reading:
        assert await reading.attempts(1, 1) == (answered, second)


async def test_approvals_in_order_of_time_void_ones_too(kept):
    late, early = an_approval(at=NOON + timedelta(hours=1), note=ODD), an_approval(user=ALICE, at=NOON)
    async with kept.begin() as tx:
        await tx.add_approval(late)
        await tx.add_approval(early)
        await tx.save_approval(replace(late, void="taken back", plan=2))
    async with kept.read() as reading:
        assert await reading.approvals(1) == (early, replace(late, void="taken back", plan=2))
        assert await reading.approvals(2) == ()


async def test_one_person_has_one_yes_that_counts(kept):
    again = an_approval(at=NOON + timedelta(hours=1))
    async with kept.begin() as tx:
        await tx.add_approval(an_approval())
    with pytest.raises(StoreBusy):
        async with kept.begin() as tx:
            await tx.add_approval(again)
    async with kept.begin() as tx:
        await tx.save_approval(an_approval(void="taken back"))
        await tx.add_approval(again)
    async with kept.read() as reading:
        assert [approval.user for approval in await reading.approvals(1) if not approval.void] == [SAM]


async def test_what_belongs_to_a_deploy_needs_it(one):
    with pytest.raises(StoreError):
        async with one.begin() as tx:
            await tx.add_plan(a_plan())


async def test_the_texts_of_a_version_are_its_revisions_in_the_order_of_their_first_requests(one):
    first, second = a_release(), a_release(template="another text")
    batch = a_release(template="of batch", template_name="batch")
    others = (a_release(version="v2"), batch, a_release(service="mailer"))
    async with one.begin() as tx:
        for release in (first, *others, second, first):
            await tx.add_release(release)
        assert await tx.revisions("checkout", "v1.4.2", "web") == (first, second)
    async with one.read() as reading:
        assert await reading.revisions("checkout", "v1.4.2", "web") == (first, second)
        assert await reading.revisions("checkout", "v1.4.2", "batch") == (batch,)
        assert await reading.revisions("checkout", "v3", "web") == ()
        assert await reading.release(second.fingerprint) == second
        assert await reading.release("0" * 64) is None


async def test_without_any_catalog_it_is_missing(one):
    async with one.read() as reading:
        with pytest.raises(CatalogMissing, match="nomatron apply"):
            await reading.active_catalog()
        assert await reading.catalog("0" * 64) is None


async def test_the_catalog_applied_last_is_active_and_earlier_ones_are_kept(one, two):
    services = {name: a_service(name) for name in ("zebra", "apple", "mailer")}
    variables = {"ratio": 0.1, "deep": {"list": [1, "two", None]}}
    first = a_catalog(services=services, environments={"z": an_environment("z", variables=variables)})
    second = a_catalog(timezone="Europe/Prague")
    for catalog in (first, second, first):
        async with one.begin() as tx:
            applied = await tx.apply_catalog(catalog, NOON)
        for store in (one, two):
            async with store.read() as reading:
                assert await reading.active_catalog() == applied
    async with two.read() as reading:
        assert await reading.catalog(second.fingerprint) == second
        assert list((await reading.catalog(first.fingerprint)).services) == ["zebra", "apple", "mailer"]


async def test_a_system_actor_may_stand_behind_a_deploy(one):
    async with one.begin() as tx:
        await tx.add_deploy(a_draft(requester=System("worker")))
    async with one.read() as reading:
        assert await reading.deploy(1) == a_deploy(1, requester=System("worker"))
