"""What the sandbox makes on somebody's Nomad, and takes away again: namespaces, and the jobs of its catalog."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from sandbox.agent.api import AgentError
from sandbox.catalog import JobRef

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable

    from sandbox.agent.api import Api

NOTE = "Made by a Nomatron sandbox, which takes it away when it ends."
# a namespace can only go once the servers have noticed that its jobs are gone
ATTEMPTS, PAUSE_S = 6, 0.5


class Footprint:
    """What one sandbox has made on one agent.

    Args:
        api: an open connection.
        tell: gets a line about each thing that is made, taken away or left.
    """

    def __init__(self, api: Api, tell: Callable[[str], None]) -> None:
        self._api = api
        self._tell = tell
        self._made: list[str] = []
        self._before: set[JobRef] | None = None
        self.namespaces: list[str] = []

    async def arrive(self, wanted: Collection[JobRef]) -> None:
        """Makes the namespaces that are not there.

        Raises AgentError where that is refused, and where a job is there already: the sandbox deploys stand-ins, which
        must replace nothing that runs.
        """
        self.namespaces = sorted({placed.namespace for placed in wanted})
        there = {str(each["Name"]) for each in await self._api.get("namespaces") or []}
        for name in self.namespaces:
            if name not in there:
                await self._make(name)
        before = await self._present()
        if taken := sorted(before & set(wanted)):
            raise AgentError(self._taken(taken))
        self._before = before

    async def leave(self, wanted: Collection[JobRef]) -> None:
        """Purges those of the `wanted` that have come since `arrive`, and deletes the namespaces that it made.

        Never raises: what cannot be taken away is told, with the reason.
        """
        try:
            if self._before is not None:
                came = await self._present() - self._before
                await self._purge(sorted(came & set(wanted)))
        except AgentError as problem:
            self._tell(f"the sandbox's jobs may be left on {self._api.address}: {problem}")
        for name in self._made:
            await self._delete(name)

    async def _make(self, name: str) -> None:
        body = {"Name": name, "Description": NOTE}
        try:
            await self._api.call("POST", ("namespace", name), body, {})
        except AgentError as problem:
            mend = f"make it with `nomad namespace apply {name}`"
            raise AgentError(f"namespace {name} is not there and cannot be made: {problem}; {mend}") from problem
        self._made.append(name)
        self._tell(f"made namespace {name}")

    async def _present(self) -> set[JobRef]:
        """The ids of all jobs in our namespaces."""
        found: set[JobRef] = set()
        for name in self.namespaces:
            stubs = await self._api.get("jobs", namespace=name) or []
            found |= {JobRef(name, str(stub["ID"])) for stub in stubs}
        return found

    async def _purge(self, jobs: Iterable[JobRef]) -> None:
        for placed in jobs:
            query = {"namespace": placed.namespace, "purge": "true"}
            await self._api.call("DELETE", ("job", placed.job), None, query)
            self._tell(f"purged {placed.job} in namespace {placed.namespace}")

    async def _delete(self, name: str) -> None:
        problem: AgentError | None = None
        for _ in range(ATTEMPTS):
            try:
                await self._api.call("DELETE", ("namespace", name), None, {})
            except AgentError as refused:
                problem = refused
                await asyncio.sleep(PAUSE_S)
            else:
                self._tell(f"deleted namespace {name}")
                return
        self._tell(f"namespace {name} is left: {problem}")

    def _taken(self, taken: list[JobRef]) -> str:
        listed = ", ".join(f"{placed.job} in {placed.namespace}" for placed in taken)
        purge = "\n".join(f"  nomad job stop -purge -namespace {each.namespace} {each.job}" for each in taken)
        return (
            f"there already on {self._api.address}: {listed}. The sandbox deploys stand-ins under these names and "
            f"replaces nothing that runs. If another sandbox has left them:\n{purge}"
        )
