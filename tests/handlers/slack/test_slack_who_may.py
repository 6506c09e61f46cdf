"""Who may do what in which state, by each way in from Slack: the whole table, written by hand.

Alice requested the deploy, and developers own the service: Alice, Bob and Gus, who is a guest. Sam is sre. Nora is in
no group. Production needs an owner and one of sre. Developers may request, withdraw and resolve; sre may everything.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from typing import TYPE_CHECKING, Any, Final

import pytest

import bot.operations
from bot.__main__ import VERBS
from bot.domain.access import Grant, Permission
from bot.domain.deploy.deploy import Status
from bot.gateways.blocks.modal import REASON_ACTION, REASON_BLOCK, REJECT
from handlers.slack.verbs.table import answer
from tests.builders import ALICE, BOB, GUS, NORA, SAM
from tests.handlers.slack.bolt import click, submit
from tests.handlers.slack.test_slack_authority import a_call, rows
from tests.operations.acts import applied, asked, dispatching, ended, planned, ready, rolling

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from bot.domain.actor import SlackUser
    from bot.domain.deploy.deploy import Deploy
    from tests.fakes import World

PEOPLE: Final = {"alice": ALICE, "bob": BOB, "sam": SAM, "nora": NORA, "gus": GUS}
P, W, R, D, L, S = (
    Status.PLANNING,
    Status.WAITING,
    Status.READY,
    Status.DISPATCHING,
    Status.ROLLING,
    Status.SUCCEEDED,
)
NOBODY: Final[dict[Status, str]] = {}
MAY: Final[dict[str, dict[Status, str]]] = {
    # one seat each, and never the requester's
    "approve": {W: "bob sam"},
    # whoever is in a group of a rule, the requester, too
    "reject": {W: "alice bob sam", R: "alice bob sam"},
    # only who approved: nobody has before READY
    "retract": {R: "bob sam"},
    "withdraw": {P: "alice bob sam", W: "alice bob sam", R: "alice bob sam"},
    "replan": {W: "alice bob sam", R: "alice bob sam"},
    # only who requested it
    "replace": {W: "alice", R: "alice"},
    # with the permission, but never the requester
    "resolve": {L: "bob sam"},
    # the release is requested again, so the state of this deploy does not matter; without `after` nothing is promoted
    "promote": NOBODY,
}
"""By the act: the people who may, in each state; in all others nobody may."""
WAYS: Final[dict[str, str]] = {
    "approve D-1": "approve",
    "reject D-1 no tests yet": "reject",
    "retract D-1": "retract",
    "withdraw D-1": "withdraw",
    "resolve D-1 failed because it is gone": "resolve",
    "promote D-1": "promote",
    "click deploy.approve": "approve",
    "menu withdraw": "withdraw",
    "menu retract": "retract",
    "menu replan": "replan",
    "menu replace": "replace",
    "form reject": "reject",
}
"""Each way in, and the act that it is."""


@pytest.fixture(autouse=True)
async def _granted(world: World) -> None:
    may = frozenset({Permission.REQUEST, Permission.WITHDRAW, Permission.RESOLVE})
    await applied(world, grants=(Grant("developers", may), Grant("sre", frozenset(Permission))))


async def a_success(world: World) -> Deploy:
    """A deploy to production that succeeded."""
    return await ended(world, await ready(world))


async def a_request(world: World) -> Deploy:
    """A deploy to production that has no plan yet."""
    return await asked(world, environment="production")


async def a_plan(world: World) -> Deploy:
    """A deploy to production that needs approval."""
    return await planned(world, "production")


STATES: Final[dict[Status, Callable[[World], Awaitable[Deploy]]]] = {
    P: a_request,
    W: a_plan,
    R: ready,
    D: dispatching,
    L: rolling,
    S: a_success,
}


async def act(world: World, who: SlackUser, way: str, plan: int) -> None:
    """Do it as that person, by that way."""
    kind, _, what = way.partition(" ")
    value = f"D-1:{plan}"
    if kind == "click":
        await click(a_call(world, who), what, value=value)
    elif kind == "menu":
        await click(a_call(world, who), "deploy.menu", selected_option={"value": f"{what} {value}"})
    elif kind == "form":
        state = {"values": {REASON_BLOCK: {REASON_ACTION: {"value": "no tests yet"}}}}
        await submit(a_call(world, who), {"callback_id": REJECT, "private_metadata": value, "state": state})
    else:
        assert await answer(a_call(world, who, text=way)) is not None


def cases() -> list[Any]:
    """Every way in, in every state; for those who may each a case of their own, as the act changes the state."""
    found = []
    for way, doing in WAYS.items():
        for state in STATES:
            able = MAY[doing].get(state, "").split()
            others = [name for name in PEOPLE if name not in able]
            found.append(pytest.param(way, state, others, False, id=f"{way}-{state}-others"))
            found += [pytest.param(way, state, [name], True, id=f"{way}-{state}-{name}") for name in able]
    return found


@pytest.mark.parametrize(("way", "state", "names", "able"), cases())
async def test_who_may(world: World, way: str, state: Status, names: list[str], *, able: bool) -> None:
    deploy = await STATES[state](world)
    assert deploy.status is state
    before = await rows(world)

    for name in names:
        await act(world, PEOPLE[name], way, deploy.plan)

        assert (await rows(world) != before) == able, name


OPERATIONS: Final = {
    "approve.approve": "approve",
    "reject.check_reject": "reject",
    "reject.reject": "reject",
    "retract.retract": "retract",
    "withdraw.withdraw": "withdraw",
    "replan.replan": "replan",
    "replace_rollout.replace_rollout": "replace",
    "resolve.resolve": "resolve",
    "promote.promote": "promote",
}
"""The operations that act on a deploy for somebody, and the act of the table above that each is."""
ELSEWHERE: Final = {
    "catalog.apply": "a command on the host",
    "resolve.resolve_on_host": "a command on the host",
    "redeploy.again": "a request like any other (test_slack_authority)",
    "request.request": "test_slack_authority, test_request",
    "request.request_rollback": "test_slack_rollback, test_request_rollback",
    "request.refuse_ask": "records a refusal, and allows nothing",
    "decide.decide_on": "runs what the other operations decide",
    "promotable.offers_for": "lists what its reader may promote (test_offers)",
    "shown.record_shown": "records that somebody read a plan, which everybody may",
    "shown.depends_on_a_look": "says whether an approval would count without a look at the plan",
    "change.change": "runs what `lock` and `unlock` decide",
    "whoami.whoami": "tells its reader about themselves",
    "lock.lock": "test_slack_authority, test_lock",
    "unlock.unlock": "test_slack_authority, test_lock",
}
"""The other operations that somebody starts: what they are, or where their tests are."""


def test_every_operation_that_somebody_starts_is_in_a_table() -> None:
    found = set()
    for module in pkgutil.walk_packages(bot.operations.__path__, "bot.operations."):
        for name, function in inspect.getmembers(importlib.import_module(module.name), inspect.isfunction):
            public = function.__module__ == module.name and not name.startswith("_")
            given = inspect.signature(function).parameters.keys()
            if public and "ports" in given and given & {"actor", "operator"}:
                found.add(f"{module.name.rpartition('.')[2]}.{name}")

    assert found == OPERATIONS.keys() | ELSEWHERE.keys()
    assert set(OPERATIONS.values()) == MAY.keys() == set(WAYS.values())


CHANGING_ON_THE_HOST: Final = {"apply", "lock", "migrate", "resolve", "rollback", "run", "sandbox", "unlock"}
READING_ON_THE_HOST: Final = {"audit", "check", "doctor", "history", "manifest", "status"}


def test_every_verb_of_the_host_is_sorted() -> None:
    assert VERBS.keys() == CHANGING_ON_THE_HOST | READING_ON_THE_HOST
