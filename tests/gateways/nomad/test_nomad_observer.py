"""Many quiet rollouts: what was seen last is the answer as long as nothing has moved, and no longer."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from bot.errors import NomadUnavailable
from bot.gateways.nomad.rollouts.observer import FEW, LISTED_FOR, MOST, TRUSTED_FOR, Observer
from bot.gateways.nomad.stream import Quiet
from bot.ports.nomad import JobEvent
from tests.gateways.nomad.worlds import a_service

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from bot.domain.deploy.rollout import Observation, Rollout
    from tests.gateways.nomad.worlds import World

MANY = FEW + 1
READS = 6


class Counting:
    """The world's client, which counts the calls: ``job`` for those about one job, else the name of the list."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self.calls: Counter[str] = Counter()
        self.has_lists = True

    async def get(self, *path: str, **given: Any) -> Any:
        self.calls[path[0]] += 1
        return await self._client.get(*path, **given)

    async def pages(self, path: str, **given: Any) -> AsyncIterator[list[dict[str, Any]]]:
        self.calls[path] += 1
        if not self.has_lists:
            raise NomadUnavailable("not now")
        async for page in self._client.pages(path, **given):
            yield page


class Crowd:
    """Many rollouts of one job, observed at an instant of our own, while the event stream is read."""

    def __init__(self, world: World, rollout: Rollout, number: int) -> None:
        self.world, self.now = world, 1000.0
        self.client = Counting(world.nomad._client)
        self.quiet = Quiet(lambda: self.now)
        self.hear()
        self.observer = Observer(self.client, self.quiet, lambda: self.now)  # type: ignore[arg-type] # it counts
        self.rollouts = [replace(rollout, deploy_id=each) for each in range(1, number + 1)]

    def hear(self, *jobs: str) -> None:
        self.quiet.hear(frozenset({self.world.namespace}), [JobEvent(self.world.namespace, each) for each in jobs])

    async def look(self, rollout: Rollout, show: frozenset[str] = frozenset()) -> Observation:
        return await self.observer.observe(self.world.namespace, self.world.job_id, rollout, show)

    async def round(self, seconds: float = 300.0) -> Counter[str]:
        """The calls of a look at each of them, later."""
        self.now += seconds
        self.client.calls.clear()
        for each in self.rollouts:
            await self.look(each)
        return +self.client.calls

    async def settled(self) -> None:
        """Until the last looks are known to be newer than a list."""
        for _ in range(2):
            await self.round()


@pytest.fixture
async def crowd(world: World) -> Crowd:
    rollout = await world.rolling(a_service(world.job_id))
    await world.observed(rollout, lambda seen: seen.deployment and seen.deployment.status == "successful")
    return Crowd(world, rollout, MANY)


async def test_while_they_are_few_each_is_read_by_itself(crowd: Crowd):
    crowd.rollouts = crowd.rollouts[:FEW]
    for _ in range(3):
        assert await crowd.round() == {"job": FEW * READS}


async def test_many_that_are_quiet_cost_two_lists(crowd: Crowd):
    assert (await crowd.round())["job"] == MANY * READS
    # these looks come after a list, so that the next list says whether anything has moved since
    assert await crowd.round() == {"job": MANY * READS, "jobs": 1, "deployments": 1}
    before = await crowd.look(crowd.rollouts[0])
    for _ in range(3):
        assert await crowd.round() == {"jobs": 1, "deployments": 1}
    assert await crowd.look(crowd.rollouts[0]) == before


async def test_a_list_answers_for_a_minute(crowd: Crowd):
    await crowd.settled()
    assert await crowd.round() == {"jobs": 1, "deployments": 1}
    assert await crowd.round(LISTED_FOR - 1) == {}
    assert await crowd.round(1) == {"jobs": 1, "deployments": 1}


async def test_what_the_stream_tells_leads_to_a_whole_look(crowd: Crowd):
    await crowd.settled()
    crowd.hear("another-job")
    assert "job" not in await crowd.round()
    crowd.hear(crowd.world.job_id)
    assert (await crowd.round())["job"] == MANY * READS


async def test_after_a_break_of_the_stream_each_is_looked_at_again(crowd: Crowd):
    await crowd.settled()
    crowd.quiet.end()
    assert (await crowd.round())["job"] == MANY * READS
    crowd.hear()
    assert (await crowd.round())["job"] == MANY * READS


async def test_what_moves_in_the_lists_leads_to_a_whole_look(crowd: Crowd):
    await crowd.settled()
    await crowd.world.foreign(a_service(crowd.world.job_id, env={"A": "1"}))
    assert (await crowd.round())["job"] == MANY * READS
    assert (await crowd.look(crowd.rollouts[0])).current_version == 1


async def test_a_job_that_is_gone_from_the_lists_leads_to_a_whole_look(crowd: Crowd):
    await crowd.settled()
    await crowd.world.forget()
    assert (await crowd.round())["job"] > 0
    assert not (await crowd.look(crowd.rollouts[0])).exists


async def test_lists_that_cannot_be_read_lead_to_whole_looks(crowd: Crowd):
    await crowd.settled()
    crowd.client.has_lists = False
    # asked once, not for each rollout
    assert await crowd.round() == {"deployments": 1, "job": MANY * READS}
    crowd.client.has_lists = True
    assert (await crowd.round())["job"] == MANY * READS
    assert "job" not in await crowd.round()


async def test_whatever_stream_and_lists_say_each_is_looked_at_once_an_hour(crowd: Crowd):
    await crowd.settled()
    looks = [(await crowd.round(TRUSTED_FOR / 4))["job"] for _ in range(8)]
    assert looks == [0, 0, 0, MANY * READS] * 2


async def test_another_state_of_the_rollout_or_other_shown_values_lead_to_a_whole_look(crowd: Crowd):
    await crowd.settled()
    await crowd.round()
    crowd.client.calls.clear()
    await crowd.look(replace(crowd.rollouts[0], stuck=True))
    assert crowd.client.calls["job"] == READS
    await crowd.look(crowd.rollouts[1], frozenset({"LOG_LEVEL"}))
    assert crowd.client.calls["job"] == 2 * READS


async def test_more_looks_than_are_remembered_begin_anew(crowd: Crowd, monkeypatch: pytest.MonkeyPatch):
    assert MOST > FEW
    monkeypatch.setattr("bot.gateways.nomad.rollouts.observer.MOST", MANY)
    await crowd.settled()
    await crowd.look(replace(crowd.rollouts[0], deploy_id=MANY + 1))
    assert (await crowd.round())["job"] == MANY * READS
