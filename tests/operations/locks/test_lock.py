"""Locks are placed and lifted by those who may, once, with what is written and who is told."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from bot.domain.access import Grant, Permission
from bot.domain.actor import Operator
from bot.domain.decision import Refused
from bot.domain.locks import Lock
from bot.errors import AmbiguousCommit, ChannelGone, Replayed, StoreUnavailable
from bot.operations.deploys.decide import NOWHERE, Origin
from bot.operations.locks import expire
from bot.operations.locks.change import place
from bot.operations.locks.lock import lock
from bot.operations.locks.unlock import unlock
from tests.builders import ALICE, BOB, GUS, SAM, a_catalog, a_lock
from tests.clocks import NOON
from tests.operations.acts import applied, delivered, environments, events, planned
from tests.operations.closing import a_target, locked, locks, unlocked

if TYPE_CHECKING:
    from tests.fakes import World

HOUR = timedelta(hours=1)
ROOT = Operator("root")
SIGNED = Origin(signature="5f3a")


async def refused(world: World, act, word: str = "production", by=SAM, **changes) -> Refused:
    done = await act(world.ports(), by, a_target(word, **changes))
    assert isinstance(done, Refused), done
    return done


async def newest(world: World) -> dict:
    return (await events(world))[-1]


def notices(world: World) -> list[tuple[str, str]]:
    return [(where["channel"], note.text) for said, note, where in world.chat.said if said == "announce"]


async def test_a_lock_is_recorded_with_its_reason_its_end_and_the_evidence(world: World):
    placed = await locked(world, lasts="2h")
    assert await locks(world) == (placed,)
    assert (placed.scope.name, placed.holder, placed.until) == ("production", SAM, NOON + 2 * HOUR)
    event = await newest(world)
    assert (event["type"], event["actor"], event["environment"]) == ("lock.placed", SAM.key, "production")
    assert "service" not in event
    assert event["catalog"] == a_catalog().fingerprint
    assert event["data"] == {
        "lock": 1,
        "reason": "the database moves",
        "until": "2026-11-21T14:00:00.000000Z",
        "judged": {"people": {SAM.id: ["S0SRE00001"]}, "uncounted": {}},
    }
    assert world.bell.rings


async def test_lifting_it_is_recorded_with_what_it_was(world: World):
    await locked(world)
    world.clock.advance(HOUR)
    ended = await unlocked(world)
    assert (ended.ended_at, ended.ended_by, ended.ended_because) == (NOON + HOUR, SAM, "it has moved")
    assert await locks(world) == ()
    event = await newest(world)
    assert event["type"] == "lock.lifted"
    told = {key: event["data"][key] for key in ("lock", "locked", "placed_at", "placed_by", "reason")}
    assert told == {
        "lock": 1,
        "locked": "the database moves",
        "placed_at": "2026-11-21T12:00:00.000000Z",
        "placed_by": SAM.key,
        "reason": "it has moved",
    }
    assert "judged" in event["data"]


@pytest.mark.parametrize(
    ("word", "changes", "channels"),
    [
        ("production", {}, ["C0PROD0001"]),
        ("checkout", {"environment": "staging"}, ["C0STAGING1"]),
        ("everything", {}, ["C0STAGING1", "C0PROD0001"]),
    ],
)
async def test_the_channels_are_told_that_it_is_locked_and_lifted(world: World, word, changes, channels):
    await locked(world, word, **changes)
    await delivered(world)
    text = "A lock was placed. Deploys that are ready wait now. Rollouts that run finish."
    assert notices(world) == [(each, text) for each in channels]
    (_, note, _) = world.chat.said[-1]
    assert [(reason.code, reason.by, reason.groups) for reason in note.reasons] == [
        ("locked", SAM.key, ("S0SRE00001",))
    ]
    world.chat.said.clear()
    ended = await unlocked(world, word, **changes)
    await delivered(world)
    text = f"The lock on {ended.scope.name} was lifted. What waited for it goes on."
    assert notices(world) == [(each, text) for each in channels]
    note = world.chat.said[-1][1]
    assert (note.said, note.mention) == (((SAM.id, "lifted it: it has moved"),), ())
    assert note.lines == ("It was placed because: the database moves",)


async def test_whoever_placed_it_is_mentioned_when_somebody_else_lifts_it(world: World):
    await locked(world)
    await unlocked(world, by=ROOT)
    await delivered(world)
    note = world.chat.said[-1][1]
    assert (note.mention, note.said) == ((SAM.id,), ())
    assert note.lines[-1] == "root lifted it on the host: it has moved"


async def test_what_else_is_locked_is_said_when_one_is_lifted(world: World):
    await locked(world, "everything")
    await locked(world, "staging")
    await locked(world)
    await unlocked(world)
    await delivered(world)
    note = world.chat.said[-1][1]
    assert note.text == "The lock on production was lifted. Other locks still close some or all of it:"
    assert [reason.text for reason in note.reasons] == ["Everything is locked: the database moves."]


async def test_a_note_for_a_channel_that_is_gone_goes_to_the_operators(world: World):
    world.chat.refusals = [ChannelGone("is_archived")]
    await locked(world)
    await delivered(world)
    assert [channel for channel, _ in notices(world)] == ["C0OPS00001"]


@pytest.mark.parametrize("admin", [None, "C0PROD0001"])
async def test_a_note_that_no_channel_takes_is_refused_once_and_held_up_for_nothing(world: World, admin):
    await applied(world, admin_channel=admin)
    world.chat.refusals = [ChannelGone("is_archived")]
    await locked(world)
    await delivered(world)
    assert notices(world) == []


async def test_an_environment_that_the_catalog_dropped_can_still_be_unlocked(world: World):
    await locked(world, by=ROOT)
    known = {"staging": environments("staging")["staging"]}
    service = replace(
        a_catalog().services["checkout"], placements={"staging": a_catalog().services["checkout"].placements["staging"]}
    )
    await applied(world, environments=known, services={"checkout": service})
    assert (await refused(world, lock)).codes == ("unknown-name",)
    assert (await unlocked(world)).ended_by == SAM
    await delivered(world)
    assert [channel for channel, _ in notices(world)][-1] == "C0OPS00001"


async def test_without_an_admin_channel_such_a_note_has_no_reader(world: World):
    await locked(world, by=ROOT)
    await delivered(world)
    world.chat.said.clear()
    placed = {"staging": a_catalog().services["checkout"].placements["staging"]}
    service = replace(a_catalog().services["checkout"], placements=placed)
    known = {"staging": environments("staging")["staging"]}
    await applied(world, environments=known, services={"checkout": service}, admin_channel=None)
    await unlocked(world)
    await delivered(world)
    assert notices(world) == []


# --- who may ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("by", "code"), [(ALICE, "no-permission"), (GUS, "person-guest")])
@pytest.mark.parametrize("act", [lock, unlock])
async def test_whoever_has_no_permission_changes_nothing_and_the_log_has_it(world: World, act, by, code):
    if act is unlock:
        await locked(world, by=ROOT)
    before = await locks(world)
    found = await refused(world, act, by=by)
    assert found.codes == (code,)
    assert found.reasons[0].groups == ("S0SRE00001",)
    assert await locks(world) == before
    event = await newest(world)
    assert (event["type"], event["actor"], event["environment"]) == ("action.refused", by.key, "production")
    told = event["data"]
    assert (told["act"], told["codes"], told["target"]) == (act.__name__, [code], "production")
    assert told["judged"]["people"].keys() | told["judged"]["uncounted"].keys() == {by.id}


async def test_a_grant_for_one_environment_locks_neither_another_nor_everything(world: World):
    await applied(world, grants=(Grant("sre", frozenset({Permission.LOCK}), environments=frozenset({"production"})),))
    assert (await refused(world, lock, "everything")).codes == ("no-permission",)
    assert (await refused(world, lock, "staging")).codes == ("no-permission",)
    assert (await locked(world)).holder == SAM
    await locked(world, "everything", by=ROOT)
    assert (await refused(world, unlock, "everything")).codes == ("no-permission",)


async def test_an_operator_needs_no_permission_and_no_slack(world: World):
    world.directory.silent = True
    placed = await locked(world, by=ROOT)
    assert placed.holder == ROOT
    assert "judged" not in (await newest(world))["data"]
    assert (await unlocked(world, by=ROOT)).ended_by == ROOT
    assert world.directory.asked == 0


@pytest.mark.parametrize("act", [lock, unlock])
async def test_t23_while_slack_does_not_say_who_is_who_nobody_changes_a_lock(world: World, act):
    await locked(world, "staging", by=ROOT)
    world.directory.silent = True
    word = "staging" if act is unlock else "production"
    assert (await refused(world, act, word)).codes == ("membership-unknown",)
    assert [each.scope.name for each in await locks(world)] == ["staging"]
    assert (await newest(world))["data"] == {"act": act.__name__, "codes": ["membership-unknown"], "target": word}


async def test_t16_whoever_rolled_back_lifts_that_lock_and_no_other_without_permission(world: World):
    deploy = await planned(world)
    async with world.store.begin() as tx:
        await tx.lock_catalog(exclusive=True)
        own = a_lock(service="checkout", environment="staging", holder=BOB, rollback=deploy.id)
        await place(tx, await tx.active_catalog(), own)
    await locked(world, by=ROOT)
    at = {"environment": "staging"}
    found = await refused(world, unlock, "checkout", by=ALICE, **at)
    assert (found.codes, found.reasons[0].users) == (("no-permission",), (BOB.id,))
    assert (await refused(world, unlock, by=BOB)).codes == ("no-permission",)
    assert (await unlocked(world, "checkout", by=BOB, **at)).rollback == deploy.id


# --- bad input -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("act", "word", "changes", "codes"),
    [
        (lock, "prod", {}, ("unknown-name",)),
        (lock, "checkout", {}, ("environment-missing",)),
        (lock, "checkout", {"environment": "qa"}, ("unknown-environment",)),
        (lock, "production", {"lasts": "0m"}, ("lock-duration",)),
        (lock, "production", {"lasts": "400d"}, ("lock-duration",)),
        (lock, "production", {"reason": " "}, ("reason-missing",)),
        (lock, "prod", {"reason": "", "lasts": "soon"}, ("unknown-name", "reason-missing", "lock-duration")),
        (unlock, "production", {"reason": ""}, ("reason-missing",)),
        (unlock, "x" * 300, {"environment": "production"}, ("unknown-service",)),
    ],
)
async def test_words_that_make_no_lock_are_refused_before_anybody_is_asked(world: World, act, word, changes, codes):
    found = await refused(world, act, word, **changes)
    assert found.codes == codes
    assert (await locks(world), world.directory.asked) == ((), 0)
    told = (await newest(world))["data"]
    assert (told["codes"], len(told["target"]) <= 128) == (list(codes), True)


async def test_a_second_lock_on_the_same_is_refused_and_one_beside_it_is_not(world: World):
    await locked(world)
    found = await refused(world, lock, reason="mine is more important")
    assert found.codes == ("already-locked",)
    assert found.reasons[0].by == SAM.key
    assert (await refused(world, lock, by=ALICE)).codes == ("no-permission", "already-locked")
    await locked(world, "everything")
    await locked(world, "checkout", environment="production")
    assert len(await locks(world)) == 3


async def test_what_is_not_locked_cannot_be_lifted_and_a_lock_near_it_is_named(world: World):
    await locked(world)
    found = await refused(world, unlock, "checkout", environment="production")
    assert found.codes == ("not-locked",)
    assert "`production`" in found.reasons[0].text
    assert (await refused(world, unlock, "staging")).reasons[0].text == "There is no lock on staging itself."
    assert (await refused(world, unlock, "staging", by=ALICE)).codes == ("no-permission", "not-locked")


async def test_a_word_for_two_things_is_refused_with_the_choice(world: World):
    service = replace(a_catalog().services["checkout"], name="Staging")
    await applied(world, services={"Staging": service})
    found = await refused(world, lock, "STAGING")
    assert found.codes == ("lock-ambiguous",)


# --- the end of its time ---------------------------------------------------------------------------------------------


async def test_a_lock_whose_time_is_over_ends_by_itself_and_is_told_as_ended(world: World):
    await locked(world, lasts="1h")
    await locked(world, "staging")
    world.clock.advance(HOUR - timedelta(microseconds=1))
    assert not await expire.step(world.ports())
    world.clock.advance(timedelta(microseconds=1))
    assert await expire.step(world.ports())
    assert [each.scope.name for each in await locks(world)] == ["staging"]
    event = await newest(world)
    assert (event["type"], event["actor"]) == ("lock.expired", "system:expiry")
    assert "reason" not in event["data"]
    await delivered(world)
    note = world.chat.said[-1][1]
    assert note.text == "The lock on production has ended: its time is over. What waited for it goes on."
    assert (note.mention, note.said) == ((SAM.id,), ())
    assert not await expire.step(world.ports())


async def test_a_lock_that_somebody_lifted_meanwhile_is_not_ended_twice(world: World):
    await locked(world, lasts="1h")
    world.clock.advance(HOUR)

    async def first() -> None:
        world.store.hooks.before("begin", None)
        assert await expire.step(world.ports())

    world.store.hooks.before("begin", first)
    await expire.step(world.ports())
    assert [event["type"] for event in await events(world)].count("lock.expired") == 1


async def test_a_lock_that_a_clock_ahead_of_its_time_placed_lasts_as_long_as_was_asked_for(world: World):
    world.clock.advance(days=1)
    placed = await locked(world, lasts="1h")
    await locked(world, "staging")
    world.clock.instant = NOON
    assert await expire.step(world.ports())
    right, forever = await locks(world)
    assert right == replace(placed, placed_at=NOON, until=NOON + HOUR)
    assert (forever.placed_at, forever.until) == (NOON + timedelta(days=1), None)
    assert not await expire.step(world.ports())
    world.clock.advance(HOUR)
    assert await expire.step(world.ports())
    assert await locks(world) == (forever,)


async def test_a_lock_that_another_process_put_right_meanwhile_is_left_alone(world: World):
    world.clock.advance(days=1)
    await locked(world, lasts="1h")
    world.clock.instant = NOON

    async def quicker() -> None:
        world.store.hooks.before("begin", None)
        assert await expire.step(world.ports())
        world.clock.advance(minutes=1)

    world.store.hooks.before("begin", quicker)
    assert await expire.step(world.ports())
    (right,) = await locks(world)
    assert (right.placed_at, right.until) == (NOON, NOON + HOUR)


async def test_one_whose_time_is_over_neither_stands_in_the_way_nor_can_be_lifted(world: World):
    await locked(world, lasts="1h")
    world.clock.advance(HOUR)
    assert (await refused(world, unlock)).codes == ("not-locked",)
    again = await locked(world, reason="once more")
    assert await locks(world) == (again,)
    assert [event["type"] for event in await events(world)][-2:] == ["lock.expired", "lock.placed"]


async def test_without_a_catalog_there_is_nothing_to_end(bare: World):
    assert not await expire.step(bare.ports())


# --- commits ---------------------------------------------------------------------------------------------------------


async def test_the_same_request_from_slack_counts_once(world: World):
    assert isinstance(await lock(world.ports(), SAM, a_target(), origin=SIGNED), Lock)
    with pytest.raises(Replayed):
        await lock(world.ports(), SAM, a_target("staging"), origin=SIGNED)
    with pytest.raises(Replayed):
        await lock(world.ports(), SAM, a_target("nothing"), origin=SIGNED)


async def test_a_commit_in_doubt_that_happened_is_not_done_again(world: World):
    world.store.hooks.after("commit", AmbiguousCommit("lost"))
    done = await lock(world.ports(), SAM, a_target(), origin=SIGNED)
    assert isinstance(done, Lock)
    assert len(await locks(world)) == 1


async def test_a_commit_in_doubt_that_did_not_happen_is_done_again(world: World):
    world.store.hooks.before("commit", AmbiguousCommit("lost"))
    done = await lock(world.ports(), SAM, a_target(), origin=SIGNED)
    assert isinstance(done, Lock)
    assert await locks(world) == (done,)


async def test_an_operators_commit_in_doubt_is_told(world: World):
    world.store.hooks.after("commit", AmbiguousCommit("lost"))
    with pytest.raises(AmbiguousCommit):
        await lock(world.ports(), ROOT, a_target(), origin=NOWHERE)


async def test_a_catalog_that_changes_meanwhile_decides_anew(world: World):
    async def without_lock() -> None:
        world.store.hooks.before("begin", None)
        await applied(world, grants=(Grant("sre", frozenset({Permission.REQUEST})),))

    world.directory.hooks.after("membership", without_lock)
    found = await lock(world.ports(), SAM, a_target())
    assert isinstance(found, Refused)
    assert found.codes == ("no-permission",)


async def test_a_catalog_that_keeps_changing_is_told(world: World):
    changed = iter(range(9))

    async def another() -> None:
        await applied(world, timezone=f"Etc/GMT+{next(changed)}")

    world.directory.hooks.after("membership", another, always=True)
    found = await lock(world.ports(), SAM, a_target())
    assert isinstance(found, Refused)
    assert (found.codes, await locks(world)) == (("catalog-busy",), ())


async def test_trouble_with_the_database_places_no_lock_and_is_raised(world: World):
    world.store.hooks.before("commit", StoreUnavailable("gone"))
    with pytest.raises(StoreUnavailable):
        await lock(world.ports(), SAM, a_target(), origin=SIGNED)
    assert await locks(world) == ()
