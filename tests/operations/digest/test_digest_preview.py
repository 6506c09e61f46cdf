"""A look at a digest before it is posted, and at one that was."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from bot.domain.decision import Refused
from bot.domain.digest.report import DigestCard
from bot.domain.digest.schedule import Span
from bot.errors import CatalogMissing
from bot.operations.digest import schedule as digest
from tests.clocks import NOON
from tests.operations.acts import asked, succeeded
from tests.operations.digests import AUDIT, FIRST, TEAM_CHANNEL, a_digest, clock_at, configured, day, sent, ticked

if TYPE_CHECKING:
    from tests.fakes import World


def at_nine(on: date) -> datetime:
    return datetime(on.year, on.month, on.day, 9, tzinfo=UTC)


async def previewed(world: World, channel: str = AUDIT, of: date | None = None) -> DigestCard:
    found = await digest.preview(world.ports(), channel, of)
    assert isinstance(found, DigestCard), found
    return found


async def test_without_a_digest_it_is_refused_with_the_mend(world: World):
    found = await digest.preview(world.ports(), AUDIT, None)

    assert isinstance(found, Refused)
    assert found.codes == ("digest-missing",)
    assert "add one under `digests` in nomatron.yaml" in found.reasons[0].text


async def test_without_a_catalog_there_is_nothing_to_look_at(bare: World):
    with pytest.raises(CatalogMissing):
        await digest.preview(bare.ports(), AUDIT, None)


async def test_the_one_to_come_is_shown_as_far_as_it_has_got(world: World):
    await configured(world)
    await asked(world)
    world.clock.advance(hours=1)

    card = await previewed(world)

    assert card.preview
    assert card.day == FIRST
    assert card.report.scope.span == Span(at_nine(day(-1)), NOON + timedelta(hours=1))
    assert card.report.requested == 1
    assert not card.late
    assert world.chat.digests == []


async def test_after_todays_the_next_one_begins_where_that_ended(world: World):
    await configured(world)
    await ticked(world, FIRST)
    clock_at(world, FIRST, "11:00:00")

    card = await previewed(world)

    assert card.day == day(1)
    assert card.report.scope.span == Span(at_nine(FIRST), at_nine(FIRST) + timedelta(hours=2))


async def test_a_date_is_shown_as_it_fell_due_whatever_the_catalog_says_by_now(world: World):
    await configured(world, a_digest(environments=("staging",)))
    await succeeded(world)
    await ticked(world, FIRST)
    await sent(world)
    await configured(world, a_digest(at="18:00", timezone="Asia/Tokyo"))

    card = await previewed(world, of=FIRST)

    assert card.report == world.chat.digests[0].card.report
    assert card.preview


async def test_a_date_before_it_was_configured_is_shown_all_the_same(world: World):
    await configured(world)

    card = await previewed(world, of=day(-1))

    assert card.report.scope.span == Span(at_nine(day(-2)), at_nine(day(-1)))


async def test_a_date_after_one_that_was_sent_begins_where_that_ended(world: World):
    await configured(world, a_digest(at="18:00"))
    await ticked(world, FIRST, "18:00:20")
    await configured(world)
    clock_at(world, day(1), "10:00:00")

    card = await previewed(world, of=day(1))

    assert card.report.scope.span == Span(at_nine(FIRST) + timedelta(hours=9), at_nine(day(1)))


async def test_todays_is_shown_up_to_now(world: World):
    await configured(world)
    now = clock_at(world, FIRST, "08:00:00")

    assert (await previewed(world, of=FIRST)).report.scope.span == Span(at_nine(day(-1)), now)


async def test_a_time_that_has_not_begun_is_refused(world: World):
    await configured(world)
    clock_at(world, FIRST, "08:00:00")

    found = await digest.preview(world.ports(), AUDIT, day(1))

    assert isinstance(found, Refused)
    assert found.codes == ("day-to-come",)
    assert "2026-11-23" in found.reasons[0].text


@pytest.mark.parametrize(
    ("channel", "seen"), [(TEAM_CHANNEL, {"staging"}), (AUDIT, {"production"}), ("C0GENERAL1", {"production"})]
)
async def test_it_is_the_channels_own_or_else_the_catalogs_first(world: World, channel, seen):
    await configured(
        world, a_digest(environments=("production",)), a_digest(channel=TEAM_CHANNEL, environments=("staging",))
    )

    assert (await previewed(world, channel)).report.scope.environments == seen
