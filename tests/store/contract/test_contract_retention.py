"""Which plans keep their JSON, and that all else of an old deploy stays."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from bot.domain.deploy.deploy import Status
from store.tables import plans
from tests.builders import a_catalog, a_draft, a_plan, a_release, a_rollout, an_approval, an_event
from tests.clocks import NOON

DAY = timedelta(days=1)
LATER = NOON + 200 * DAY
PATHS = {
    Status.SUCCEEDED: (Status.WAITING, Status.READY, Status.DISPATCHING, Status.ROLLING),
    Status.FAILED: (Status.WAITING, Status.READY, Status.DISPATCHING, Status.ROLLING),
    Status.UNCHANGED: (),
    Status.REJECTED: (Status.WAITING,),
    Status.WAITING: (),
}


async def ended(store, status, at=NOON, *, landed=False, plans=1, **changes):
    """A deploy that came to its end at that time."""
    async with store.begin() as tx:
        await tx.add_release(a_release())
        deploy = await tx.add_deploy(a_draft(requested_at=at, **changes))
        for step in (*PATHS[status], status):
            deploy = deploy.advance(step, at, plan=plans)
            await tx.save_deploy(deploy)
        for number in range(1, plans + 1):
            await tx.add_plan(a_plan(deploy.id, number, at=at, replaced="{}"))
        await tx.add_approval(an_approval(deploy.id))
        await tx.record(an_event(deploy_id=deploy.id))
        if landed:
            await tx.save_rollout(a_rollout(deploy.id))
    return deploy.id


async def kept(store):
    """The deploys whose last plan still has its job."""
    async with store.engines.reading.connect() as connection:
        found = select(plans.c.deploy_id).where(plans.c.job != "").order_by(plans.c.deploy_id, plans.c.number)
        return list((await connection.execute(found)).scalars())


async def test_an_old_deploy_keeps_its_row_its_changes_its_approvals_and_its_events(one):
    number = await ended(one, Status.REJECTED)
    async with one.read() as reading:
        before = await reading.deploy(number), await reading.approvals(number), await reading.events(number)
    assert await one.empty_plans(LATER) == 1
    async with one.read() as reading:
        assert (await reading.deploy(number), await reading.approvals(number), await reading.events(number)) == before
        plan = await reading.plan(number, 1)
    assert (plan.job, plan.replaced, plan.is_kept) == ("", "", False)
    assert (plan.changes, plan.fingerprint) == (a_plan().changes, a_plan().fingerprint)
    assert await one.empty_plans(LATER) == 0


async def test_what_is_open_or_ended_lately_keeps_everything(one):
    await ended(one, Status.WAITING)
    await ended(one, Status.REJECTED, LATER)
    assert await one.empty_plans(LATER - DAY) == 0
    assert await kept(one) == [1, 2]


async def test_a_deploy_that_ended_after_its_plan_was_old_is_looked_at_again(one):
    number = await ended(one, Status.WAITING)
    assert await one.empty_plans(LATER) == 0
    async with one.begin() as tx:
        await tx.save_deploy((await tx.lock_deploy(number)).advance(Status.REJECTED, LATER + DAY))
    # put off for a week: a plan that has to be kept costs nothing in every other look
    assert await one.empty_plans(LATER + 6 * DAY) == 0
    assert await one.empty_plans(LATER + 8 * DAY) == 1


async def test_the_last_six_landings_of_a_place_are_kept(one):
    for day in range(8):
        await ended(one, Status.FAILED, NOON + day * DAY, landed=True)
    await ended(one, Status.FAILED, NOON, landed=True, environment="production")
    assert await one.empty_plans(LATER) == 2
    assert await kept(one) == [3, 4, 5, 6, 7, 8, 9]


@pytest.mark.parametrize(("status", "left"), [(Status.SUCCEEDED, [3, 4, 5, 6]), (Status.UNCHANGED, [5, 6])])
async def test_the_last_ones_that_prove_a_release_are_kept(one, status, left):
    for day in range(6):
        await ended(one, status, NOON + day * DAY)
    await ended(one, Status.REJECTED, NOON + 7 * DAY)
    assert await one.empty_plans(LATER) == 7 - len(left)
    assert await kept(one) == left


async def test_the_first_landing_is_kept_because_it_may_have_replaced_a_job_of_before(one):
    for day in range(8):
        await ended(one, Status.FAILED, NOON + day * DAY, landed=True, landed_at=NOON + day * DAY)
    assert await one.empty_plans(LATER) == 1
    assert await kept(one) == [1, 3, 4, 5, 6, 7, 8]


async def test_a_success_before_many_failures_is_kept(one):
    await ended(one, Status.SUCCEEDED, landed=True)
    for day in range(1, 8):
        await ended(one, Status.FAILED, NOON + day * DAY, landed=True)
    assert await one.empty_plans(LATER) == 1
    assert await kept(one) == [1, 3, 4, 5, 6, 7, 8]


async def test_only_the_last_plan_of_a_deploy_may_be_needed(one):
    await ended(one, Status.SUCCEEDED, landed=True, plans=2)
    assert await one.empty_plans(LATER) == 1
    async with one.read() as reading:
        assert [(await reading.plan(1, number)).is_kept for number in (1, 2)] == [False, True]


async def test_a_batch_has_a_hundred_plans(one):
    async with one.begin() as tx:
        await tx.apply_catalog(a_catalog(), NOON)
        await tx.add_release(a_release())
        for number in range(1, 104):
            deploy = await tx.add_deploy(a_draft())
            await tx.save_deploy(deploy.advance(Status.EXPIRED, NOON))
            await tx.add_plan(a_plan(number))
    assert [await one.empty_plans(LATER) for _ in range(3)] == [100, 3, 0]
