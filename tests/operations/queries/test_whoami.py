from __future__ import annotations

from typing import TYPE_CHECKING

from bot.domain.access import Grant, Holding, Permission, Whoami
from bot.domain.actor import CiIdentity, System
from bot.domain.decision import Allowed, Refused
from bot.operations.queries.whoami import whoami
from tests.builders import ALICE, BOB, GUS, NORA, SAM
from tests.operations.acts import applied

if TYPE_CHECKING:
    from bot.domain.actor import Actor
    from tests.fakes import World


async def told(world: World, actor: Actor) -> Whoami:
    answer = await whoami(world.ports(), actor)
    assert isinstance(answer, Whoami)
    return answer


async def test_a_person_learns_groups_permissions_and_seats(world: World):
    me = await told(world, BOB)

    assert me.user == BOB.id
    assert isinstance(me.standing, Allowed)
    assert me.groups == ("developers",)
    assert me.holdings == (Holding((Permission.REQUEST, Permission.ROLLBACK, Permission.WITHDRAW), None, None),)
    assert me.seats == (("checkout", "production"),)


async def test_where_a_grant_is_narrowed_that_is_said(world: World):
    narrow = Grant("sre", frozenset({Permission.LOCK}), frozenset({"staging", "production"}), frozenset({"checkout"}))
    await applied(world, grants=(narrow,))

    assert (await told(world, SAM)).holdings == (Holding((Permission.LOCK,), ("production", "staging"), ("checkout",)),)
    assert (await told(world, BOB)).holdings == ()


async def test_a_stranger_to_every_group_holds_nothing(world: World):
    me = await told(world, NORA)

    assert (me.groups, me.holdings, me.seats) == ((), (), ())


async def test_one_who_does_not_count_is_told_why(world: World):
    me = await told(world, GUS)

    assert isinstance(me.standing, Refused)
    assert me.standing.codes == ("person-guest",)


async def test_a_pipeline_is_the_person_behind_it_and_nothing_without_one(world: World):
    assert (await told(world, CiIdentity("github", "repo", ALICE.id))).user == ALICE.id

    for nobody in (CiIdentity("github", "repo"), System("worker")):
        answer = await whoami(world.ports(), nobody)
        assert isinstance(answer, Refused)
        assert answer.codes == ("nobody-behind",)


async def test_while_slack_is_silent_it_says_so(world: World):
    world.directory.silent = True

    answer = await whoami(world.ports(), BOB)

    assert isinstance(answer, Refused)
    assert answer.codes == ("membership-unknown",)
