"""The job versions that we recorded of many places at once, on both engines."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from bot.domain.deploy.deploy import Status
from bot.domain.deploy.rollout import GroupHealth, RolloutKind
from tests.builders import a_draft, a_rollout
from tests.clocks import NOON

if TYPE_CHECKING:
    from bot.ports.store import Transaction
    from store import SqlStore

STAGING, PRODUCTION = ("checkout", "staging"), ("checkout", "production")


async def landed(tx: Transaction, status: Status, minutes: int, index: int, **draft: Any) -> int:
    """A deploy that landed so many minutes after noon, with that JobModifyIndex, and changed a minute later."""
    deploy = await tx.add_deploy(a_draft(**draft))
    at = NOON + timedelta(minutes=minutes)
    await tx.save_deploy(replace(deploy, status=status, landed_at=at, changed_at=at + timedelta(minutes=1)))
    await tx.save_rollout(a_rollout(deploy.id, job_version=index - 10, job_modify_index=index))
    return deploy.id


async def indexes(store: SqlStore, *places: tuple[str, str]) -> list[tuple[int, int]]:
    async with store.read() as reading:
        return [(each.deploy_id, each.job_modify_index) for each in await reading.recorded(places)]


async def test_they_are_of_the_last_success_and_of_what_landed_last(one):
    async with one.begin() as tx:
        await landed(tx, Status.SUCCEEDED, 1, 41)
        success = await landed(tx, Status.SUCCEEDED, 5, 45)
        await landed(tx, Status.FAILED, 10, 50)
        last = await landed(tx, Status.FAILED, 15, 55)

    assert await indexes(one, STAGING) == [(success, 45), (last, 55)]


async def test_what_succeeded_and_landed_last_comes_once_with_all_that_is_known(one):
    async with one.begin() as tx:
        number = await landed(tx, Status.SUCCEEDED, 1, 41, version="v1.5.0")
    async with one.read() as reading:
        (found,) = await reading.recorded([STAGING])

    assert (found.service, found.environment) == STAGING
    assert (found.deploy_id, found.version, found.revision, found.kind) == (number, "v1.5.0", 1, RolloutKind.DEPLOY)
    assert (found.job_version, found.job_modify_index) == (31, 41)
    assert found.groups == (GroupHealth(name="web", desired=2, placed=2, healthy=1),)


async def test_nomads_revert_of_it_comes_too(one):
    async with one.begin() as tx:
        number = await landed(tx, Status.FAILED, 1, 41)
        await tx.save_rollout(a_rollout(number, 2, kind=RolloutKind.REVERT, job_version=32, job_modify_index=42))

    assert await indexes(one, STAGING) == [(number, 41), (number, 42)]


async def test_a_version_that_is_not_known_is_left_out(one):
    async with one.begin() as tx:
        number = await landed(tx, Status.FAILED, 1, 41)
        await tx.save_rollout(a_rollout(number, job_version=None, job_modify_index=None))

    assert await indexes(one, STAGING) == []


async def test_each_place_has_its_own_and_no_place_has_none(one):
    async with one.begin() as tx:
        first = await landed(tx, Status.SUCCEEDED, 1, 41)
        second = await landed(tx, Status.SUCCEEDED, 2, 42, environment="production")
        await landed(tx, Status.SUCCEEDED, 3, 43, service="cart")

    assert await indexes(one, STAGING, PRODUCTION, ("mailer", "staging")) == [(first, 41), (second, 42)]
    assert await indexes(one) == []
