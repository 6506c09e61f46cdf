"""The budget is asked before a parcel is claimed: many messages, by the real budgets, on a clock of the test."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any, cast

from sqlalchemy import event

from bot.domain.deploy.message import Delivery, Way
from bot.errors import SlackUnavailable
from bot.gateways.slack.budget import Budget
from bot.gateways.slack.chat import SlackChat
from bot.gateways.slack.methods import POST, SHARE_FILE, UPDATE, UPLOAD_URL
from bot.operations.outbox import deliver
from bot.operations.require import require
from tests.builders import a_draft, a_release, an_outgoing
from tests.operations.acts import asked, delivered, planned

if TYPE_CHECKING:
    from bot.gateways.slack.connection import Connection
    from bot.gateways.slack.methods import Method
    from bot.ports import Ports
    from bot.ports.claims import Parcel
    from tests.fakes import World

AT_ONCE = 8
"""How many messages the worker has on their way at once."""


class Slack:
    """Takes every call that our own budget lets through; ``times`` says when, in seconds."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.budget = Budget(lambda: self.now)
        self.times: dict[tuple[str, str], list[float]] = {}
        self.over_budget = 0

    async def call(self, method: Method, **arguments: Any) -> dict[str, Any]:
        channel = str(arguments.get("channel", ""))
        wait = self.budget.spend(method, channel)
        if wait:
            self.over_budget += 1
            raise SlackUnavailable("our own rate limit is used up", retry_after=wait)
        said = self.times.setdefault((method.name, channel), [])
        said.append(self.now)
        return {"ts": f"{self.now}.{len(said)}", "file_id": "F1", "upload_url": "https://files.slack.com/upload/1"}

    async def put(self, url: str, content: bytes) -> None:
        pass

    def calls(self, method: Method) -> list[float]:
        return sorted(each for (name, _), times in self.times.items() if name == method.name for each in times)


def most_in(times: list[float], seconds: float) -> int:
    return max((sum(begin <= each < begin + seconds for each in times) for begin in times), default=0)


async def sent(world: World, slack: Slack) -> tuple[int, int]:
    """Deliver everything as the worker does, eight at once and a poll each second; claims, and seconds that passed."""
    ports = replace(world.ports(), chat=SlackChat(cast("Connection", slack)))
    claims = seconds = 0
    while await waiting(world):
        while parcels := await claimed(ports):
            claims += len(parcels)
            for parcel in parcels:
                await deliver.WORK.carry_out(ports, parcel)
        slack.now += 1
        seconds += 1
        world.clock.advance(seconds=1)
        assert seconds < 600
    return claims, seconds


async def claimed(ports: Ports) -> list[Parcel]:
    """As many as the worker claims before it waits for one of them."""
    found: list[Parcel] = []
    while len(found) < AT_ONCE and (parcel := await deliver.WORK.claim(ports)) is not None:
        found.append(parcel)
    return found


async def waiting(world: World) -> bool:
    async with world.store.engines.reading.connect() as connection:
        return bool((await connection.exec_driver_sql("SELECT count(*) FROM outbox")).scalar())


async def cards(world: World, number: int) -> None:
    async with world.store.begin() as tx:
        await tx.add_release(a_release())
        for _ in range(number):
            deploy = await tx.add_deploy(a_draft())
            await tx.send(an_outgoing(Delivery.CARD, deploy.id), world.clock.now())


async def test_many_first_messages_go_at_one_a_second_and_each_is_claimed_once(world: World):
    await cards(world, 40)
    slack = Slack()
    statements: Counter[str] = Counter()

    def count(connection, cursor, statement, parameters, context, executemany):
        statements["look" if statement.startswith("SELECT (EXISTS") else "other"] += 1

    engine = world.store.engines.writing.sync_engine
    event.listen(engine, "before_cursor_execute", count)

    claims, seconds = await sent(world, slack)

    assert (claims, slack.over_budget) == (40, 0)
    assert len(slack.calls(POST)) == 40
    # five at once, then one a second
    assert 34 <= seconds <= 37
    assert most_in(slack.calls(POST), 1) <= 5 + 1
    # a parcel costs one look and these; what rests costs two looks a second, however much of it there is
    assert statements["other"] - (seconds + 1) == 15 * 40
    assert statements["look"] <= 40 + 2 * seconds + 2


async def test_many_updates_stay_within_their_tier(world: World):
    await cards(world, 30)
    await sent(world, Slack())
    async with world.store.begin() as tx:
        for number in range(1, 31):
            await tx.send(an_outgoing(Delivery.CARD, number), world.clock.now())
    slack = Slack()

    claims, _ = await sent(world, slack)

    assert (claims, slack.over_budget) == (30, 0)
    assert most_in(slack.calls(UPDATE), 60) <= UPDATE.per_minute


async def test_files_are_not_claimed_while_their_budget_is_used_up(world: World):
    deploy = await planned(world, "production")
    await sent(world, slack := Slack())
    async with world.store.begin() as tx:
        for _ in range(30):
            note = replace(
                require(an_outgoing(Delivery.THREAD, deploy.id).note, "a note"), text='says "plan":7', plan=1
            )
            await tx.send(replace(an_outgoing(Delivery.THREAD, deploy.id), note=note), world.clock.now())
    claims, _ = await sent(world, slack)

    assert (claims, slack.over_budget) == (30, 0)
    for method in (UPLOAD_URL, SHARE_FILE):
        assert len(slack.calls(method)) == 30
        assert most_in(slack.calls(method), 60) <= method.per_minute


async def test_a_reply_that_only_speaks_of_a_plan_waits_for_no_file(world: World):
    deploy = await planned(world, "production")
    await delivered(world)
    world.chat.rests = {(Way.FILE, "")}
    note = replace(require(an_outgoing(Delivery.THREAD, deploy.id).note, "a note"), text='says "plan":7')
    async with world.store.begin() as tx:
        await tx.send(replace(an_outgoing(Delivery.THREAD, deploy.id), note=note), world.clock.now())
        await tx.send(replace(an_outgoing(Delivery.THREAD, deploy.id), note=replace(note, plan=1)), world.clock.now())
    world.chat.said.clear()
    await delivered(world)
    assert ([kind for kind, _, _ in world.chat.said], world.chat.uploads) == (["reply"], [])
    world.chat.rests = set()
    await delivered(world)
    assert len(world.chat.uploads) == 1


async def test_what_was_promised_is_free_again_after_each_end(world: World):
    await asked(world)
    world.clock.advance(timedelta(minutes=1))
    for refusal in (SlackUnavailable("timed out"), KeyError("a bug"), None):
        world.chat.refusals = [refusal]
        parcel = await deliver.WORK.claim(world.ports())
        assert parcel is not None
        assert sum(world.chat.promised.values()) == 1
        await deliver.WORK.carry_out(world.ports(), parcel)
        assert sum(world.chat.promised.values()) == 0
        world.clock.advance(timedelta(hours=1))
