"""The look: what Nomad's own state says of a register, in every situation."""

from __future__ import annotations

import pytest

from bot.domain.deploy.dispatch import Look
from bot.gateways.nomad.look import _is_stamped
from tests.gateways.nomad.worlds import a_service

STAMP = "# nomatron D-1 plan 2 fingerprint 3f9a"
SOURCE = f"{STAMP}\njob {{}}\n"


async def look(world, base_index=0, base_version=None):
    return await world.nomad.look(
        world.namespace, world.job_id, base_index=base_index, base_version=base_version, stamp=STAMP
    )


async def a_base(world):
    """A version 0 of somebody else's; its JobModifyIndex."""
    await world.register(a_service(world.job_id))
    return (await world.live())["JobModifyIndex"]


def changed(world, number):
    return a_service(world.job_id, env={"A": str(number)})


async def test_a_new_job_that_landed(world):
    answer = await world.register(a_service(world.job_id), source=SOURCE)
    seen = await look(world)
    assert (seen.look, seen.version, seen.job_modify_index) == (Look.LANDED, 0, answer.job_modify_index)


async def test_a_version_that_landed(world):
    base = await a_base(world)
    answer = await world.register(changed(world, 1), base, source=SOURCE)
    seen = await look(world, base, 0)
    assert (seen.look, seen.version, seen.job_modify_index) == (Look.LANDED, 1, answer.job_modify_index)


async def test_landed_stays_landed_when_others_follow(world):
    base = await a_base(world)
    answer = await world.register(changed(world, 1), base, source=SOURCE)
    await world.foreign(changed(world, 2))
    seen = await look(world, base, 0)
    assert (seen.look, seen.version, seen.job_modify_index) == (Look.LANDED, 1, answer.job_modify_index)


async def test_nothing_moved(world):
    base = await a_base(world)
    assert (await look(world, base, 0)).look is Look.UNMOVED


async def test_a_tag_or_a_health_mark_moves_nothing(world):
    rollout = await world.rolling(a_service(world.job_id))
    await world.observed(rollout, lambda seen: seen.stable)
    assert (await look(world, rollout.job_modify_index, 0)).look is Look.UNMOVED


async def test_a_missing_job_is_none(world):
    assert (await look(world)).look is Look.UNMOVED


async def test_a_new_job_that_landed_and_was_purged_leaves_a_trace(world):
    await world.register(a_service(world.job_id), source=SOURCE)
    await world.forget()
    assert (await look(world)).look is Look.PURGED


async def test_what_a_purge_leaves_cannot_be_read_either(simulated):
    await simulated.control("outage", {"mode": "error500"})
    assert (await look(simulated)).look is Look.UNKNOWN


async def test_somebody_made_the_job(world):
    await a_base(world)
    assert (await look(world)).look is Look.ANOTHERS


@pytest.mark.parametrize("stamped", [True, False])
async def test_the_next_version_is_anothers(world, stamped):
    base = await a_base(world)
    if stamped:
        await world.register(changed(world, 1), base, source="# nomatron D-9 plan 1 fingerprint 0000\n")
    else:
        await world.foreign(changed(world, 1))
    assert (await look(world, base, 0)).look is Look.ANOTHERS


async def test_the_job_is_gone(world):
    base = await a_base(world)
    await world.forget()
    assert (await look(world, base, 0)).look is Look.ANOTHERS


async def test_the_job_was_purged_and_made_anew(world):
    base = await a_base(world)
    await world.forget()
    await world.foreign(a_service(world.job_id))
    assert (await look(world, base, 7)).look is Look.ANOTHERS


async def test_nomad_was_restored_to_before_the_base(world):
    base = await a_base(world)
    assert (await look(world, base + 1000, 7)).look is Look.ANOTHERS


async def test_nomad_was_restored_and_others_went_on_from_there(world):
    base = await a_base(world)
    for number in range(1, 9):
        await world.foreign(changed(world, number))
    # versions 3 to 8 are kept: a base that was version 8 with another index has no successor
    assert (await look(world, base + 1, 8)).look is Look.ANOTHERS
    assert (await look(world, 10**9, 0)).look is Look.ANOTHERS


async def test_our_version_is_gone_but_a_later_one_has_its_stamp(world):
    base = await a_base(world)
    await world.register(changed(world, 1), base, source=SOURCE)
    for number in range(2, 9):
        # as one who changes what GET told: its Version names the submission that is inherited
        await world.foreign({**changed(world, number), "Version": number - 1})
    seen = await look(world, base, 0)
    assert (seen.look, seen.version) == (Look.LANDED, None)


async def test_our_version_is_gone_but_its_submission_is_not(world):
    base = await a_base(world)
    ours = await world.register(changed(world, 1), base, source=SOURCE)
    for number in range(2, 9):
        await world.foreign(changed(world, number))
    seen = await look(world, base, 0)
    assert (seen.look, seen.version, seen.job_modify_index) == (Look.LANDED, 1, ours.job_modify_index)


async def test_our_version_is_gone_without_a_trace(world):
    base = await a_base(world)
    for number in range(2, 9):
        await world.foreign(changed(world, number))
    assert (await look(world, base, 0)).look is Look.UNTRACEABLE


@pytest.mark.parametrize("mode", ["refuse", "hang", "html", "error500", "forbidden"])
async def test_what_cannot_be_read_decides_nothing(simulated, mode):
    base = await a_base(simulated)
    await simulated.control("outage", {"mode": mode})
    assert (await look(simulated, base, 0)).look is Look.UNKNOWN
    await simulated.control("outage", {"mode": "none"})
    assert (await look(simulated, base, 0)).look is Look.UNMOVED


@pytest.mark.parametrize(
    ("source", "stamped"),
    [
        (SOURCE, True),
        (f"{STAMP}  \r\n", True),
        (STAMP, True),
        (f"\n{STAMP}", False),
        (f"{STAMP}0", False),
        ("", False),
        (None, False),
    ],
)
def test_a_stamp_is_the_first_line(source, stamped):
    assert _is_stamped({"Source": source}, STAMP) == stamped


def test_without_a_submission_there_is_no_stamp():
    assert not _is_stamped(None, STAMP)
