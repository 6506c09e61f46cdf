"""What a new catalog asks for, on both engines: marks in one statement, taken a batch at a time."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.domain.deploy.deploy import Status
from tests.builders import a_draft
from tests.clocks import NOON

HOUR = timedelta(hours=1)


async def add(store, *drafts):
    async with store.begin() as tx:
        return [await tx.add_deploy(draft) for draft in drafts]


async def take(store, limit=10):
    async with store.begin() as tx:
        return [deploy.id for deploy in await tx.take_unjudged(limit)]


async def mark(store):
    async with store.begin() as tx:
        await tx.judge_anew(NOON)


async def any_left(store):
    async with store.read() as reading:
        return await reading.any_unjudged()


async def test_every_undecided_deploy_is_marked_and_taken_once_the_oldest_request_first(one, two):
    await add(one, *(a_draft(status=status, service=status.value, requested_at=NOON) for status in Status))
    await add(one, a_draft(requested_at=NOON - HOUR))
    assert not await any_left(one)

    await mark(one)

    assert await any_left(two)
    undecided = [number for number, status in enumerate(Status, 1) if status.undecided]
    assert await take(one, 2) == [len(Status) + 1, undecided[0]]
    assert await take(two) == undecided[1:]
    assert await take(one) == []
    assert not await any_left(one)


async def test_one_that_is_taken_is_locked_and_may_be_saved(one):
    await add(one, a_draft())
    await mark(one)
    async with one.begin() as tx:
        (deploy,) = await tx.take_unjudged(1)
        await tx.save_deploy(replace(deploy, detail="judged"))
    async with one.read() as reading:
        assert (await reading.deploy(1)).detail == "judged"


async def test_a_batch_that_is_not_committed_is_taken_again(one):
    await add(one, a_draft())
    await mark(one)

    async def fail():
        async with one.begin() as tx:
            await tx.take_unjudged(1)
            raise KeyError

    with pytest.raises(KeyError):
        await fail()
    assert await take(one) == [1]


async def test_the_offers_of_what_succeeded_last_and_before_that_are_due(one):
    done = {"status": Status.SUCCEEDED, "due_at": None}
    await add(one, *(a_draft(changed_at=NOON + hours * HOUR, **done) for hours in (0, 2, 1)))
    await add(one, a_draft(service="mailer", **done), a_draft(service="report", **done))
    async with one.begin() as tx:
        await tx.offer_anew([("checkout", "staging"), ("mailer", "staging"), ("nothing", "staging")], NOON)
        await tx.offer_anew([], NOON)
    async with one.read() as reading:
        assert [(await reading.deploy(number)).due_at for number in (1, 2, 3, 4, 5)] == [
            None, NOON, NOON, NOON, None,
        ]  # fmt: skip


async def test_places_are_those_of_open_deploys(one):
    await add(one, a_draft(), a_draft(), a_draft(environment="production", status=Status.ROLLING))
    await add(one, a_draft(service="mailer", status=Status.FAILED))
    async with one.read() as reading:
        assert sorted(await reading.open_places()) == [("checkout", "production"), ("checkout", "staging")]


async def test_overdue_are_undecided_deploys_whose_time_is_over_and_no_more_than_asked(one):
    over = {"expires_at": NOON}
    await add(one, a_draft(**over), a_draft(status=Status.ROLLING, **over), a_draft(status=Status.READY, **over))
    await add(one, a_draft(expires_at=NOON + HOUR))
    async with one.read() as reading:
        assert await reading.overdue(NOON, {}) == (1, 3)
        assert await reading.overdue(NOON, {}, limit=1) == (1,)
