"""The look: whether a register landed, by Nomad's own state (``docs/engine.md``, Dispatch)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bot.domain.deploy.dispatch import Look, Sighting
from bot.errors import NomadError

if TYPE_CHECKING:
    from bot.domain.deploy.plan import Job
    from bot.gateways.nomad.client import Client


async def job(client: Client, namespace: str, job_id: str) -> Job | None:
    """The job as it is now; None where there is none."""
    reply = await client.get("job", job_id, namespace=namespace)
    return reply.record() if reply.ok else None


async def versions(client: Client, namespace: str, job_id: str) -> list[Job]:
    """The versions that Nomad keeps, newest first; none where the job is gone."""
    reply = await client.get("job", job_id, "versions", namespace=namespace)
    return list(reply.record().get("Versions") or ()) if reply.ok else []


async def submission(client: Client, namespace: str, job_id: str, version: int) -> dict[str, Any] | None:
    """What a version was submitted with; None where Nomad keeps none for it."""
    reply = await client.get("job", job_id, "submission", namespace=namespace, version=version)
    return reply.record() if reply.ok else None


async def look(
    client: Client, namespace: str, job_id: str, *, base_index: int, base_version: int | None, stamp: str
) -> Sighting:
    """What the evidence shows; never raises: a GET that is refused or fails decides nothing."""
    try:
        return await _look(client, (namespace, job_id), base_index, base_version, stamp)
    except (NomadError, KeyError, TypeError, ValueError):
        # the last three: an answer that is JSON but not Nomad's shape
        return Sighting(look=Look.UNKNOWN)


async def _look(
    client: Client, place: tuple[str, str], base_index: int, base_version: int | None, stamp: str
) -> Sighting:
    live = await job(client, *place)
    if live is None:
        return Sighting(look=Look.ANOTHERS if base_index else Look.UNMOVED)
    if live["JobModifyIndex"] == base_index:
        return Sighting(look=Look.UNMOVED)
    if 0 < base_index < live["CreateIndex"]:
        # purged and made anew: no register of ours can have done that
        return Sighting(look=Look.ANOTHERS)
    ours = 0 if base_version is None else base_version + 1
    found = await submission(client, *place, ours)
    if found is not None and _is_stamped(found, stamp):
        # the submission has its version's index, and may outlive it
        return Sighting(look=Look.LANDED, version=ours, job_modify_index=int(found["JobModifyIndex"]))
    kept = [int(each["Version"]) for each in await versions(client, *place)]
    return await _without_ours(client, place, kept, ours, stamp)


async def _without_ours(client: Client, place: tuple[str, str], kept: list[int], ours: int, stamp: str) -> Sighting:
    """Base + 1 does not carry the stamp: it is another's, or no longer kept."""
    if ours in kept:
        return Sighting(look=Look.ANOTHERS)
    for version in kept:
        if _is_stamped(await submission(client, *place, version), stamp):
            return Sighting(look=Look.LANDED)
    return Sighting(look=Look.UNTRACEABLE)


def _is_stamped(found: dict[str, Any] | None, stamp: str) -> bool:
    source = str((found or {}).get("Source") or "")
    return source.split("\n", 1)[0].strip() == stamp.strip()
