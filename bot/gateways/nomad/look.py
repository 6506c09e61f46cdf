"""Finds out from Nomad's own state whether a register landed (docs/engine.md, Dispatch)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bot.domain.deploy.dispatch import Look, Sighting
from bot.errors import NomadError

if TYPE_CHECKING:
    from bot.domain.deploy.plan import Job
    from bot.gateways.nomad.client import Client


async def job(client: Client, namespace: str, job_id: str) -> Job | None:
    """The current version of the job; None if there is no such job."""
    reply = await client.get("job", job_id, namespace=namespace)
    return reply.record() if reply.ok else None


async def versions(client: Client, namespace: str, job_id: str) -> list[Job]:
    """The versions of the job that Nomad still has, newest first; empty if there is no such job."""
    reply = await client.get("job", job_id, "versions", namespace=namespace)
    return list(reply.record().get("Versions") or ()) if reply.ok else []


async def submission(client: Client, namespace: str, job_id: str, version: int) -> dict[str, Any] | None:
    """The submission (source and variables) of a version; None if Nomad does not have it."""
    reply = await client.get("job", job_id, "submission", namespace=namespace, version=version)
    return reply.record() if reply.ok else None


async def look(
    client: Client, namespace: str, job_id: str, *, base_index: int, base_version: int | None, stamp: str
) -> Sighting:
    """Whether the register landed, as far as Nomad shows. Never raises: a failed GET means UNKNOWN."""
    try:
        return await _look(client, (namespace, job_id), base_index, base_version, stamp)
    except (NomadError, KeyError, TypeError, ValueError):
        # the last three mean that the answer is JSON but does not look like Nomad's
        return Sighting(look=Look.UNKNOWN)


async def _look(
    client: Client, place: tuple[str, str], base_index: int, base_version: int | None, stamp: str
) -> Sighting:
    live = await job(client, *place)
    if live is None:
        return Sighting(look=Look.ANOTHERS if base_index else await _without_job(client, *place))
    if live["JobModifyIndex"] == base_index:
        return Sighting(look=Look.UNMOVED)
    if 0 < base_index < live["CreateIndex"]:
        # somebody purged and recreated the job, which our register cannot do
        return Sighting(look=Look.ANOTHERS)
    ours = 0 if base_version is None else base_version + 1
    found = await submission(client, *place, ours)
    if found is not None and _is_stamped(found, stamp):
        # the submission carries the version's index, and Nomad may keep it for longer than the version
        return Sighting(look=Look.LANDED, version=ours, job_modify_index=int(found["JobModifyIndex"]))
    kept = [int(each["Version"]) for each in await versions(client, *place)]
    if not kept:
        # purged since it was read: the next look sees a job that is gone
        return Sighting(look=Look.UNKNOWN)
    sighting = await _without_ours(client, place, kept, ours, stamp)
    # indexes and versions only grow: Nomad was restored, or the job made anew elsewhere, and the base is no more
    is_older = live["JobModifyIndex"] < base_index or all(version < ours for version in kept)
    return Sighting(look=Look.ANOTHERS) if sighting.look is Look.UNTRACEABLE and is_older else sighting


async def _without_job(client: Client, namespace: str, job_id: str) -> Look:
    """The look if a new job is not there: an evaluation, allocation or deployment shows that it may have been."""
    # a purge leaves evaluations, and takes the rest with it (docs/nomad.md, "Purged jobs and restored clusters")
    for kind, more in (("evaluations", {}), ("allocations", {"all": "true"}), ("deployments", {"all": "true"})):
        reply = await client.get("job", job_id, kind, namespace=namespace, **more)
        if reply.ok and reply.records():
            return Look.PURGED
    return Look.UNMOVED


async def _without_ours(client: Client, place: tuple[str, str], kept: list[int], ours: int, stamp: str) -> Sighting:
    """The sighting if version base + 1 lacks our stamp: it is someone else's, or Nomad no longer has it."""
    if ours in kept:
        return Sighting(look=Look.ANOTHERS)
    for version in kept:
        if _is_stamped(await submission(client, *place, version), stamp):
            return Sighting(look=Look.LANDED)
    return Sighting(look=Look.UNTRACEABLE)


def _is_stamped(found: dict[str, Any] | None, stamp: str) -> bool:
    source = str((found or {}).get("Source") or "")
    return source.split("\n", 1)[0].strip() == stamp.strip()
