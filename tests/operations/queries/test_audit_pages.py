"""``audit``: pages of the audit log, narrowed by day, service, environment and actor."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

import pytest

from bot.domain.actor import CiIdentity, Operator, System
from bot.domain.audit.events import EventType
from bot.domain.decision import Refused
from bot.errors import CatalogMissing, SlackUnavailable
from bot.operations.queries.audit import AuditAsk, AuditPage, audit, cursor_of, is_actor, place_at, place_of
from bot.ports.audit import Place
from tests.builders import ALICE, BOB, TEAM, an_event
from tests.clocks import NOON
from tests.fakes import FakeDirectory
from tests.operations.acts import applied, asked

if TYPE_CHECKING:
    from bot.domain.actor import Actor
    from tests.fakes import World

PIPELINE = CiIdentity("https://ci.example", "repo|main", ALICE.id)


def an_ask(
    day: str | None = None,
    service: str | None = None,
    environment: str | None = None,
    by: str | None = None,
    deploy: int | None = None,
) -> AuditAsk:
    return AuditAsk(day, service, environment, by, deploy)


async def record(world: World, at: datetime = NOON, actor: Actor = ALICE, **changes: Any) -> None:
    async with world.store.begin() as tx:
        await tx.record(an_event(EventType.ACTION_REFUSED, at=at, actor=actor, data={"act": "approve"}, **changes))


async def page(world: World, ask: AuditAsk, before: Place | None = None, limit: int = 50) -> AuditPage:
    found = await audit(world.ports(), ask, before, limit)
    assert isinstance(found, AuditPage), found
    return found


async def refused(world: World, ask: AuditAsk) -> tuple[str, str]:
    found = await audit(world.ports(), ask, None, 50)
    assert isinstance(found, Refused), found
    (reason,) = found.reasons
    return reason.code, reason.text


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
        found = await page(world, an_ask(service="checkout"), before, limit=2)
        assert len(found.events) == 2 or found.next is None
        seen += ages(found)
        indexes += [each.index for each in found.events]
        before, pages = found.next, pages + 1

    assert seen == [1, 2, 2, 2, 3]
    assert len(set(indexes)) == 5
    assert pages == 3
    # just full, and the last
    assert (await page(world, an_ask(service="checkout"), limit=5)).next is None


async def test_a_day_is_a_date_of_the_catalogs_zone(world: World) -> None:
    await applied(world, timezone="Asia/Tokyo")
    # midnight in Tokyo is 15:00 UTC
    for at in (21, 14, 16):
        await record(world, NOON.replace(day=20, hour=at))
    await record(world, NOON.replace(day=21, hour=14, minute=59))
    await record(world, NOON.replace(day=21, hour=15))

    async def hours(day: str) -> list[tuple[int, int]]:
        found = await page(world, an_ask(day=day, service="checkout"))
        assert found.zone == "Asia/Tokyo"
        instants = (datetime.fromisoformat(json.loads(each.body)["at"]) for each in found.events)
        return [(instant.day, instant.hour) for instant in instants]

    assert await hours("today") == [(21, 14), (20, 21), (20, 16)]
    assert await hours("yesterday") == [(20, 14)]
    world.clock.advance(hours=3)
    assert await hours("2026-11-22") == [(21, 15)]
    assert await hours("today") == [(21, 15)]
    span = (await page(world, an_ask(day="2026-11-21"))).span
    assert span is not None
    assert (span.begins, span.ends) == (datetime(2026, 11, 20, 15, tzinfo=UTC), datetime(2026, 11, 21, 15, tzinfo=UTC))
    assert (await page(world, an_ask())).span is None


async def test_a_cursor_of_a_later_day_begins_with_the_day_that_is_asked_for(world: World) -> None:
    await record(world, NOON - timedelta(days=1))
    await record(world, NOON)

    found = await page(world, an_ask("yesterday"), Place(NOON + timedelta(days=3), 1))

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
    for actor in (ALICE, ALICE, Operator("root"), System("expiry"), PIPELINE):
        await record(world, actor=actor)

    assert len((await page(world, an_ask(service="checkout", by=by))).events) == actors


async def test_one_deploy_alone_and_what_else_narrows_it(world: World) -> None:
    first, second = await asked(world), await asked(world, version="v1.4.3")
    await record(world, NOON, deploy_id=first.id, actor=BOB)

    async def told(**conditions: Any) -> list[tuple[int, str]]:
        found = await page(world, an_ask(**conditions))
        bodies = [json.loads(each.body) for each in found.events]
        return [(body["deploy"], body["actor"]) for body in bodies]

    assert await told(deploy=second.id) == [(2, ALICE.key)]
    assert await told(deploy=first.id) == [(1, BOB.key), (1, ALICE.key)]
    assert await told(deploy=first.id, by=BOB.id) == [(1, BOB.key)]
    assert await told(deploy=first.id, day="yesterday") == []
    assert await told(deploy=first.id, environment="production") == []


async def test_the_pages_of_one_deploy(world: World) -> None:
    deploy = await asked(world)
    for minutes in range(1, 5):
        await record(world, NOON + timedelta(minutes=minutes), deploy_id=deploy.id)
        await record(world, NOON + timedelta(minutes=minutes), deploy_id=deploy.id + 1)

    first = await page(world, an_ask(deploy=deploy.id), limit=3)
    second = await page(world, an_ask(deploy=deploy.id), first.next, limit=3)

    assert [ages(first), ages(second)] == [[-4, -3, -2], [-1, 0]]
    assert second.next is None


async def test_our_own_team_is_asked_for_where_it_is_not_known_yet(world: World) -> None:
    await record(world)
    world.directory = FakeDirectory(team="", introduces=TEAM)

    assert len((await page(world, an_ask(by=ALICE.id))).events) == 1


async def test_without_slack_the_whole_key_is_needed(world: World) -> None:
    await record(world)
    world.directory = FakeDirectory(team="", trouble=SlackUnavailable("no answer"))

    code, words = await refused(world, an_ask(by=ALICE.id))

    assert (code, "`slack:TEAM:U0ALICE001`" in words) == ("team-unknown", True)
    assert len((await page(world, an_ask(by=ALICE.key))).events) == 1


@pytest.mark.parametrize("by", ["Alice", "@alice", "u0alice001", "slack:U0ALICE001", "alien:x", "", "U"])
def test_names_are_nobody(by: str) -> None:
    assert not is_actor(by)


@pytest.mark.parametrize("by", [ALICE.id, ALICE.key, PIPELINE.key, "W0ENTERPR1", "operator:root", "system:expiry"])
def test_ids_and_keys_are_somebody(by: str) -> None:
    assert is_actor(by)


@pytest.mark.parametrize(
    ("ask", "code", "words"),
    [
        (an_ask(by="Alice"), "actor-form", "`Alice` names nobody: write a Slack user id such as `U0ALICE001`"),
        (an_ask(by="alien:x"), "actor-form", "`alien:x` names nobody"),
        (an_ask(day="2026-11-22"), "day-to-come", "`2026-11-22` is still to come: name a day that has begun."),
        (an_ask(deploy=99), "unknown-deploy", "There is no deploy D-99."),
        (an_ask(service="checkout", deploy=2**63 - 1), "unknown-deploy", "There is no deploy D-9223372036854775807."),
        (an_ask(day="tomorrow"), "day-form", "`tomorrow` is no day: write `today`, `yesterday` or a date"),
        (an_ask(service="chekout"), "unknown-service", "There is no service `chekout`. Did you mean `checkout`?"),
        (an_ask(environment="stagin"), "unknown-environment", "There is no environment `stagin`. Did you mean"),
    ],
)  # fmt: skip
async def test_what_is_not_known_is_refused_with_what_to_write(
    world: World, ask: AuditAsk, code: str, words: str
) -> None:
    assert (await refused(world, ask))[0] == code
    assert (await refused(world, ask))[1].startswith(words)


async def test_what_the_catalog_no_longer_has_is_found_by_its_events(world: World) -> None:
    await record(world, service="gone", environment="lab")

    assert len((await page(world, an_ask(service="gone"))).events) == 1
    assert len((await page(world, an_ask(environment="lab"))).events) == 1
    # nothing on that day, but it is known
    assert (await page(world, an_ask("yesterday", "gone", "lab"))).events == ()


async def test_what_the_catalog_has_may_have_no_events(world: World) -> None:
    assert await page(world, an_ask(service="checkout", environment="production")) == AuditPage((), None, None, "UTC")


async def test_a_catalog_is_needed(bare: World) -> None:
    with pytest.raises(CatalogMissing):
        await audit(bare.ports(), an_ask(), None, 50)


# --- cursors ---------------------------------------------------------------------------------------------------------


async def test_a_cursor_is_a_word_and_a_place_again(world: World) -> None:
    await record(world, NOON.replace(microsecond=120))
    (event,) = (await page(world, an_ask(service="checkout"))).events
    place = place_of(event)

    assert cursor_of(place) == f"2026-11-21T12:00:00.000120Z/{event.index}"
    assert place_at(cursor_of(place)) == place


def test_a_place_is_the_same_in_every_zone() -> None:
    tokyo = timezone(timedelta(hours=9))

    assert cursor_of(Place(NOON.astimezone(tokyo), 7)) == cursor_of(Place(NOON, 7))


@pytest.mark.parametrize(
    "cursor",
    [
        "", "x", "7", "2026-11-21T12:00:00.000000Z", "2026-11-21T12:00:00.000000Z/", "2026-11-21T12:00:00.000000Z/x",
        "2026-11-21T12:00:00.000000Z/-1", "2026-11-21T12:00:00.000000Z/0", "2026-11-21T12:00:00.000000Z/ 7",
        "2026-11-21T12:00:00.000000/7", "2026-11-21/7", "0001-01-01T00:00:00.000000+14:00/7",
        f"2026-11-21T12:00:00.000000Z/{2**63}",
    ],
)  # fmt: skip
def test_any_other_text_is_no_place(cursor: str) -> None:
    assert place_at(cursor) is None
