"""Every commit of a whole deploy, a promotion and a digest fails in every way: the outcome is the same."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter
from itertools import product
from typing import TYPE_CHECKING

import pytest

from bot.domain.deploy.deploy import Status
from bot.operations.deploys.approve import approve
from bot.operations.deploys.promote import Promotion, promote
from bot.operations.deploys.request import request
from tests.builders import ALICE, BOB, SAM
from tests.faults.commits import Fault
from tests.faults.log import Replay, every_event
from tests.faults.play import a_stage
from tests.operations.acts import SOAK, after_staging, an_ask
from tests.operations.digests import AUDIT, FIRST, clock_at, configured, edition

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from bot.domain.actor import SlackUser
    from bot.domain.deploy.deploy import Deploy
    from tests.faults.play import Moment, Play, Stage

    Chapter = Callable[[Play], Awaitable[None]]

ONCE = ("deploy.requested", "deploy.landed", "deploy.succeeded")
FEWEST = 5
"""A story with fewer write transactions would not be the whole story."""


class Story(ABC):
    """What people and workers do, once the beginning is there; and what must be true in the end."""

    @abstractmethod
    async def begin(self, play: Play) -> None:
        """What is there before anything fails."""

    @abstractmethod
    def chapters(self) -> tuple[Chapter, ...]:
        """What people do, and what happens by itself, one after the other."""

    @abstractmethod
    async def check(self, play: Play) -> None:
        """Fails unless all came out right."""


class WholeDeploy(Story):
    """Alice requests a deploy to production, Bob and Sam approve it."""

    def chapters(self) -> tuple[Chapter, ...]:
        """Each is done before the next one."""
        return (self.asked, planned, approved_by(BOB), approved_by(SAM), done)

    async def begin(self, play: Play) -> None:
        """Nothing but the catalog."""

    async def asked(self, play: Play) -> None:
        """Alice asks."""
        ask = an_ask(environment="production")

        async def requested() -> bool:
            return any(deploy.environment == "production" for deploy in await play.deploys())

        await play.insist(lambda: request(play.world.ports(), ALICE, ask, origin=play.signed()), requested)

    async def check(self, play: Play) -> None:
        (deploy,) = await play.deploys()
        await check_deploy(play, deploy)
        assert len(play.world.nomad.registers) == 1


class WholePromotion(Story):
    """A release that succeeded in staging is promoted to production from the command line, and approved there."""

    def chapters(self) -> tuple[Chapter, ...]:
        """Each is done before the next one."""
        return (self.asked, planned, approved_by(BOB), approved_by(SAM), done)

    async def begin(self, play: Play) -> None:
        await after_staging(play.world)
        await request(play.world.ports(), ALICE, an_ask(), origin=play.signed())
        await play.go_on(Status.SUCCEEDED)
        play.world.clock.advance(SOAK)
        play.world.nomad.registers.clear()

    async def asked(self, play: Play) -> None:
        """Alice promotes."""
        what = Promotion(deploy_id=1, overrides={}, reason=None)

        async def promoted() -> bool:
            return len(await play.deploys()) == 2

        await play.insist(lambda: promote(play.world.ports(), ALICE, what, origin=play.unsigned()), promoted)

    async def check(self, play: Play) -> None:
        staging, production = await play.deploys()
        assert (production.promotes, production.release) == ("staging", staging.release)
        await check_deploy(play, production)
        assert len(play.world.nomad.registers) == 1


class WholeDigest(Story):
    """The digest of a day with a deploy is due."""

    def chapters(self) -> tuple[Chapter, ...]:
        """A tick that failed is followed by the next one."""
        return (done, done)

    async def begin(self, play: Play) -> None:
        await configured(play.world)
        await request(play.world.ports(), ALICE, an_ask(), origin=play.signed())
        await play.go_on(Status.SUCCEEDED)
        clock_at(play.world, FIRST)

    async def check(self, play: Play) -> None:
        chat, row = play.world.chat, await edition(play.world)
        # a mark without a second copy is right: nobody knows that the first one never was sent
        _, *again = [shown for shown in chat.digests if shown.card.day == FIRST]
        _, *more = [upload for upload in chat.uploads if upload.channel == AUDIT]
        assert row.ts
        assert all(shown.card.twice for shown in again)
        assert all("again" in upload.title for upload in more)


async def planned(play: Play) -> None:
    """All is done that can be done without approvals."""
    await play.go_on(Status.WAITING, Status.SUCCEEDED)


def approved_by(user: SlackUser) -> Chapter:
    """Somebody approves the newest deploy."""

    async def approved(play: Play) -> None:
        number = (await play.deploys())[-1].id

        async def done() -> bool:
            async with play.world.store.read() as reading:
                return user in [each.user for each in await reading.approvals(number) if not each.void]

        await play.insist(lambda: approve(play.world.ports(), user, number, plan=1, origin=play.signed()), done)

    return approved


async def done(play: Play) -> None:
    """All is done."""
    await play.go_on(Status.SUCCEEDED)


async def check_deploy(play: Play, deploy: Deploy) -> None:
    """It succeeded, and everything that happened is told once: in the log, in its message and in the thread."""
    bodies = await every_event(play.world)
    replay = Replay(bodies)
    assert deploy.status is Status.SUCCEEDED
    assert replay.status[deploy.id] is Status.SUCCEEDED
    assert replay.landed[deploy.id] == 1
    counted = Counter(body["type"] for body in bodies if body.get("deploy") == deploy.id)
    assert counted["deploy.approved"] == 2
    assert {each: counted[each] for each in ONCE} == dict.fromkeys(ONCE, 1)
    assert sorted(await approvers(play, deploy)) == sorted([BOB.id, SAM.id])
    check_messages(play, deploy)


async def approvers(play: Play, deploy: Deploy) -> list[str]:
    async with play.world.store.read() as reading:
        return [each.user.id for each in await reading.approvals(deploy.id) if not each.void]


def check_messages(play: Play, deploy: Deploy) -> None:
    chat = play.world.chat
    first, *again = [card for card in chat.cards.values() if card.deploy.id == deploy.id]
    assert all(card.twice for card in again)
    assert [first, *again][-1].deploy.status is Status.SUCCEEDED
    told = Counter((note, where["ts"]) for kind, note, where in chat.said if kind == "reply")
    assert not [note.text for (note, _), times in told.items() if times > 1]


def said(play: Play) -> set[str]:
    """All that was said in threads, without what marks a possible second copy."""
    return {note.text for kind, note, _ in play.world.chat.said if kind == "reply"}


STORIES = (WholeDeploy(), WholePromotion(), WholeDigest())


@pytest.mark.parametrize("story", STORIES, ids=lambda story: type(story).__name__)
async def test_whatever_commit_fails_in_whichever_way_the_outcome_is_the_same(
    story: Story, migrated_sqlite: Callable[[Path], str], tmp_path: Path
):
    failed = []
    async with a_stage(migrated_sqlite(tmp_path / "nomatron.db")) as stage:
        await story.begin(stage.play)
        moments = await each_begins(story, stage)
        told = said(stage.play)
        assert stage.commits.count > FEWEST
        for number, fault in product(range(1, stage.commits.count + 1), Fault):
            try:
                await goes_on(story, stage, moments, number, fault)
                assert said(stage.play) >= told
            except AssertionError as error:
                failed.append(f"commit {number}, {fault}: {error}")
    assert not failed, "\n".join(failed)


async def each_begins(story: Story, stage: Stage) -> list[Moment]:
    """The moments in which the chapters begin, if nothing fails."""
    moments = []
    stage.commits.count = 0
    for chapter in story.chapters():
        moments.append(await stage.moment())
        await chapter(stage.play)
    await story.check(stage.play)
    return moments


async def goes_on(story: Story, stage: Stage, moments: list[Moment], number: int, fault: Fault) -> None:
    """The story with the commit of that number failing, and all in order after it, from the chapter of that commit."""
    first = max(chapter for chapter, moment in enumerate(moments) if moment.commits < number)
    play = await stage.go_back(moments[first])
    stage.commits.fail(number - moments[first].commits, fault)
    for chapter in story.chapters()[first:]:
        await chapter(play)
    await story.check(play)
