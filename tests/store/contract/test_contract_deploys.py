"""Deploys on both engines: numbers, orders, and one dispatch for each place."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import text

from bot.domain.deploy.base import Made
from bot.domain.deploy.deploy import Status
from bot.domain.deploy.plan import Base, Deviation, JobState
from bot.domain.deploy.rollout import RolloutKind
from bot.errors import StoreBusy
from tests.builders import a_deploy, a_draft, a_posted, a_rollout, an_event, an_outgoing
from tests.clocks import NOON


async def add(store, *drafts):
    async with store.begin() as tx:
        return [await tx.add_deploy(draft) for draft in drafts]


async def advance(store, deploy_id, *steps, at=NOON):
    async with store.begin() as tx:
        deploy = await tx.lock_deploy(deploy_id)
        for step in steps:
            deploy = deploy.advance(step, at)
        await tx.save_deploy(deploy)
        return deploy


async def test_a_draft_becomes_a_deploy_in_planning_that_is_due_at_once(one):
    (added,) = await add(one, a_draft())
    assert added == a_deploy(1)
    assert (added.status, added.due_at) == (Status.PLANNING, NOON)


async def test_a_number_is_never_given_twice_not_even_after_its_row_is_gone(one):
    numbers = [deploy.id for deploy in await add(one, a_draft(), a_draft(), a_draft())]
    async with one.engines.writing.begin() as connection:
        await connection.execute(text("DELETE FROM deploys"))
    assert numbers == [1, 2, 3]
    assert [deploy.id for deploy in await add(one, a_draft())] == [4]


async def test_numbers_grow_also_over_a_transaction_that_failed(one, two):
    async def add_and_fail():
        async with one.begin() as tx:
            await tx.add_deploy(a_draft())
            raise KeyError

    await add(one, a_draft())
    with pytest.raises(KeyError):
        await add_and_fail()
    assert (await add(two, a_draft()))[0].id > 1


async def test_open_deploys_come_oldest_request_first_then_by_number(one):
    later, first, same = NOON + timedelta(hours=1), NOON - timedelta(seconds=1), NOON
    await add(one, *(a_draft(requested_at=at) for at in (later, same, same, first)))
    await advance(one, 2, Status.WITHDRAWN)
    async with one.read() as reading:
        assert [deploy.id for deploy in await reading.open_deploys()] == [4, 3, 1]


async def test_instants_are_ordered_as_time_goes_whatever_their_fractions(one):
    instants = [NOON, NOON + timedelta(microseconds=1), NOON + timedelta(milliseconds=10), NOON + timedelta(seconds=1)]
    await add(one, *(a_draft(requested_at=at) for at in reversed(instants)))
    async with one.read() as reading:
        assert [deploy.requested_at for deploy in await reading.open_deploys()] == instants


async def test_deploys_are_found_by_service_and_environment(one):
    places = [("checkout", "staging"), ("checkout", "production"), ("mailer", "staging")]
    await add(one, *(a_draft(service=service, environment=environment) for service, environment in places))
    async with one.read() as reading:
        assert [deploy.id for deploy in await reading.open_deploys("checkout")] == [1, 2]
        assert [deploy.id for deploy in await reading.open_deploys(environment="staging")] == [1, 3]


async def test_the_last_that_succeeded_is_the_one_that_did_so_last(one):
    await add(one, a_draft(), a_draft(), a_draft(), a_draft(environment="production"))
    way = (Status.WAITING, Status.READY, Status.DISPATCHING, Status.ROLLING)
    for number, end, minutes in ((2, Status.SUCCEEDED, 1), (1, Status.SUCCEEDED, 2), (3, Status.FAILED, 3)):
        await advance(one, number, *way, end, at=NOON + timedelta(minutes=minutes))
    async with one.read() as reading:
        assert (await reading.last_succeeded("checkout", "staging")).id == 1
        assert await reading.last_succeeded("checkout", "production") is None
        places = [("checkout", "staging"), ("checkout", "production"), ("cart", "staging")]
        assert [each.id for each in await reading.last_succeeded_of(places)] == [1]
        assert await reading.last_succeeded_of([]) == ()


async def test_what_a_deploy_offers_and_comes_from_is_kept(one):
    await add(one, a_draft(promotes="staging"))
    async with one.begin() as tx:
        deploy = await tx.lock_deploy(1)
        await tx.save_deploy(replace(deploy, offers=("production", "canada")))
    async with one.read() as reading:
        kept = await reading.deploy(1)
    assert (kept.promotes, kept.offers) == ("staging", ("production", "canada"))


async def test_what_ended_the_run_of_a_deploy_is_kept(one):
    await add(one, a_draft())
    # a version may have 64 bits
    seen = Deviation(at=NOON, base=Base(state=JobState.RUNNING, job_version=2**62, token="1a2b3c4d", at=NOON))
    async with one.begin() as tx:
        await tx.save_deploy(replace(await tx.lock_deploy(1), deviation=seen))
    async with one.read() as reading:
        assert (await reading.deploy(1)).deviation == seen


async def test_two_deploys_of_one_place_cannot_dispatch_at_once(one):
    await add(one, a_draft(), a_draft(), a_draft(environment="production"))
    way = (Status.WAITING, Status.READY, Status.DISPATCHING)
    await advance(one, 1, *way)
    await advance(one, 3, *way)
    with pytest.raises(StoreBusy):
        await advance(one, 2, *way)
    async with one.read() as reading:
        assert (await reading.deploy(2)).status is Status.PLANNING
    await advance(one, 1, Status.ROLLING)
    await advance(one, 2, *way)


async def test_of_two_stores_that_dispatch_to_one_place_at_once_one_does(one, two):
    await add(one, a_draft(), a_draft())
    way = (Status.WAITING, Status.READY, Status.DISPATCHING)
    outcomes = await asyncio.gather(advance(one, 1, *way), advance(two, 2, *way), return_exceptions=True)
    assert sum(isinstance(outcome, StoreBusy) for outcome in outcomes) == 1
    async with one.read() as reading:
        statuses = [deploy.status for deploy in await reading.open_deploys()]
    assert sorted(statuses) == [Status.DISPATCHING, Status.PLANNING]


async def test_ages_tell_since_when_the_oldest_of_each_kind_waits(one):
    async with one.read() as reading:
        ages = await reading.ages()
    assert (ages.unplanned, ages.undispatched, ages.unsent) == (None, None, None)
    early, late = NOON - timedelta(minutes=5), NOON - timedelta(minutes=1)
    await add(one, *(a_draft(requested_at=at) for at in (late, early, early, NOON)))
    await advance(one, 2, Status.WAITING, Status.READY, at=late)
    await advance(one, 4, Status.WAITING, Status.READY, at=NOON)
    async with one.begin() as tx:
        await tx.send(an_outgoing(deploy_id=1, not_before=NOON), early)
        await tx.send(an_outgoing(deploy_id=2), late)
    async with one.read() as reading:
        ages = await reading.ages()
    assert (ages.unplanned, ages.undispatched, ages.unsent) == (early, late, late)


async def test_a_message_is_written_and_rewritten(one):
    await add(one, a_draft())
    begun = a_posted(ts="", posting=NOON)
    for posted in (begun, replace(begun, ts="1763726400.000100", posting=None, twice=True)):
        async with one.begin() as tx:
            await tx.save_posted(posted)
        async with one.read() as reading:
            assert await reading.posted(1) == posted
            assert await reading.posted(2) is None


async def test_events_come_oldest_first_and_of_all_the_newest(one):
    events = [an_event(deploy_id=number % 2, data={"n": number}) for number in range(6)]
    async with one.begin() as tx:
        for event in events:
            await tx.record(event)
    async with one.read() as reading:
        found = await reading.events()
        assert [stored.body for stored in found] == [event.body() for event in events]
        assert [stored.index for stored in found] == sorted({stored.index for stored in found})
        assert [stored.body for stored in await reading.events(limit=2)] == [event.body() for event in events[-2:]]
        assert [stored.body for stored in await reading.events(deploy_id=1)] == [event.body() for event in events[1::2]]


@pytest.mark.parametrize("statement", ["UPDATE audit_events SET body = body", "DELETE FROM audit_events"])
async def test_an_audit_event_stays_as_it_was_written(one, statement):
    async with one.begin() as tx:
        await tx.record(an_event())
    with pytest.raises(Exception, match="audit events stay as they were written"):
        async with one.engines.writing.begin() as connection:
            await connection.execute(text(statement))
    async with one.read() as reading:
        assert (await reading.events())[0].body == an_event().body()


async def landed(store, job_version, index, *, plan=1, **draft):
    """A deploy whose job became that job version."""
    async with store.begin() as tx:
        deploy = await tx.add_deploy(a_draft(**draft))
        await tx.save_deploy(replace(deploy, plan=plan))
        await tx.save_rollout(a_rollout(deploy.id, job_version=job_version, job_modify_index=index))
    return deploy.id


async def versions_made(store, *arguments, **options):
    async with store.read() as reading:
        return await reading.versions_made("checkout", "staging", *arguments, **options)


async def test_the_versions_that_deploys_made_come_with_what_made_them(one):
    first = await landed(one, 3, 2**62, version="v1", plan=4)
    await landed(one, 3, 2**62, environment="production")
    await landed(one, 3, 2**62, service="mailer")
    second = await landed(one, 4, 2**62 + 1, version="v2")
    made = await versions_made(one, 0)
    assert made == (
        Made(
            deploy_id=second, version="v2", plan=1, catalog=a_draft().catalog, kind=RolloutKind.DEPLOY, job_version=4,
            job_modify_index=2**62 + 1,
        ),
        Made(
            deploy_id=first, version="v1", plan=4, catalog=a_draft().catalog, kind=RolloutKind.DEPLOY, job_version=3,
            job_modify_index=2**62,
        ),
    )  # fmt: skip
    assert [each.deploy_id for each in await versions_made(one, 2**62 + 1)] == [second]
    assert await versions_made(one, 2**62 + 2) == ()
    assert [each.deploy_id for each in await versions_made(one, 0, limit=1)] == [second]


async def test_a_revert_says_which_version_it_restored(one):
    deploy = await landed(one, 4, 50)
    async with one.begin() as tx:
        await tx.save_rollout(a_rollout(deploy, job_version=4, job_modify_index=50, reverted_to=2, reverted_as=5))
        revert = {"kind": RolloutKind.REVERT, "job_version": 5, "job_modify_index": 55}
        await tx.save_rollout(a_rollout(deploy, 2, **revert, reverted_to=1))
        await tx.save_rollout(a_rollout(deploy, 3, **{**revert, "job_version": 6, "job_modify_index": 60}))
    made = await versions_made(one, 0)
    assert [(each.job_version, each.kind, each.restores) for each in made] == [
        (6, RolloutKind.REVERT, 1),
        (5, RolloutKind.REVERT, 2),
        (4, RolloutKind.DEPLOY, None),
    ]


async def test_a_version_that_nobody_knows_was_made_by_none(one):
    await landed(one, None, None)
    assert await versions_made(one, 0) == ()
