"""Asks all clusters at the same time what they run, for ``status``; one that is silent holds up no other."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from bot.domain.deploy.base import trace
from bot.domain.deploy.matrix import Silent, recorded_in
from bot.errors import NomadForbidden, NomadUnavailable

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bot.domain.catalog.catalog import Catalog
    from bot.domain.deploy.matrix import Listed, Place, Recorded
    from bot.domain.deploy.plan import Base, Job
    from bot.ports import Ports

MOST_LOOKS: Final = 20
"""Jobs of which the older versions are read for one answer."""


@dataclass(frozen=True, slots=True)
class Heard:
    """What the clusters said: the listed jobs, those that are not in their list as None, and the clusters that did not.

    A place of a silent cluster is not in ``jobs``.
    """

    jobs: Mapping[Place, Listed | None]
    silent: tuple[Silent, ...]


async def ask(ports: Ports, catalog: Catalog, places: Sequence[Place]) -> Heard:
    """Read one list of jobs for each cluster and namespace of these places. Never raises."""
    spaces: dict[tuple[str, str], list[Place]] = {}
    for service, name in places:
        environment = catalog.environments[name]
        spaces.setdefault((environment.cluster, environment.namespace), []).append((service, name))
    said = await asyncio.gather(*(_list(ports, catalog, space, those) for space, those in spaces.items()))
    jobs: dict[Place, Listed | None] = {}
    silent: dict[tuple[str, str], dict[str, None]] = {}
    for ((cluster, _), those), answer in zip(spaces.items(), said, strict=True):
        if isinstance(answer, str):
            silent.setdefault((cluster, answer), {}).update(dict.fromkeys(where for _, where in those))
        else:
            jobs |= {place: answer.get(catalog.services[place[0]].job_id(place[1])) for place in those}
    return Heard(jobs, tuple(Silent(cluster, tuple(names), why) for (cluster, why), names in silent.items()))


async def _list(
    ports: Ports, catalog: Catalog, space: tuple[str, str], places: Sequence[Place]
) -> Mapping[str, Listed] | str:
    """The jobs of a cluster and namespace by their ids; or a sentence on why there is no answer."""
    cluster, namespace = space
    ids = frozenset(catalog.services[service].job_id(environment) for service, environment in places)
    limit = ports.limits.ask.total_seconds()
    try:
        async with asyncio.timeout(limit):
            found = await ports.nomads.of(catalog.clusters[cluster]).listed(namespace, ids)
    except TimeoutError:
        return f"Nomad did not answer within {limit:g} s."
    except NomadUnavailable as error:
        return f"Nomad: {error}"
    except NomadForbidden as error:
        return f"Nomad: {error}. `nomatron doctor` shows what is missing."
    return {each.job: each for each in found}


async def origins(
    ports: Ports, catalog: Catalog, heard: Heard, recorded: Mapping[Place, Sequence[Recorded]]
) -> dict[Place, Base]:
    """Where the versions come from that no deploy recorded, from the versions that Nomad keeps.

    A scaling step and a revert make a version with another JobModifyIndex, and the list does not tell them from a
    change. At most ``MOST_LOOKS`` jobs are looked at; of those whose cluster does not answer now, nothing is known.
    """
    open_questions = [
        (place, listed)
        for place, listed in heard.jobs.items()
        if listed is not None and not listed.stopped and recorded_in(listed, recorded.get(place, ())) is None
    ][:MOST_LOOKS]
    kept = await asyncio.gather(*(_versions(ports, catalog, place) for place, _ in open_questions))
    found: dict[Place, Base] = {}
    async with ports.store.read() as reading:
        for (place, listed), versions in zip(open_questions, kept, strict=True):
            # since the list was read it may have moved on: then another look tells
            if versions and int(versions[0]["JobModifyIndex"]) == listed.index:
                made = await reading.versions_made(*place, listed.created)
                found[place] = trace(versions[0], versions, made).base
    return found


async def _versions(ports: Ports, catalog: Catalog, place: Place) -> tuple[Job, ...]:
    """The versions that Nomad keeps of the job there; empty if it does not say."""
    service, name = place
    environment = catalog.environments[name]
    nomad = ports.nomads.of(catalog.clusters[environment.cluster])
    try:
        async with asyncio.timeout(ports.limits.ask.total_seconds()):
            return await nomad.versions(environment.namespace, catalog.services[service].job_id(name))
    except (TimeoutError, NomadUnavailable, NomadForbidden):
        return ()
