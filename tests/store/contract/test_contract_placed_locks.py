"""Locks that people place, on both engines: one for each scope, found by place, kept when they have ended."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.domain.actor import Operator
from bot.domain.deploy.deploy import Status
from bot.domain.locks import LockScope
from bot.errors import StoreBusy
from tests.builders import SAM, a_draft, a_lock
from tests.clocks import NOON

HOUR = timedelta(hours=1)


async def add(store, *locks):
    async with store.begin() as tx:
        return [await tx.add_lock(lock) for lock in locks]


async def test_a_lock_comes_back_as_it_went_in(one, two):
    async with one.begin() as tx:
        await tx.add_deploy(a_draft())
    (lock,) = await add(one, a_lock(service="checkout", reason="Ž'; -- \u202e\n", until=NOON + HOUR, rollback=1))
    async with two.read() as reading:
        assert await reading.locks() == (lock,)
    assert lock.id == 1


async def test_a_second_lock_on_the_same_is_refused_until_the_first_has_ended(one, two):
    (first, _) = await add(one, a_lock(), a_lock(service="checkout"))
    with pytest.raises(StoreBusy):
        await add(two, a_lock(holder=Operator("root")))

    ended = replace(first, ended_at=NOON + HOUR, ended_by=SAM, ended_because="done")
    async with two.begin() as tx:
        await tx.save_lock(ended)
    (again,) = await add(two, a_lock(placed_at=NOON + HOUR))

    async with one.read() as reading:
        assert [lock.id for lock in await reading.locks()] == [2, again.id]


async def test_the_locks_on_a_place_are_its_own_its_environments_and_that_on_everything(one):
    scopes = [("", ""), ("", "production"), ("checkout", "production"), ("", "staging"), ("mailer", "production")]
    await add(one, *(a_lock(service=service, environment=environment) for service, environment in scopes))
    async with one.read() as reading:
        assert [lock.id for lock in await reading.locks_on("checkout", "production")] == [1, 2, 3]
        assert [lock.id for lock in await reading.locks_on("report", "staging")] == [1, 4]
        assert [lock.id for lock in await reading.locks()] == [1, 2, 3, 4, 5]


@pytest.mark.parametrize(
    ("scope", "numbers"),
    [
        (LockScope(), [1, 2, 3, 4]),
        (LockScope(environment="production"), [3, 4]),
        (LockScope("checkout", "production"), [3]),
        (LockScope("checkout", "nowhere"), []),
    ],
)
async def test_what_a_lock_closes_is_judged_anew_and_what_is_ready_is_due(one, scope, numbers):
    later = NOON + 2 * HOUR
    async with one.begin() as tx:
        await tx.add_deploy(a_draft(status=Status.WAITING, due_at=later))
        await tx.add_deploy(a_draft(status=Status.READY, due_at=later))
        await tx.add_deploy(a_draft(environment="production", status=Status.READY, due_at=later))
        await tx.add_deploy(a_draft(service="mailer", environment="production", due_at=later))
        await tx.add_deploy(a_draft(status=Status.ROLLING, environment="production", due_at=later))
    async with one.begin() as tx:
        await tx.judge_under(scope, NOON)
    async with one.read() as reading:
        due = [number for number in range(1, 6) if (await reading.deploy(number)).due_at == NOON]
    assert due == [number for number in numbers if number in {2, 3}]
    async with one.begin() as tx:
        assert [deploy.id for deploy in await tx.take_unjudged(10)] == numbers
