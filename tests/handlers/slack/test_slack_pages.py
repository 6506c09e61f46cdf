"""Pages of ``history`` and ``audit`` in Slack: typed, turned by their buttons, and what else comes in their place."""

from __future__ import annotations

import asyncio
import json
import re
from dataclasses import replace
from datetime import UTC, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.actor import Operator
from bot.domain.audit.events import EventType
from bot.domain.deploy.plan import Change
from bot.domain.digest.schedule import Span
from bot.gateways.blocks.pages import NEWEST, OLDER, STEPS
from bot.operations.deploys.decide import Origin
from bot.operations.deploys.replan import replan
from bot.operations.worker import plan as plan_deploy
from bot.ports.audit import AuditQuery, Cursor
from handlers.slack.command.ast import History, PlanPage
from handlers.slack.command.lexer import visible
from handlers.slack.command.lookups import LONGEST_ACTOR, LONGEST_NAME
from handlers.slack.pages import query_from, value_of
from handlers.slack.verbs.table import answer
from tests.builders import ALICE, GUS, NORA, a_posted, a_service, an_event
from tests.clocks import NOON
from tests.handlers.slack.bolt import click
from tests.handlers.slack.test_slack_authority import a_call
from tests.operations.acts import applied, asked, planned, rolling

if TYPE_CHECKING:
    from bot.domain.actor import SlackUser
    from tests.fakes import World
    from tests.slackside import Door, Slackside

GENERAL = "C0GENERAL1"


async def typed(slack: Slackside, text: str, user: SlackUser = ALICE) -> dict[str, Any]:
    """What that person alone sees after typing a command."""
    sent = await slack.page.post("command", user=user.id, channel=GENERAL, command="/deploy", text=text)
    assert (sent["status"], sent["error"]) == (200, None)
    return (await slack.ephemerals(user.id))[-1]


async def turned(slack: Slackside, shown: dict[str, Any], action: str, user: SlackUser = ALICE) -> list[dict[str, Any]]:
    """All that the person alone sees, once a click has changed it."""
    before = await slack.ephemerals(user.id)
    clicked = await slack.page.post("action", user=user.id, ephemeral=shown["id"], action_id=action)
    assert clicked["status"] == 200, clicked
    for _ in range(200):
        after = await slack.ephemerals(user.id)
        if after != before:
            return after
        await asyncio.sleep(0.01)
    raise AssertionError("nothing changed")


def buttons(shown: dict[str, Any]) -> list[str]:
    rows = [block["elements"] for block in shown["blocks"] if block["type"] == "actions"]
    return [each["action_id"] for row in rows for each in row]


def shown(message: dict[str, Any]) -> str:
    """All that its sections say; its text alone is cut."""
    return "\n".join(block["text"]["text"] for block in message["blocks"] if block["type"] == "section")


async def many(world: World, count: int) -> None:
    """So many deploys of checkout, none of them superseding another."""
    for number in range(1, count + 1):
        await asked(world, version=f"v{number}.0.0")


async def test_history_is_turned_in_its_place_and_back(world: World, slack: Slackside, knocking: Door) -> None:
    await many(world, 12)
    first = await typed(slack, "history checkout in staging")
    (second,) = await turned(slack, first, OLDER)
    (again,) = await turned(slack, second, NEWEST)

    assert first["text"].startswith(":scroll: Deploys of *checkout* in *staging*, newest first\n")
    assert (first["text"].count("(D-"), first["text"].count("D-3)")) == (10, 1)
    assert second["text"].count("(D-") == 2
    assert "D-2)" in second["text"]
    assert (buttons(first), buttons(second), buttons(again)) == ([OLDER], [NEWEST], [OLDER])
    assert again["text"] == first["text"]


async def test_audit_is_turned_within_what_was_asked_for(world: World, slack: Slackside, knocking: Door) -> None:
    async with world.store.begin() as tx:
        for number in range(1, 46):
            event = an_event(EventType.DEPLOY_WITHDRAWN, at=NOON, deploy_id=number, environment="production")
            await tx.record(event)
            await tx.record(replace(event, actor=NORA))
    first = await typed(slack, f"audit today in production by <@{ALICE.id}|alice> checkout")
    (second,) = await turned(slack, first, OLDER)
    (third,) = await turned(slack, second, OLDER)

    told = [line for page in (first, second, third) for line in shown(page).splitlines() if "withdrew" in line]
    assert [line.split()[-1] for line in told] == [f"D-{number}" for number in range(45, 0, -1)]
    assert all(f"> <@{ALICE.id}> withdrew" in line for line in told)
    assert "of Saturday 21 November 2026 in UTC, about *checkout*, in *production*, by <@U0ALICE001>" in third["text"]
    assert (buttons(first), buttons(second), buttons(third)) == ([OLDER], [OLDER, NEWEST], [NEWEST])


async def test_the_steps_of_nomatron_are_counted_and_shown_on_demand(
    world: World, slack: Slackside, knocking: Door
) -> None:
    await rolling(world)
    first = await typed(slack, "audit D-1")
    (second,) = await turned(slack, first, STEPS)
    typed_so = await typed(slack, "audit D-1 all")

    assert [line.partition("> ")[2] for line in shown(first).splitlines()[1:]] == [
        "<@U0SAM00001> approved D-1 (2 of 2 approvals)",
        "<@U0BOB00001> approved D-1 (1 of 2 approvals)",
        "<@U0ALICE001> requested checkout v1.4.2 to production (D-1)",
    ]
    assert "6 steps of Nomatron itself left out" in str(first["blocks"])
    assert buttons(first) == [STEPS]
    assert len(shown(second).splitlines()) == 1 + 3 + 6
    assert "Nomatron: dispatched D-1" in shown(second)
    assert buttons(second) == []
    assert shown(typed_so) == shown(second)


async def test_one_deploy_is_told_from_its_newest_event_on(world: World, slack: Slackside, knocking: Door) -> None:
    await many(world, 2)
    async with world.store.begin() as tx:
        for minute in range(1, 30):
            at = NOON + timedelta(minutes=minute)
            await tx.record(an_event(EventType.DEPLOY_APPROVED, at=at, deploy_id=2))
            await tx.record(an_event(EventType.DEPLOY_APPROVED, at=at, deploy_id=1))
    first = await typed(slack, "audit d2")
    (second,) = await turned(slack, first, OLDER)

    assert first["text"].startswith(":scroll: *Audit events* of D-2\n")
    told = [line for page in (first, second) for line in shown(page).splitlines() if line.startswith("<!date^")]
    assert [re.findall(r"D-\d+", line) for line in told] == [["D-2"]] * 30
    assert told[-1].endswith("requested checkout v2.0.0 to staging (D-2)")
    assert (buttons(first), buttons(second)) == ([OLDER], [NEWEST])


async def test_today_is_the_day_of_the_question_however_late_it_is_turned(
    world: World, slack: Slackside, knocking: Door
) -> None:
    await many(world, 25)
    first = await typed(slack, "audit today")
    world.clock.advance(NOON.replace(day=23) - NOON)
    (second,) = await turned(slack, first, OLDER)

    assert "of Saturday 21 November 2026" in second["text"]
    assert shown(second).count("requested") == 5


async def test_deploys_that_have_a_message_are_linked(world: World, slack: Slackside, knocking: Door) -> None:
    await slack.directory.introduce()
    deploy = await asked(world)
    async with world.store.begin() as tx:
        await tx.lock_deploy(deploy.id)
        await tx.save_posted(a_posted(deploy.id))

    link = "/archives/C0STAGING1/p1763726400000100|D-1>"
    assert link in (await typed(slack, "history checkout"))["text"]
    assert link in (await typed(slack, "audit checkout"))["text"]


async def test_what_is_not_there_is_said_in_words(world: World, slack: Slackside, knocking: Door) -> None:
    assert "No deploys of *checkout* yet" in (await typed(slack, "history checkout"))["text"]
    assert "No audit events of Wednesday 1 January 2020 in UTC." in (await typed(slack, "audit 2020-01-01"))["text"]
    assert "There is no service `gone`" in (await typed(slack, "history gone"))["text"]
    assert "There is no environment `lab`" in (await typed(slack, "audit in lab"))["text"]
    assert "That day hasn't begun yet." in (await typed(slack, "audit 2026-11-22"))["text"]
    assert "There is no deploy D-7." in (await typed(slack, "audit D-7"))["text"]
    assert "from the list that Slack offers after `@`" in (await typed(slack, "audit by @nobody"))["text"]


async def test_a_service_that_the_catalog_let_go_of_is_found_by_what_happened(
    world: World, slack: Slackside, knocking: Door
) -> None:
    await asked(world)
    await applied(world, services={"mailer": a_service("mailer")})

    assert "(D-1)" in (await typed(slack, "history checkout"))["text"]
    assert "D-1" in (await typed(slack, "audit checkout"))["text"]


async def test_only_what_one_person_sees_is_replaced(world: World, slack: Slackside, knocking: Door) -> None:
    await many(world, 11)
    older = value_of(History("checkout", before=11))
    replaced = []
    for is_ephemeral in (True, False, "yes", None):
        told = await click(a_call(world, NORA, container={"is_ephemeral": is_ephemeral}), OLDER, value=older)
        replaced += told.replaced

    assert replaced == [True, False, False, False]


def change(number: int) -> Change:
    return Change(path=("group web", f"env KEY_{number:03}"), kind="Edited", old="a" * 700, new="b" * 10)


async def test_every_change_of_a_plan_is_on_one_of_its_pages(world: World, slack: Slackside, knocking: Door) -> None:
    world.nomad.changes = tuple(change(number) for number in range(12))
    await planned(world, "production")
    shown = [await typed(slack, "plan D-1")]
    while OLDER in buttons(shown[-1]):
        shown += await turned(slack, shown[-1], OLDER)
    (first,) = await turned(slack, shown[-1], NEWEST)

    whole = json.dumps([page["blocks"] for page in shown])
    assert [name for name in (f"KEY_{number:03}" for number in range(12)) if name not in whole] == []
    assert whole.count("a" * 100) >= 12
    assert f"Page {len(shown)} of {len(shown)}." in shown[-1]["text"]
    assert buttons(shown[0]) == [OLDER]
    assert first["text"] == shown[0]["text"]


async def test_the_pages_of_a_plan_stay_with_it(world: World, slack: Slackside, knocking: Door) -> None:
    world.nomad.changes = tuple(change(number) for number in range(12))
    deploy = await planned(world, "production")
    first = await typed(slack, "plan D-1")
    world.nomad.changes = ()
    await replan(world.ports(), ALICE, deploy.id, origin=Origin())
    await plan_deploy.step(world.ports())
    (second,) = await turned(slack, first, OLDER)

    assert "plan 1 of" in second["text"]
    assert "This plan was replaced: the newest one is plan 2." in second["text"]
    assert buttons(await typed(slack, "plan D-1")) == []


async def test_a_plan_that_is_not_there(world: World) -> None:
    await asked(world)
    for query, said in ((PlanPage(9), "There is no deploy D-9."), (PlanPage(1), "has no plan yet")):
        told = await click(a_call(world, ALICE), OLDER, value=value_of(replace(query, plan=1)))
        assert said in told.messages[0].text


SPANS = [
    ("2026-11-21T12:00:00.000000Z", "2026-11-21T12:00:00.000000Z"),
    ("2026-11-21T12:00:00.000000Z", "2026-11-20T12:00:00.000000Z"),
    ("2026-11-21", "2026-11-22"),
    ("2026-11-21T12:00:00", "2026-11-22T12:00:00"),
    ("2026-02-30T12:00:00.000000Z", "2026-03-30T12:00:00.000000Z"),
    (7, 9),
]
FORGED: list[Any] = [
    None,
    7,
    [],
    "",
    "D-1:1",
    "[]",
    "{}",
    "null",
    "[" * 1999,
    "1" * 2000,
    json.dumps({"verb": "history"}),
    json.dumps({"verb": "approve", "service": "checkout"}),
    json.dumps({"verb": {"a": 1}, "service": "checkout"}),
    json.dumps({"verb": "history", "service": "checkout", "limit": 1000}),
    json.dumps({"verb": "history", "service": ""}),
    json.dumps({"verb": "history", "service": ["checkout"]}),
    json.dumps({"verb": "history", "service": "x" * (LONGEST_NAME + 1)}),
    *(
        json.dumps({"verb": "history", "service": "checkout", "before": number})
        for number in (0, -1, 2**63, 1.5, True, "1", None)
    ),
    *(
        json.dumps({"verb": "audit", "before": place})
        for place in (1, "", "x/1", "2026-11-21/1", "2026-11-21T12:00:00.000000Z/0", "0001-01-01T00:00:00+14:00/1")
    ),
    *(json.dumps({"verb": "audit", "deploy": number}) for number in (0, -1, 2**63, 1.5, True, "1", "D-1", None, [1])),
    json.dumps({"verb": "history", "service": "checkout", "deploy": 1}),
    *(json.dumps({"verb": "history", "service": service}) for service in ("\ud800", "a\x00", "check\u200bout")),
    json.dumps({"verb": "audit", "actor": "operator:\x00"}),
    json.dumps({"verb": "audit", "day": "2026-11-21"}),
    *(json.dumps({"verb": "audit", "steps": steps}) for steps in (False, 1, "yes", None)),
    *(json.dumps({"verb": "audit", "begins": begins, "ends": ends}) for begins, ends in SPANS),
    json.dumps({"verb": "audit", "begins": "2026-11-21T12:00:00.000000Z"}),
    json.dumps({"verb": "audit", "ends": "2026-11-21T12:00:00.000000Z"}),
    json.dumps({"verb": "audit", "actor": "<!channel>"}),
    json.dumps({"verb": "audit", "actor": "U0ALICE001"}),
    json.dumps({"verb": "audit", "actor": "operator:" + "x" * LONGEST_ACTOR}),
    json.dumps({"verb": "audit", "environment": None}),
    json.dumps({"verb": "audit", "service": "x" * 2000}),
    json.dumps({"verb": "plan"}),
    json.dumps({"verb": "plan", "plan": 1, "page": 1}),
    json.dumps({"verb": "plan", "deploy": 1, "page": 0}),
    json.dumps({"verb": "plan", "deploy": "D-1"}),
    json.dumps({"verb": "plan", "deploy": 1, "service": "checkout"}),
]


@pytest.mark.parametrize("value", FORGED, ids=range(len(FORGED)))
async def test_a_value_that_is_none_of_ours_is_answered_in_words(world: World, value: object) -> None:
    (message,) = (await click(a_call(world, ALICE), OLDER, value=value)).messages

    assert "This button is out of date. Type the command again." in message.text


async def test_a_page_that_is_gone_is_said_beside_the_old_one(world: World) -> None:
    told = await click(a_call(world, ALICE), OLDER, value=value_of(History("gone", before=7)))

    assert "There is no service `gone`" in told.messages[0].text
    assert told.replaced == [False]


@pytest.mark.parametrize("user", [NORA, GUS], ids=["nora", "gus"])
async def test_everybody_may_look(world: World, user: SlackUser) -> None:
    await asked(world)
    for text in ("history checkout", "audit"):
        said = await answer(a_call(world, user, text=text))
        assert said is not None
        assert "D-1" in said.text


names = st.text(min_size=1, max_size=LONGEST_NAME).filter(lambda text: visible(text) == text)
histories = st.builds(History, names, st.none() | names, st.none() | st.integers(1, 2**63 - 1))
instants = st.datetimes(timezones=st.just(UTC))
cursors = st.builds(Cursor, instants, st.integers(1, 2**63 - 1))
spans = st.tuples(instants, instants).filter(lambda both: both[0] < both[1]).map(lambda both: Span(*both))
audits = st.builds(
    AuditQuery,
    span=st.none() | spans,
    service=st.none() | names,
    environment=st.none() | names,
    actor=st.none() | st.sampled_from([ALICE, Operator("root")]),
    deploy=st.none() | st.integers(1, 2**63 - 1),
    before=st.none() | cursors,
    steps=st.booleans(),
)


numbers = st.integers(1, 2**63 - 1)
plans = st.builds(PlanPage, deploy=numbers, plan=numbers, page=numbers)


@given(histories | audits | plans)
def test_a_query_comes_back_as_it_was(query: History | AuditQuery | PlanPage) -> None:
    assert query_from(value_of(query)) == query


def test_the_longest_query_fits_into_a_button() -> None:
    quotes = '"' * LONGEST_NAME
    longest = AuditQuery(
        span=Span(NOON, NOON + timedelta(days=1)),
        service=quotes,
        environment=quotes,
        actor=Operator('"' * (LONGEST_ACTOR - 9)),
        deploy=2**63 - 1,
        before=Cursor(NOON, 2**63 - 1),
        steps=True,
    )

    assert len(value_of(longest)) <= 2000
    assert query_from(value_of(longest)) == longest
