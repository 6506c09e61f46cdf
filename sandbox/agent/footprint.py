"""Creates namespaces on a real Nomad, and removes them and the catalog's jobs when the sandbox stops."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from sandbox.agent.api import AgentError
from sandbox.catalog import JobRef

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable

    from sandbox.agent.api import Api

NOTE = "Created by a Nomatron sandbox, which deletes it when it stops."
# Nomad deletes a namespace only after its servers have noticed that its jobs are gone
ATTEMPTS, PAUSE_S = 6, 0.5


class Footprint:
    """The namespaces and jobs that one sandbox has created on one agent.

    Args:
        api: an open connection.
        tell: gets a line about each thing that the sandbox creates, removes or has to leave.
    """

    def __init__(self, api: Api, tell: Callable[[str], None]) -> None:
        self._api = api
        self._tell = tell
        self._made: list[str] = []
        self._before: set[JobRef] | None = None
        self.namespaces: list[str] = []

    async def arrive(self, wanted: Collection[JobRef]) -> None:
        """Creates the namespaces that do not exist yet.

        Raises AgentError if Nomad refuses, or if one of the jobs exists already: the sandbox deploys harmless stand-ins
        under these names, and they must not replace a job that runs.
        """
        self.namespaces = sorted({placed.namespace for placed in wanted})
        there = {str(each["Name"]) for each in await self._api.get("namespaces") or []}
        for name in self.namespaces:
            if name not in there:
                await self._make(name)
        before = await self._present()
        if taken := sorted(before & set(wanted)):
            raise AgentError(self._conflict(taken))
        self._before = before

    async def leave(self, wanted: Collection[JobRef]) -> None:
        """Purges those `wanted` jobs that did not exist before `arrive`, and deletes the namespaces that it created.

        Never raises: for anything that cannot be removed, `tell` gets the reason.
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
            fix = f"Create it with `nomad namespace apply {name}`."
            raise AgentError(f"namespace {name} does not exist and cannot be created: {problem} {fix}") from problem
        self._made.append(name)
        self._tell(f"created namespace {name}")

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
        self._tell(f"could not delete namespace {name}: {problem}")

    def _conflict(self, taken: list[JobRef]) -> str:
        listed = ", ".join(f"{placed.job} in {placed.namespace}" for placed in taken)
        purge = "\n".join(f"  nomad job stop -purge -namespace {each.namespace} {each.job}" for each in taken)
        return (
            f"already on {self._api.address}: {listed}. The sandbox would replace these jobs with stand-ins, so it "
            f"does not start. If another sandbox left them there, purge them:\n{purge}"
        )
