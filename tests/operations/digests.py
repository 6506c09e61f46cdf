"""What tests of the daily digest do again and again."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from bot.domain.catalog.digest import Digest
from bot.operations.digest import schedule as digest
from bot.operations.outbox import deliver
from tests.operations.acts import applied, delivered

if TYPE_CHECKING:
    from bot.domain.catalog.catalog import Catalog
    from bot.domain.digest.schedule import Edition
    from tests.fakes import World

AUDIT, TEAM_CHANNEL, OPS, PROD = "C0AUDIT001", "C0TEAM0001", "C0OPS00001", "C0PROD0001"
FIRST = date(2026, 11, 22)
"""The first date that falls due under a digest that is configured at noon of the day before."""


def a_digest(**changes: Any) -> Digest:
    """At 09:00 in #audit, of everything."""
    return Digest(**{"channel": AUDIT, "at": "09:00", **changes})


async def configured(world: World, *digests: Digest, **changes: Any) -> Catalog:
    """A catalog with those digests in force; ``a_digest()`` where none is given."""
    return await applied(world, digests=digests or (a_digest(),), **changes)


def clock_at(world: World, day: date, time: str = "09:00:20") -> datetime:
    """Move the clock, forwards or backwards, to that UTC time."""
    world.clock.instant = datetime.fromisoformat(f"{day}T{time}").replace(tzinfo=UTC)
    return world.clock.instant


def day(number: int) -> date:
    """The date so many days after ``FIRST``."""
    return FIRST + timedelta(days=number)


async def ticked(world: World, on: date, time: str = "09:00:20") -> bool:
    """One tick at that UTC time."""
    clock_at(world, on, time)
    return await digest.tick(world.ports())


async def sent(world: World) -> None:
    """Send all that is due within the minute."""
    for _ in range(12):
        while await deliver.step(world.ports()):
            pass
        world.clock.advance(seconds=5)


async def edition(world: World, of: date = FIRST, channel: str = AUDIT) -> Edition:
    """The row of a date."""
    async with world.store.read() as reading:
        found = await reading.edition(channel, of)
    assert found is not None
    return found


async def editions(world: World, channel: str = AUDIT) -> list[Edition]:
    """All rows of a channel, oldest first."""
    async with world.store.read() as reading:
        days = sorted(await reading.edition_days(channel, date.min))
        found = [await reading.edition(channel, each) for each in days]
    return [each for each in found if each is not None]


def shown(world: World, channel: str = AUDIT) -> list[date]:
    """The dates of the digests that stand in a channel, in that order."""
    return [each.card.day for each in world.chat.digests if each.channel == channel]


async def later(world: World, seconds: float = 61) -> None:
    """What was put off is tried again."""
    world.clock.advance(seconds=seconds)
    await delivered(world)


def troubled_after(world: World, call: str, trouble: Exception) -> None:
    """The database is in trouble right after each such call to Slack, once."""

    async def away() -> None:
        world.store.hooks.before("begin", trouble)

    world.chat.hooks.after(call, away, always=True)


async def pending(world: World) -> bool:
    """Whether anything is left in the outbox, due or not."""
    at = world.clock.now() + timedelta(days=1)
    return await world.store.claim_parcel(owner="look", lease=timedelta(seconds=60), now=at) is not None
