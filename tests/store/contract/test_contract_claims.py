"""Claims on both engines: a lease, a fence, and nothing written by who lost them."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from functools import partial

import pytest

from bot.domain.deploy.deploy import Status
from bot.errors import StaleFence
from tests.builders import a_draft
from tests.clocks import NOON
from tests.store.racing import race

MINUTE, OVER = timedelta(minutes=1), timedelta(0)
"""``OVER`` is a lease that has run out when it is given."""


async def add(store, *drafts):
    async with store.begin() as tx:
        return [await tx.add_deploy(draft) for draft in drafts]


async def take(store, owner="one", *, lease=MINUTE, status=Status.PLANNING, now=NOON):
    return await store.claim(status, owner=owner, lease=lease, now=now)


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
