"""``audit``: pages of the audit log, narrowed by day, service, environment and actor."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta, timezone
from itertools import count
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import pytest

from bot.domain.actor import CiIdentity, Operator, System
from bot.domain.audit.events import EventType
from bot.domain.decision import Refused
from bot.domain.digest.schedule import day_of
from bot.errors import CatalogMissing, SlackUnavailable
from bot.operations.queries.audit import AuditPage, actor_of, audit, cursor_at, cursor_from, cursor_text, is_actor
from bot.ports.audit import AuditQuery, Cursor
from tests.builders import ALICE, BOB, TEAM, an_event
from tests.clocks import NOON
from tests.fakes import FakeDirectory
from tests.operations.acts import applied, asked

if TYPE_CHECKING:
    from datetime import tzinfo

    from bot.domain.actor import Actor
    from bot.domain.digest.schedule import Span
    from tests.fakes import World

PIPELINE = CiIdentity("https://ci.example", "repo|main", ALICE.id)


def a_day(day: int, zone: tzinfo = UTC) -> Span:
    """That date of November 2026."""
    return day_of(date(2026, 11, day), zone)


NUMBERS = count()


async def record(world: World, at: datetime = NOON, actor: Actor = ALICE, **changes: Any) -> None:
    """A refusal, each for another reason: those that repeat are only counted."""
    data = {"act": "approve", "codes": [f"reason-{next(NUMBERS)}"]}
    async with world.store.begin() as tx:
        await tx.record(an_event(EventType.ACTION_REFUSED, at=at, actor=actor, data=data, **changes))


async def page(world: World, query: AuditQuery, limit: int = 50) -> AuditPage:
    found = await audit(world.ports(), query, limit)
    assert isinstance(found, AuditPage), found
    return found


async def refused(world: World, query: AuditQuery) -> tuple[str, str]:
    found = await audit(world.ports(), query, 50)
    assert isinstance(found, Refused), found
    (reason,) = found.reasons
    return reason.code, reason.text


async def actor(world: World, word: str) -> Actor:
    found = await actor_of(world.ports(), word)
    assert not isinstance(found, Refused), found
    return found


def ages(found: AuditPage) -> list[int]:
    """How many minutes before noon each event was."""
    minute = timedelta(minutes=1)
    return [(NOON - datetime.fromisoformat(json.loads(each.body)["at"])) // minute for each in found.events]


async def test_the_newest_comes_first_and_every_event_is_on_one_page(world: World) -> None:
    for minutes in (3, 2, 2, 2, 1):
        await record(world, NOON - timedelta(minutes=minutes))

    seen: list[int] = []
    indexes: list[int] = []
    before, pages = None, 0
    while before is not None or not pages:
        found = await page(world, AuditQuery(service="checkout", before=before), limit=2)
        assert len(found.events) == 2 or found.next is None
        seen += ages(found)
        indexes += [each.index for each in found.events]
        before, pages = found.next, pages + 1

    assert seen == [1, 2, 2, 2, 3]
    assert len(set(indexes)) == 5
    assert pages == 3
    # just full, and the last
    assert (await page(world, AuditQuery(service="checkout"), limit=5)).next is None


async def test_a_span_narrows_and_the_page_says_the_catalogs_zone(world: World) -> None:
    await applied(world, timezone="Asia/Tokyo")
    # midnight in Tokyo is 15:00 UTC
    for at in (21, 14, 16):
        await record(world, NOON.replace(day=20, hour=at))
    await record(world, NOON.replace(day=21, hour=14, minute=59))
    await record(world, NOON.replace(day=21, hour=15))

    found = await page(world, AuditQuery(span=a_day(21, ZoneInfo("Asia/Tokyo")), service="checkout"))

    instants = [datetime.fromisoformat(json.loads(each.body)["at"]) for each in found.events]
    assert [(instant.day, instant.hour) for instant in instants] == [(21, 14), (20, 21), (20, 16)]
    assert found.zone == "Asia/Tokyo"


async def test_a_day_can_be_asked_for_once_it_has_begun(world: World) -> None:
    code, words = await refused(world, AuditQuery(span=a_day(22)))
    world.clock.advance(hours=12)

    assert (code, words) == ("day-to-come", "That day hasn't begun yet. Name today or a day before.")
    assert (await page(world, AuditQuery(span=a_day(22)))).events == ()


async def test_a_cursor_of_a_later_day_begins_with_the_day_that_is_asked_for(world: World) -> None:
    await record(world, NOON - timedelta(days=1))
    await record(world, NOON)

    found = await page(world, AuditQuery(span=a_day(20), before=Cursor(NOON + timedelta(days=3), 1)))

    assert ages(found) == [24 * 60]


@pytest.mark.parametrize(
    ("by", "actors"),
    [
        (ALICE.id, 2),
        (BOB.id, 0),
        (ALICE.key, 2),
        ("operator:root", 1),
        ("system:expiry", 1),
        (PIPELINE.key, 1),
    ],
)
async def test_one_actor_alone(world: World, by: str, actors: int) -> None:
    for each in (ALICE, ALICE, Operator("root"), System("expiry"), PIPELINE):
        await record(world, actor=each)

    query = AuditQuery(service="checkout", actor=await actor(world, by))
    assert len((await page(world, query)).events) == actors


async def test_one_deploy_alone_and_what_else_narrows_it(world: World) -> None:
    first, second = await asked(world), await asked(world, version="v1.4.3")
    await record(world, NOON, deploy_id=first.id, actor=BOB)

    async def told(**conditions: Any) -> list[tuple[int, str]]:
        found = await page(world, AuditQuery(**conditions))
        bodies = [json.loads(each.body) for each in found.events]
        return [(body["deploy"], body["actor"]) for body in bodies]

    assert await told(deploy=second.id) == [(2, ALICE.key)]
    assert await told(deploy=first.id) == [(1, BOB.key), (1, ALICE.key)]
    assert await told(deploy=first.id, actor=BOB) == [(1, BOB.key)]
    assert await told(deploy=first.id, span=a_day(20)) == []
    assert await told(deploy=first.id, environment="production") == []


async def test_the_pages_of_one_deploy(world: World) -> None:
    deploy = await asked(world)
    for minutes in range(1, 5):
        await record(world, NOON + timedelta(minutes=minutes), deploy_id=deploy.id)
        await record(world, NOON + timedelta(minutes=minutes), deploy_id=deploy.id + 1)

    first = await page(world, AuditQuery(deploy=deploy.id), limit=3)
    second = await page(world, AuditQuery(deploy=deploy.id, before=first.next), limit=3)

    assert [ages(first), ages(second)] == [[-4, -3, -2], [-1, 0]]
    assert second.next is None


# --- steps of Nomatron itself ----------------------------------------------------------------------------------------


async def step_of(world: World, minutes: int, kind: EventType = EventType.DEPLOY_READY, **changes: Any) -> None:
    """A step that Nomatron took so many minutes before noon."""
    fields: dict[str, Any] = {"actor": System("rules"), "at": NOON - timedelta(minutes=minutes), **changes}
    async with world.store.begin() as tx:
        await tx.record(an_event(kind, **fields))


async def test_steps_are_counted_and_each_belongs_to_one_page(world: World) -> None:
    for minutes in (9, 6, 3):
        await record(world, NOON - timedelta(minutes=minutes))
    for minutes in (8, 7, 5, 4, 2, 1):
        await step_of(world, minutes)

    query = AuditQuery(service="checkout")
    first = await page(world, query, limit=2)
    second = await page(world, AuditQuery(service="checkout", before=first.next), limit=2)
    whole = await page(world, AuditQuery(service="checkout", steps=True))

    assert (ages(first), first.folded) == ([3, 6], 6)
    assert (ages(second), second.folded, second.next) == ([9], 0, None)
    assert (ages(whole), whole.folded) == ([1, 2, 3, 4, 5, 6, 7, 8, 9], 0)


async def test_a_page_reads_only_so_many_steps(world: World) -> None:
    for minutes in range(1, 26):
        await step_of(world, minutes)
    await record(world, NOON - timedelta(minutes=30))

    pages = [await page(world, AuditQuery(service="checkout"), limit=1)]
    while pages[-1].next:
        pages.append(await page(world, AuditQuery(service="checkout", before=pages[-1].next), limit=1))

    assert [(ages(each), each.folded) for each in pages] == [([], 10), ([], 10), ([30], 5)]


async def test_steps_of_an_actor_that_is_asked_for_are_shown(world: World) -> None:
    await step_of(world, 1)

    assert len((await page(world, AuditQuery(actor=System("rules")))).events) == 1


async def test_what_calls_for_a_person_is_no_step(world: World) -> None:
    await step_of(world, 4, EventType.DEPLOY_PLANNED, data={"voided": True})
    await step_of(world, 3, EventType.DEPLOY_PLANNED, data={"voided": False})
    await step_of(world, 2, EventType.DEPLOY_REPLANNING, actor=BOB)
    await step_of(world, 1, EventType.DEPLOY_SUCCEEDED)
    await step_of(world, 0, EventType.DEPLOY_SHOWN, actor=BOB)

    assert ages(await page(world, AuditQuery(service="checkout"))) == [1, 2, 4]


async def test_our_own_team_is_asked_for_where_it_is_not_known_yet(world: World) -> None:
    await record(world)
    world.directory = FakeDirectory(team="", introduces=TEAM)

    assert await actor(world, ALICE.id) == ALICE


async def test_without_slack_the_whole_key_is_needed(world: World) -> None:
    world.directory = FakeDirectory(team="", trouble=SlackUnavailable("no answer"))

    unknown = await actor_of(world.ports(), ALICE.id)

    assert isinstance(unknown, Refused)
    assert unknown.codes == ("team-unknown",)
    assert "`slack:TEAM:U0ALICE001`" in unknown.reasons[0].text
    assert await actor(world, ALICE.key) == ALICE


@pytest.mark.parametrize("by", ["Alice", "@alice", "u0alice001", "slack:U0ALICE001", "alien:x", "", "U"])
async def test_names_are_nobody(world: World, by: str) -> None:
    unknown = await actor_of(world.ports(), by)

    assert not is_actor(by)
    assert isinstance(unknown, Refused)
    assert unknown.reasons[0].text.startswith(f"`{by}` isn't an actor. Write a Slack user id such as `U0ALICE001`")


@pytest.mark.parametrize("by", [ALICE.id, ALICE.key, PIPELINE.key, "W0ENTERPR1", "operator:root", "system:expiry"])
def test_ids_and_keys_are_somebody(by: str) -> None:
    assert is_actor(by)


@pytest.mark.parametrize(
    ("query", "code", "words"),
    [
        (AuditQuery(deploy=99), "unknown-deploy", "There is no deploy D-99."),
        (AuditQuery(service="checkout", deploy=2**63 - 1), "unknown-deploy", f"There is no deploy D-{2**63 - 1}."),
        (AuditQuery(service="chekout"), "unknown-service", "There is no service `chekout`. Did you mean `checkout`?"),
        (AuditQuery(environment="stagin"), "unknown-environment", "There is no environment `stagin`. Did you mean"),
    ],
)  # fmt: skip
async def test_what_is_not_known_is_refused_with_what_to_write(
    world: World, query: AuditQuery, code: str, words: str
) -> None:
    assert (await refused(world, query))[0] == code
    assert (await refused(world, query))[1].startswith(words)


async def test_what_the_catalog_no_longer_has_is_found_by_its_events(world: World) -> None:
    await record(world, service="gone", environment="lab")

    assert len((await page(world, AuditQuery(service="gone"))).events) == 1
    assert len((await page(world, AuditQuery(environment="lab"))).events) == 1
    # nothing on that day, but it is known
    assert (await page(world, AuditQuery(span=a_day(20), service="gone", environment="lab"))).events == ()


async def test_what_the_catalog_has_may_have_no_events(world: World) -> None:
    assert await page(world, AuditQuery(service="checkout", environment="production")) == AuditPage((), None, "UTC")


async def test_a_catalog_is_needed(bare: World) -> None:
    with pytest.raises(CatalogMissing):
        await audit(bare.ports(), AuditQuery(), 50)


# --- cursors ---------------------------------------------------------------------------------------------------------


async def test_a_cursor_is_a_word_and_a_cursor_again(world: World) -> None:
    await record(world, NOON.replace(microsecond=120))
    (event,) = (await page(world, AuditQuery(service="checkout"))).events
    cursor = cursor_at(event)

    assert cursor_text(cursor) == f"2026-11-21T12:00:00.000120Z/{event.index}"
    assert cursor_from(cursor_text(cursor)) == cursor


def test_a_cursor_is_the_same_in_every_zone() -> None:
    tokyo = timezone(timedelta(hours=9))

    assert cursor_text(Cursor(NOON.astimezone(tokyo), 7)) == cursor_text(Cursor(NOON, 7))


@pytest.mark.parametrize(
    "text",
    [
        "", "x", "7", "2026-11-21T12:00:00.000000Z", "2026-11-21T12:00:00.000000Z/", "2026-11-21T12:00:00.000000Z/x",
        "2026-11-21T12:00:00.000000Z/-1", "2026-11-21T12:00:00.000000Z/0", "2026-11-21T12:00:00.000000Z/ 7",
        "2026-11-21T12:00:00.000000/7", "2026-11-21/7", "0001-01-01T00:00:00.000000+14:00/7",
        f"2026-11-21T12:00:00.000000Z/{2**63}",
    ],
)  # fmt: skip
def test_any_other_text_is_no_cursor(text: str) -> None:
    assert cursor_from(text) is None
