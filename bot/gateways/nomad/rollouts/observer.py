"""Observes the rollouts of one cluster; many quiet ones together, because most have nothing new to say.

What was seen last is what is there now if two things agree: the event stream has told nothing of the job since, and
in Nomad's lists of jobs and deployments nothing of it has moved. Anything else leads to a whole look.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from bot.domain.jobdiff.redaction import Redactor
from bot.errors import NomadError
from bot.gateways.nomad.rollouts.observe import observe
from bot.ports.nomad import JobEvent

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from bot.domain.deploy.rollout import Observation, Rollout
    from bot.gateways.nomad.client import Client
    from bot.gateways.nomad.stream import Quiet

    Mark = tuple[Any, ...]
    """What moves in the lists with a job: the indexes of job and summary, and those of its deployments."""

FEW: Final = 20
"""How many rollouts of a namespace are each read by themselves: two lists would cost more."""
MOST: Final = 5_000
"""How many looks are remembered; one more, and all are forgotten."""
LISTED_FOR: Final = 60.0
"""Seconds for which a list answers."""
TRUSTED_FOR: Final = 3600.0
"""Seconds after which a rollout is looked at, whatever stream and lists say."""


@dataclass(frozen=True, slots=True)
class _List:
    """The marks of a namespace's jobs, asked for at ``asked_at``; None if the lists could not be read."""

    asked_at: float
    marks: Mapping[str, Mark] | None

    def of(self, job_id: str) -> Mark | None:
        return None if self.marks is None else self.marks.get(job_id)


_NO_LIST: Final = _List(float("-inf"), None)


@dataclass(frozen=True, slots=True)
class _Look:
    """A whole look; ``mark`` is the job's in a list that was read before it."""

    rollout: Rollout
    show: frozenset[str]
    seen: Observation
    began_at: float
    ended_at: float
    mark: Mark | None


class Observer:
    """What Nomad says of rollouts."""

    def __init__(self, client: Client, quiet: Quiet, clock: Callable[[], float] = time.monotonic) -> None:
        self._client = client
        self._quiet = quiet
        self._clock = clock
        self._looks: dict[tuple[str, int, int], _Look] = {}
        self._counts: Counter[str] = Counter()
        self._lists: dict[str, _List] = {}
        self._listing: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def observe(self, namespace: str, job_id: str, rollout: Rollout, show: frozenset[str]) -> Observation:
        """The current state of that rollout. Raises as a read does."""
        key = (namespace, rollout.deploy_id, rollout.number)
        before = self._looks.get(key)
        listed = _NO_LIST
        if self._counts[namespace] > FEW:
            listed = await self._list(namespace)
            if before is not None and self._is_as_before(before, namespace, job_id, rollout, show, listed):
                return before.seen
        began_at = self._clock()
        seen = await observe(self._client, namespace, job_id, rollout, Redactor(show))
        self._keep(key, _Look(rollout, show, seen, began_at, self._clock(), listed.of(job_id)))
        return seen

    def _is_as_before(
        self, before: _Look, namespace: str, job_id: str, rollout: Rollout, show: frozenset[str], listed: _List
    ) -> bool:
        since = self._clock() - before.began_at
        return (
            (before.rollout, before.show) == (rollout, show)
            and since < TRUSTED_FOR
            and self._quiet.about(JobEvent(namespace, job_id)).total_seconds() > since
            and listed.asked_at > before.ended_at
            and before.mark is not None
            and before.mark == listed.of(job_id)
        )

    def _keep(self, key: tuple[str, int, int], look: _Look) -> None:
        if key not in self._looks:
            if len(self._looks) >= MOST:
                self._looks.clear()
                self._counts.clear()
            self._counts[key[0]] += 1
        self._looks[key] = look

    async def _list(self, namespace: str) -> _List:
        """A list that is not older than a minute; whoever asks meanwhile waits for the same one."""
        async with self._listing[namespace]:
            found = self._lists.get(namespace, _NO_LIST)
            if self._clock() - found.asked_at >= LISTED_FOR:
                asked_at = self._clock()
                try:
                    found = _List(asked_at, await self._marks(namespace))
                except (NomadError, KeyError, TypeError):
                    # the whole look that follows says what is wrong with this cluster
                    found = _List(asked_at, None)
                self._lists[namespace] = found
            return found

    async def _marks(self, namespace: str) -> dict[str, Mark]:
        deployments: defaultdict[str, list[tuple[str, int]]] = defaultdict(list)
        async for page in self._client.pages("deployments", namespace=namespace):
            for each in page:
                deployments[each["JobID"]].append((each["ID"], each["ModifyIndex"]))
        marks: dict[str, Mark] = {}
        # a parameterized or periodic job may have thousands of children, and none of them is a rollout's job
        async for page in self._client.pages("jobs", namespace=namespace, filter='ParentID == ""'):
            for each in page:
                summary = each["JobSummary"] or {}
                moved = (each["ModifyIndex"], summary.get("ModifyIndex"), tuple(sorted(deployments[each["ID"]])))
                marks[each["ID"]] = moved
        return marks
