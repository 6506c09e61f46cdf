"""What the promotion rule reads, on both engines: of one release in one place, whatever else happened there."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import text

from bot.domain.catalog.environment import After
from bot.domain.deploy.deploy import Status, WayBack
from bot.domain.deploy.plan import Base, Deviation, JobState
from bot.domain.deploy.promotion import Candidate, Run, may_follow
from bot.domain.deploy.rollout import RolloutKind
from store.tables import deploys
from tests.builders import a_draft, a_plan, a_rollout
from tests.clocks import NOON

if TYPE_CHECKING:
    from bot.ports.store import Transaction
    from store import SqlStore

OURS = a_draft().release
OTHER = a_draft(version="v1.4.3").release
ANOTHER = a_draft(version="v2").release
MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)
SEEN = Deviation(at=NOON + MINUTE, base=Base(state=JobState.STOPPED, job_version=4))


async def ran(
    tx: Transaction, status: Status, minutes: float, *, landed: float | None = None, well: bool = False, **draft: Any
) -> int:
    """A deploy in that state since so many minutes after noon; ``well``: its plan found the job healthy."""
    deploy = await tx.add_deploy(a_draft(**draft))
    landed_at = None if landed is None else NOON + landed * MINUTE
    state: dict[str, Any] = {"status": status, "changed_at": NOON + minutes * MINUTE, "landed_at": landed_at}
    await tx.save_deploy(replace(deploy, plan=int(well), **state))
    if well:
        await tx.add_plan(a_plan(deploy.id, unchanged=status is Status.UNCHANGED, healthy=True))
    if landed_at is not None:
        await tx.save_rollout(a_rollout(deploy.id, started_at=landed_at))
    return deploy.id


async def runs(store: SqlStore, since: float | None = None, **place: str) -> tuple[Run, ...]:
    where = {"service": "checkout", "environment": "staging", "release": OURS, **place}
    async with store.read() as reading:
        return await reading.runs(**where, since=None if since is None else NOON + since * MINUTE)


async def numbers(store: SqlStore, since: float | None = None, **place: str) -> list[int]:
    return [run.deploy_id for run in await runs(store, since, **place)]


async def test_they_tell_what_became_of_each_deploy_of_the_release(one):
    async with one.begin() as tx:
        await ran(tx, Status.SUCCEEDED, 2, landed=1)
        await tx.save_rollout(a_rollout(1, 2, kind=RolloutKind.REVERT, started_at=NOON + 2 * MINUTE))
        await ran(tx, Status.UNCHANGED, 3, well=True)
        await tx.save_deploy(replace(await tx.lock_deploy(2), deviation=SEEN))
        await ran(tx, Status.INVALID, 4, well=True)
        await ran(tx, Status.SUCCEEDED, 5, landed=4)
        await tx.save_deploy(replace(await tx.lock_deploy(4), resolution="succeeded"))
        await ran(tx, Status.FAILED, 6, environment="production")
        await ran(tx, Status.FAILED, 6, service="mailer", release=OURS)
        await ran(tx, Status.FAILED, 6, version="v2")
    fields: dict[str, Any] = {"release": OURS, "version": "v1.4.2", "job_version": None, "job_modify_index": None}

    def a_run(number: int, status: Status, minutes: int, **changes: Any) -> Run:
        given = {**fields, "landed_at": None, **changes}
        return Run(deploy_id=number, status=status, changed_at=NOON + minutes * MINUTE, **given)

    ours = {"job_version": 4, "job_modify_index": 47}
    assert await runs(one) == (
        a_run(1, Status.SUCCEEDED, 2, landed_at=NOON + MINUTE, **ours),
        a_run(2, Status.UNCHANGED, 3, healthy=True, job_version=3, job_modify_index=41, deviation=SEEN),
        a_run(3, Status.INVALID, 4),
        a_run(4, Status.SUCCEEDED, 5, landed_at=NOON + 4 * MINUTE, resolved=True, **ours),
    )
    assert await numbers(one, environment="production") == [5]
    assert await numbers(one, service="cart") == []


async def test_with_a_proof_comes_what_landed_next_and_nothing_else_of_other_releases(one):
    other: dict[str, Any] = {"version": "v1.4.3", "release": OTHER}
    async with one.begin() as tx:
        for landed in (9, 7, 7, 3):
            await ran(tx, Status.FAILED, 20, landed=landed, **other)
        await ran(tx, Status.FAILED, 20, landed=4, environment="production", **other)
        await ran(tx, Status.SUCCEEDED, 5, landed=4)
        await ran(tx, Status.REJECTED, 6, **other)
        await ran(tx, Status.FAILED, 10, landed=8)

    # of two that landed at one instant, the lower number; and its own failure, which proves nothing
    assert await numbers(one) == [2, 6, 8]
    assert await numbers(one, since=11) == [2, 6]


async def test_what_lands_at_the_instant_of_the_success_is_next_by_its_number(one):
    async with one.begin() as tx:
        await ran(tx, Status.FAILED, 9, landed=5, version="v1.4.3", release=OTHER)
        await ran(tx, Status.SUCCEEDED, 5, landed=4)
        await ran(tx, Status.FAILED, 9, landed=5, version="v1.4.3", release=OTHER)

    assert await numbers(one) == [2, 3]


async def test_before_the_time_asked_only_the_newest_proof_and_what_is_open_count(one):
    async with one.begin() as tx:
        await ran(tx, Status.SUCCEEDED, 1, landed=0)
        await ran(tx, Status.UNCHANGED, 2, well=True)
        await ran(tx, Status.UNCHANGED, 3)
        await ran(tx, Status.FAILED, 4, landed=3)
        await ran(tx, Status.ROLLING, 5, landed=5)
        await ran(tx, Status.WITHDRAWN, 10)

    assert await numbers(one, since=10) == [2, 4, 5, 6]
    assert await numbers(one, since=10.01) == [2, 4, 5]
    assert await numbers(one, since=0) == [1, 2, 3, 4, 5, 6]


async def test_however_many_others_came_since_the_rule_decides_as_if_there_were_none(one):
    other: dict[str, Any] = {"version": "v1.4.3", "release": OTHER}
    rule = After(environment="staging", soak=30 * MINUTE, within=DAY)
    what = Candidate(service="checkout", version="v1.4.2", release=OURS)

    async def codes() -> tuple[str, ...]:
        found = await runs(one, since=60 - 24 * 60 - 30)
        return getattr(may_follow([rule], what, {"staging": found}, NOON + 60 * MINUTE), "codes", ())

    async with one.begin() as tx:
        await ran(tx, Status.SUCCEEDED, 0, landed=-1)
        await ran(tx, Status.EXPIRED, 1, **other)
    columns = ", ".join(f'"{column.name}"' for column in deploys.columns if column.name != "id")
    async with one.engines.writing.begin() as connection:
        for _ in range(10):
            more = f"INSERT INTO deploys ({columns}) SELECT {columns} FROM deploys WHERE release = '{OTHER}'"
            await connection.execute(text(more))
    assert await codes() == ()

    async with one.begin() as tx:
        await ran(tx, Status.ROLLING, 29, landed=29, **other)
    assert await codes() == ("soak-broken",)


async def test_the_newest_that_passed_is_by_time_and_may_be_of_any_release_or_of_another(one):
    async with one.begin() as tx:
        await ran(tx, Status.UNCHANGED, 9, well=True)
        await ran(tx, Status.SUCCEEDED, 5, landed=4, version="v1.4.3", release=OTHER)
        await ran(tx, Status.SUCCEEDED, 6, landed=5, version="v2", release=ANOTHER)
        await tx.save_deploy(replace(await tx.lock_deploy(3), resolution="succeeded"))
        await ran(tx, Status.UNCHANGED, 10)
        await ran(tx, Status.SUCCEEDED, 11, landed=10, environment="production")

    async def newest(*place: str, **other_than: str) -> int | None:
        async with one.read() as reading:
            found = await reading.last_passed(*place, **other_than)
        return found and found.deploy_id

    assert await newest("checkout", "staging") == 1
    assert await newest("checkout", "staging", other_than=OURS) == 2
    assert await newest("checkout", "production") == 5
    assert await newest("mailer", "staging") is None


@pytest.mark.parametrize(("version", "first"), [("v1.4.2", 3), ("v2", None), ("v3", None)])
async def test_a_version_landed_first_with_the_deploy_that_did_so_whatever_its_number(one, version, first):
    async with one.begin() as tx:
        await ran(tx, Status.FAILED, 9, landed=8)
        await ran(tx, Status.FAILED, 9, landed=2, environment="production")
        await ran(tx, Status.FAILED, 9, landed=7)
        await ran(tx, Status.FAILED, 9, landed=7)
        await ran(tx, Status.EXPIRED, 9, version="v2", release=ANOTHER)

    async with one.read() as reading:
        found = await reading.first_landed("checkout", "staging", version)
    assert (found and found.deploy_id) == first


@pytest.mark.parametrize(("other_than", "last"), [("", 3), ("v1.4.2", 2), ("v2", 3)])
async def test_the_last_landing_counts_by_its_instant_whatever_became_of_the_deploy(one, other_than, last):
    async with one.begin() as tx:
        await ran(tx, Status.SUCCEEDED, 9, landed=6)
        await ran(tx, Status.FAILED, 9, landed=7, version="v2", release=ANOTHER)
        await ran(tx, Status.FAILED, 9, landed=8)
        await ran(tx, Status.EXPIRED, 9, version="v3", release=OTHER)
        await ran(tx, Status.SUCCEEDED, 9, landed=8, environment="production")

    async with one.read() as reading:
        found = await reading.last_landed("checkout", "staging", other_than=other_than)
        assert await reading.last_landed("mailer", "staging") is None
    assert found is not None
    assert found.deploy_id == last


async def test_a_late_landing_of_its_own_does_not_hide_what_replaced_it(one):
    async with one.begin() as tx:
        await ran(tx, Status.UNCHANGED, 0, landed=5, well=True)
        await ran(tx, Status.SUCCEEDED, 11, landed=10, version="v1.4.3", release=OTHER)

    assert await numbers(one) == [1, 2]


async def test_the_landings_of_a_place_and_the_success_before_one(one):
    async with one.begin() as tx:
        elsewhere = await ran(tx, Status.SUCCEEDED, 2, landed=0.5, environment="production")
        first = await ran(tx, Status.SUCCEEDED, 2, landed=1)
        # landed before the next one, and ended after it
        failed = await ran(tx, Status.FAILED, 9, landed=3)
        second = await ran(tx, Status.SUCCEEDED, 6, landed=5)
        # two at the same instant: the later number is the later landing
        last = await ran(tx, Status.ROLLING, 5, landed=5)
        await ran(tx, Status.REJECTED, 10)
    async with one.read() as reading:
        place = "checkout", "staging"
        found = [await reading.first_landing(*place), await reading.last_landing(*place)]
        assert [each.id for each in found] == [first, last]
        assert (await reading.last_landing("checkout", "production")).id == elsewhere
        assert await reading.last_landing("mailer", "staging") is None
        assert await reading.first_landing("mailer", "staging") is None
        before = [await reading.success_before(await reading.deploy(each)) for each in (last, second, failed, first)]
        assert [each and each.id for each in before] == [second, first, first, None]


async def test_a_rollback_keeps_what_it_goes_back_to_and_one_to_the_baseline_proves_no_release(one):
    back = WayBack(deploy=1, plan=2, undoes=3, undone="v1.4.2 r2", catalog="c", free=True, approvers=("U0BOB00001",))
    async with one.begin() as tx:
        number = await ran(tx, Status.SUCCEEDED, 2, landed=1, rollback=back)
        await ran(tx, Status.SUCCEEDED, 4, landed=3, rollback=replace(back, baseline=True), release="")
    async with one.read() as reading:
        assert (await reading.deploy(number)).rollback == back
        (run,) = [each for each in await reading.runs("checkout", "staging", OURS) if each.deploy_id == number]
        assert (run.rollback, run.passed) == (back, True)
        passed = await reading.last_passed("checkout", "staging")
        assert (passed.deploy_id, passed.release) == (number, OURS)
