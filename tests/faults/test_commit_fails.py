"""Every commit of a whole deploy, a promotion and a digest fails in every way: the outcome is the same."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections import Counter
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
    from collections.abc import Callable
    from pathlib import Path

    from bot.domain.actor import SlackUser
    from bot.domain.deploy.deploy import Deploy
    from tests.faults.play import Play

ONCE = ("deploy.requested", "deploy.landed", "deploy.succeeded")
EVERY_WAY = bool(os.environ.get("NOMATRON_EVERY_FAULT"))
SHORT = 10
"""A story with so few write transactions is told with each of them failing in each way."""
FEWEST = 5
"""A story with fewer write transactions would not be the whole story."""


class Story(ABC):
    """What people and workers do, once the beginning is there; and what must be true in the end."""

    @abstractmethod
    async def begin(self, play: Play) -> None:
        """What is there before anything fails."""

    @abstractmethod
    async def happen(self, play: Play) -> None:
        """What people do, and what happens by itself."""

    @abstractmethod
    async def check(self, play: Play) -> None:
        """Fails unless all came out right."""


class WholeDeploy(Story):
    """Alice requests a deploy to production, Bob and Sam approve it."""

    async def begin(self, play: Play) -> None:
        """Nothing but the catalog."""

    async def happen(self, play: Play) -> None:
        ask = an_ask(environment="production")

        async def requested() -> bool:
            return any(deploy.environment == "production" for deploy in await play.deploys())

        await play.insist(lambda: request(play.world.ports(), ALICE, ask, origin=play.signed()), requested)
        await play.go_on(Status.WAITING, Status.SUCCEEDED)
        await approved_by(play, (await play.deploys())[-1], BOB, SAM)

    async def check(self, play: Play) -> None:
        (deploy,) = await play.deploys()
        await check_deploy(play, deploy)
        assert len(play.world.nomad.registers) == 1


class WholePromotion(Story):
    """A release that succeeded in staging is promoted to production from the command line, and approved there."""

    async def begin(self, play: Play) -> None:
        await after_staging(play.world)
        await request(play.world.ports(), ALICE, an_ask(), origin=play.signed())
        await play.go_on(Status.SUCCEEDED)
        play.world.clock.advance(SOAK)

    async def happen(self, play: Play) -> None:
        what = Promotion(deploy_id=1, overrides={}, reason=None)

        async def promoted() -> bool:
            return len(await play.deploys()) == 2

        await play.insist(lambda: promote(play.world.ports(), ALICE, what, origin=play.unsigned()), promoted)
        await play.go_on(Status.WAITING, Status.SUCCEEDED)
        await approved_by(play, (await play.deploys())[-1], BOB, SAM)

    async def check(self, play: Play) -> None:
        staging, production = await play.deploys()
        assert (production.promotes, production.release) == ("staging", staging.release)
        await check_deploy(play, production)
        assert len(play.world.nomad.registers) == 1


class WholeDigest(Story):
    """The digest of a day with a deploy is due."""

    async def begin(self, play: Play) -> None:
        await configured(play.world)
        await request(play.world.ports(), ALICE, an_ask(), origin=play.signed())
        await play.go_on(Status.SUCCEEDED)
        clock_at(play.world, FIRST)

    async def happen(self, play: Play) -> None:
        # a tick that failed is followed by the next one
        for _ in range(2):
            await play.go_on(Status.SUCCEEDED)

    async def check(self, play: Play) -> None:
        chat, row = play.world.chat, await edition(play.world)
        # a mark without a second copy is right: nobody knows that the first one never was sent
        _, *again = [shown for shown in chat.digests if shown.card.day == FIRST]
        _, *more = [upload for upload in chat.uploads if upload.channel == AUDIT]
        assert row.ts
        assert all(shown.card.twice for shown in again)
        assert all("again" in upload.title for upload in more)


async def approved_by(play: Play, deploy: Deploy, *people: SlackUser) -> None:
    for user in people:

        async def done(user: SlackUser = user) -> bool:
            async with play.world.store.read() as reading:
                return user in [each.user for each in await reading.approvals(deploy.id) if not each.void]

        async def act(user: SlackUser = user) -> object:
            return await approve(play.world.ports(), user, deploy.id, plan=1, origin=play.signed())

        await play.insist(act, done)
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


@pytest.mark.parametrize("fault", Fault)
@pytest.mark.parametrize("story", STORIES, ids=lambda story: type(story).__name__)
async def test_whatever_commit_fails_the_outcome_is_the_same(
    story: Story, fault: Fault, migrated_sqlite: Callable[[Path], str], tmp_path: Path
):
    if isinstance(story, WholePromotion) and not EVERY_WAY:
        pytest.skip("a promotion is a deploy with one more question: its commits fail with NOMATRON_EVERY_FAULT=1")
    failed = []
    async with a_stage(migrated_sqlite(tmp_path / "nomatron.db")) as stage:
        await story.begin(stage.play)
        await stage.keep()
        whole = await _played(story, await stage.again(), 0, fault)
        commits = whole.commits.count
        assert commits > FEWEST
        # every commit fails in one of the ways; in each of them only where somebody waits for it
        first, stride = (1, 1) if EVERY_WAY or commits <= SHORT else (1 + list(Fault).index(fault), len(Fault))
        for number in range(first, commits + 1, stride):
            try:
                play = await _played(story, await stage.again(), number, fault)
                assert said(play) >= said(whole)
            except AssertionError as error:
                failed.append(f"commit {number} of {commits}: {error}")
    assert not failed, "\n".join(failed)


async def _played(story: Story, play: Play, number: int, fault: Fault) -> Play:
    """The story with the commit of that number failing, and all in order after it."""
    play.commits.fail(number, fault)
    await story.happen(play)
    await story.check(play)
    return play
