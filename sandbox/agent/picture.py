"""Reads a real agent's jobs in the form that the simulated Nomad has for its own (`GET /sandbox/state`)."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from sandbox.agent.api import Api

Json: TypeAlias = dict[str, Any]

SHOWN_ALLOCATIONS = 40
_TERMINAL = frozenset({"complete", "failed", "lost"})


class Painter:
    """Reads the jobs in some namespaces of one agent. Raises AgentError if the agent does not answer."""

    def __init__(self, api: Api) -> None:
        self._api = api
        # a version's submission never changes, so fetch each only once
        self._first_lines: dict[tuple[str, str, int, int], str | None] = {}

    async def jobs(self, namespaces: Iterable[str]) -> list[Json]:
        """All jobs of these namespaces."""
        return [job for namespace in namespaces for job in await self._in_namespace(namespace)]

    async def _in_namespace(self, namespace: str) -> list[Json]:
        stubs = await self._api.get("jobs", namespace=namespace) or []
        found = await asyncio.gather(*(self._job(namespace, stub) for stub in stubs))
        return [job for job in found if job is not None]

    async def _job(self, namespace: str, stub: Json) -> Json | None:
        """One job; None if it was purged meanwhile."""
        path = ("job", str(stub["ID"]))
        kept = await self._api.get(*path, "versions", namespace=namespace)
        if not kept:
            return None
        versions: list[Json] = kept["Versions"]
        current = versions[0]
        return {
            "namespace": namespace,
            "id": stub["ID"],
            "type": stub["Type"],
            "status": stub["Status"],
            "stop": stub["Stop"],
            "version": current["Version"],
            "job_modify_index": current["JobModifyIndex"],
            "stable": current["Stable"],
            "image": first_image(current),
            "versions": [await self._version(namespace, one) for one in versions],
            "deployment": await self._api.get(*path, "deployment", namespace=namespace),
            "allocations": select_allocations(await self._api.get(*path, "allocations", namespace=namespace) or []),
        }

    async def _version(self, namespace: str, job: Json) -> Json:
        return {
            "version": job["Version"],
            "job_modify_index": job["JobModifyIndex"],
            "stable": job["Stable"],
            "stop": job["Stop"],
            "image": first_image(job),
            "env": first_task(job).get("Env") or {},
            "submission_first_line": await self._first_line(namespace, job),
            "token": job["NomadTokenID"] or None,
            "submit_time": job["SubmitTime"],
        }

    async def _first_line(self, namespace: str, job: Json) -> str | None:
        """The first line of the version's submission; None if it has no submission."""
        key = (namespace, str(job["ID"]), int(job["CreateIndex"]), int(job["Version"]))
        if key not in self._first_lines:
            query = {"namespace": namespace, "version": str(job["Version"])}
            submission = await self._api.get("job", str(job["ID"]), "submission", **query)
            self._first_lines[key] = submission["Source"].partition("\n")[0] if submission else None
        return self._first_lines[key]


def first_task(job: Json) -> Json:
    """The first task of the first group; empty if there is none."""
    groups = job["TaskGroups"] or [{}]
    tasks = groups[0].get("Tasks") or [{}]
    return dict(tasks[0])


def first_image(job: Json) -> str:
    """The image or the command of the job's first task."""
    config = first_task(job).get("Config") or {}
    return str(config.get("image") or config.get("command") or "")


def select_allocations(stubs: list[Json]) -> list[Json]:
    """The newest allocations and all that are still running, newest first."""
    ordered = sorted(stubs, key=lambda one: int(one["CreateIndex"]), reverse=True)
    older = [one for one in ordered[SHOWN_ALLOCATIONS:] if not _over(one)]
    return [_allocation(one) for one in [*ordered[:SHOWN_ALLOCATIONS], *older]]


def _over(stub: Mapping[str, Any]) -> bool:
    return stub["DesiredStatus"] in {"stop", "evict"} or stub["ClientStatus"] in _TERMINAL


def _allocation(stub: Json) -> Json:
    events = [event for state in (stub["TaskStates"] or {}).values() for event in state["Events"] or []]
    last = max(reversed(events), key=lambda event: int(event["Time"]), default=None)
    return {
        "id": stub["ID"],
        "name": stub["Name"],
        "version": stub["JobVersion"],
        "desired": stub["DesiredStatus"],
        "client_status": stub["ClientStatus"],
        "healthy": (stub["DeploymentStatus"] or {}).get("Healthy"),
        "event": last["DisplayMessage"] if last else None,
    }
