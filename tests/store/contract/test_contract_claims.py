"""Claims on both engines: a lease, a fence, and nothing written by who lost them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest

from bot.domain.deploy.deploy import Status
from bot.errors import StaleFence
from bot.ports.claims import CLOCK_TOLERANCE, LONGEST_LEASE, Wanted
from store.database_clock import DatabaseClock
from tests.builders import a_draft
from tests.clocks import NOON
from tests.store.racing import race

MINUTE, OVER = timedelta(minutes=1), timedelta(0)
"""``OVER`` is a lease that has run out when it is given."""


async def add(store, *drafts):
    async with store.begin() as tx:
        return [await tx.add_deploy(draft) for draft in drafts]


async def take(store, owner="one", *, lease=MINUTE, status=Status.PLANNING, now=NOON, full=()):
    wanted = Wanted(statuses=frozenset({status}), within=MINUTE, full=frozenset(full))
    return await store.claim(wanted, owner=owner, lease=lease, now=now)


async def write(store, claim):
    async with store.begin() as tx:
        deploy = await tx.lock_deploy(claim.deploy_id, claim)
        await tx.save_deploy(replace(deploy, detail=f"written by {claim.owner}"))


async def test_the_oldest_that_is_due_is_taken_and_is_nobody_elses(one, two):
    late, early = NOON, NOON - MINUTE
    await add(one, a_draft(requested_at=late), a_draft(requested_at=early), a_draft(requested_at=NOON + MINUTE))
    claims = [await take(one), await take(two, "two")]
    assert [claim.deploy_id for claim in claims] == [2, 1]
    assert await take(one) is None
    assert (await take(one, now=NOON + MINUTE)).deploy_id == 3


async def test_what_is_due_first_is_taken_first_however_old_the_others_are(one):
    old, new = NOON - MINUTE, NOON
    await add(one, a_draft(requested_at=old, due_at=NOON), a_draft(requested_at=new, due_at=NOON - MINUTE / 2))
    await add(one, a_draft(requested_at=old, due_at=NOON))
    assert [(await take(one)).deploy_id for _ in range(3)] == [2, 1, 3]


async def test_nothing_is_taken_in_a_lane_that_is_full(one):
    lanes = ["http://10.0.0.1:4646", "http://10.0.0.1:4646", "http://10.0.0.2:4646", "http://10.0.0.3:4646"]
    await add(one, *(a_draft(lane=lane) for lane in lanes))
    full = {"http://10.0.0.1:4646", "http://10.0.0.3:4646"}
    claim = await take(one, full=full)
    assert (claim.deploy_id, claim.lane) == (3, "http://10.0.0.2:4646")
    assert await take(one, full=full) is None
    assert (await take(one)).deploy_id == 1


async def test_one_that_is_due_further_ahead_than_its_rule_allows_is_due_now(one, two):
    """A clock was ahead when it was put off, by an hour or a month: nobody waits until that time comes."""
    # another worker may have put one off just before this one's turn to write came
    just_now = NOON + MINUTE + CLOCK_TOLERANCE
    await add(one, a_draft(due_at=NOON + timedelta(days=30)), a_draft(due_at=just_now), a_draft(due_at=NOON))
    assert [(await take(two)).deploy_id for _ in range(2)] == [1, 3]
    assert await take(one) is None
    async with one.read() as reading:
        assert [(await reading.deploy(number)).due_at for number in (1, 2)] == [NOON, just_now]


@pytest.mark.parametrize("wrong", [timedelta(hours=1), timedelta(hours=-1), timedelta(days=30)])
async def test_processes_whose_hosts_clocks_differ_agree_by_the_databases(one, two, wrong):
    two.clock = DatabaseClock(lambda: datetime.now(UTC) + wrong)
    for store in (one, two):
        assert await take(store, now=store.clock.now()) is None
    far = MINUTE / 2
    # a few seconds may go by in between, and no clock is wrong by as little
    assert abs(one.clock.now() - two.clock.now()) < far
    await add(one, a_draft(due_at=two.clock.now() + far), a_draft(due_at=two.clock.now()))
    assert [(await take(store, now=store.clock.now() + MINUTE / 60)).deploy_id for store in (one,)] == [2]
    assert await take(two, now=two.clock.now()) is None
    assert (await take(two, now=one.clock.now() + far * 2)).deploy_id == 1


async def test_one_of_which_another_kind_of_work_is_put_off_for_longer_is_left_alone(one):
    (deploy,) = await add(one, a_draft(due_at=NOON + timedelta(days=30)))
    assert await take(one, status=Status.SUCCEEDED) is None
    async with one.read() as reading:
        assert await reading.deploy(deploy.id) == deploy


@pytest.mark.parametrize(("lease", "free"), [(LONGEST_LEASE, False), (timedelta(hours=1), True)])
async def test_a_lease_that_a_wrong_clock_gave_holds_nobody_up(one, two, lease, free):
    await add(one, a_draft())
    assert await take(one, lease=lease)
    assert (await take(two) is not None) is free


async def test_a_claim_says_who_has_it_and_until_when(one):
    await add(one, a_draft())
    claim = await take(one)
    assert (claim.deploy_id, claim.status, claim.owner, claim.fence) == (1, Status.PLANNING, "one", 1)
    assert claim.until - claim.taken_at == pytest.approx(MINUTE, abs=timedelta(seconds=1))
    assert claim.until.utcoffset() == timedelta(0)


async def test_one_that_is_never_due_or_stands_elsewhere_is_not_taken(one):
    await add(one, a_draft(), a_draft())
    async with one.begin() as tx:
        await tx.save_deploy(replace(await tx.lock_deploy(1), due_at=None))
        await tx.save_deploy((await tx.lock_deploy(2)).advance(Status.WAITING, NOON))
    assert await take(one) is None
    assert (await take(one, status=Status.WAITING)).deploy_id == 2


async def test_racing_workers_never_take_the_same_deploy(one, two):
    await add(one, *(a_draft() for _ in range(5)))
    claims = await race(*(partial(take, store, str(number)) for number, store in enumerate([one, two] * 4)))
    taken = [claim.deploy_id for claim in claims if claim]
    assert len(taken) == len(set(taken))
    rest = [claim.deploy_id for claim in [await take(one) for _ in range(6)] if claim]
    assert sorted(taken + rest) == [1, 2, 3, 4, 5]


async def test_an_expired_lease_is_taken_with_the_next_fence(one, two):
    await add(one, a_draft())
    lost = await take(one, lease=OVER)
    won = await take(two, "two")
    assert (won.deploy_id, won.fence) == (1, lost.fence + 1)


async def test_who_lost_a_deploy_writes_nothing_and_cannot_renew(one, two):
    await add(one, a_draft())
    lost = await take(one, lease=OVER)
    won = await take(two, "two")
    await write(two, won)
    with pytest.raises(StaleFence):
        await write(one, lost)
    with pytest.raises(StaleFence):
        await one.renew(lost, MINUTE)
    await one.release(lost)
    assert await take(one) is None
    async with one.read() as reading:
        assert (await reading.deploy(1)).detail == "written by two"


async def test_a_late_worker_may_go_on_as_long_as_nobody_took_over(one):
    await add(one, a_draft())
    claim = await take(one, lease=OVER)
    await write(one, claim)
    renewed = await one.renew(claim, MINUTE)
    assert (renewed.fence, renewed.taken_at) == (claim.fence, claim.taken_at)
    assert renewed.until > claim.until
    assert await take(one) is None


async def test_a_released_deploy_is_free_at_once_and_the_fence_still_grows(one, two):
    await add(one, a_draft())
    first = await take(one)
    await one.release(first)
    second = await take(two, "two")
    assert second.fence == first.fence + 1
    with pytest.raises(StaleFence):
        await write(one, first)


async def test_a_person_may_act_on_a_deploy_that_a_worker_holds(one, two):
    await add(one, a_draft())
    claim = await take(one)
    async with two.begin() as tx:
        deploy = await tx.lock_deploy(1)
        await tx.save_deploy(deploy.advance(Status.WITHDRAWN, NOON))
    async with one.begin() as tx:
        assert (await tx.lock_deploy(1, claim)).status is Status.WITHDRAWN


async def test_saving_a_deploy_leaves_its_lease_alone(one):
    await add(one, a_draft())
    claim = await take(one)
    await write(one, claim)
    await write(one, claim)
    assert await take(one) is None


async def test_being_alone_ends_every_lease(one, two):
    await add(one, a_draft(), a_draft())
    lost = [await take(one), await take(one)]
    await two.take_over()
    won = [await take(two, "two"), await take(two, "two")]
    assert [(claim.deploy_id, claim.fence) for claim in won] == [(1, 2), (2, 2)]
    with pytest.raises(StaleFence):
        await write(one, lost[0])
