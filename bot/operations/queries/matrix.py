"""The matrix of ``status``: what Nomad has of each service in each environment, compared with what we recorded."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

from bot.domain.deploy.deploy import REGISTERING
from bot.domain.deploy.matrix import (
    Cell,
    Difference,
    Health,
    Live,
    Matrix,
    live_of,
    neighbours,
    pipeline,
    recorded_in,
)
from bot.domain.locks import reason_of
from bot.operations.queries.clusters import ask, origins
from bot.operations.require import require

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bot.domain.catalog.catalog import Catalog
    from bot.domain.deploy.deploy import Deploy
    from bot.domain.deploy.matrix import Place, Recorded
    from bot.domain.locks import Lock
    from bot.operations.queries.clusters import Heard
    from bot.ports import Ports
    from bot.ports.store import Reading


async def matrix(
    ports: Ports, service: str | None = None, *, environment: str | None = None, most: int | None = None
) -> Matrix:
    """What runs and what is open in each environment, for one service or all, or only those in ``environment``.

    At most ``most`` rows; of a single service also the differences between its environments. It takes twice
    ``Limits.ask`` at most beside the database, however many clusters are silent. Raises ``CatalogMissing``.
    """
    async with ports.store.read() as reading:
        catalog = (await reading.active_catalog()).catalog
    wanted = [
        name
        for name, each in catalog.services.items()
        if service in {None, name} and (environment is None or environment in each.placements)
    ]
    shown = wanted if most is None else wanted[:most]
    columns = tuple(name for name in pipeline(catalog) if environment in {None, name})
    places = [(name, where) for name in shown for where in columns if catalog.placement(name, where)]
    heard = await ask(ports, catalog, places)
    # only now, so that what Nomad has just been given is recorded already
    async with ports.store.read() as reading:
        cells, locks = await _cells(ports, reading, catalog, places)
        recorded = _by_place(await reading.recorded(places))
    cells = await _with_nomad(ports, catalog, cells, heard, recorded)
    # of a service only what closes a place of it; without one also a lock on what is in no row
    closing = tuple(
        lock
        for lock in locks
        if environment is None or lock.environment in {"", environment}
        if service is None or any(lock.covers(*place) for place in places)
    )
    return Matrix(
        columns,
        tuple(tuple(cells.get((name, where)) for where in columns) for name in shown),
        len(wanted) - len(shown),
        closing,
        tuple(reason_of(lock, catalog) for lock in closing),
        heard.silent,
        await _differences(ports, catalog, service, cells) if service else (),
    )


async def _cells(
    ports: Ports, reading: Reading, catalog: Catalog, places: Sequence[Place]
) -> tuple[dict[Place, Cell], list[Lock]]:
    """What our own rows say of each place, and the locks in force."""
    now = ports.clock.now()
    running = {(each.service, each.environment): each for each in await reading.last_succeeded_of(places)}
    waiting: dict[Place, list[Deploy]] = {place: [] for place in places}
    for each in await reading.open_deploys():
        waiting.get((each.service, each.environment), []).append(each)
    locks = [lock for lock in await reading.locks() if lock.in_force(now)]
    reasons = [(lock, reason_of(lock, catalog)) for lock in locks]
    return {
        place: Cell(
            *place,
            running.get(place),
            tuple(waiting[place]),
            closed=tuple(reason for lock, reason in reasons if lock.covers(*place)),
        )
        for place in places
    }, locks


def _by_place(recorded: Sequence[Recorded]) -> dict[Place, list[Recorded]]:
    found: dict[Place, list[Recorded]] = {}
    for each in recorded:
        found.setdefault((each.service, each.environment), []).append(each)
    return found


async def _with_nomad(
    ports: Ports,
    catalog: Catalog,
    cells: Mapping[Place, Cell],
    heard: Heard,
    recorded: Mapping[Place, Sequence[Recorded]],
) -> dict[Place, Cell]:
    """The cells with what Nomad has there."""
    bases = await origins(ports, catalog, heard, recorded)
    found = {}
    for place, cell in cells.items():
        live = Live(health=Health.UNKNOWN)
        if place in heard.jobs:
            listed = heard.jobs[place]
            live = live_of(
                listed,
                recorded_in(listed, recorded.get(place, ())) if listed else None,
                base=bases.get(place),
                # such a deploy's version is recorded after Nomad has it
                under_way=any(each.status in REGISTERING for each in cell.open),
            )
        found[place] = replace(cell, live=live)
    return found


async def _differences(
    ports: Ports, catalog: Catalog, service: str, cells: Mapping[Place, Cell]
) -> tuple[Difference, ...]:
    """How the jobs of neighbouring environments differ, as far as deploys of ours made them."""
    found = []
    async with ports.store.read() as reading:
        for before, after in neighbours(catalog, service):
            first, second = cells.get((service, before)), cells.get((service, after))
            if first and second and first.running and second.running:
                found.append(Difference(before, after, await _between(ports, reading, catalog, first, second)))
    return tuple(found)


async def _between(ports: Ports, reading: Reading, catalog: Catalog, first: Cell, second: Cell) -> tuple[str, ...]:
    """How the second cell's job differs from the first one's, in words."""
    plans = []
    for cell in (first, second):
        if cell.deploy_id is None:
            return (f"No deploy made the job in {cell.environment}, so nothing was compared.",)
        deploy = require(await reading.deploy(cell.deploy_id), f"D-{cell.deploy_id}")
        plans.append(require(await reading.plan(deploy.id, deploy.plan), f"the plan of {deploy.number}"))
    before, plan = plans
    if not before.is_kept or not plan.is_kept:
        return ("One of the two jobs is no longer kept, so nothing was compared.",)
    nomad = ports.nomads.of(catalog.clusters[catalog.environments[second.environment].cluster])
    return nomad.differences(before.job, json.loads(plan.job), catalog.services[second.service].show)
