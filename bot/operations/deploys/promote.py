"""Promote: ask for the same release in the next environment."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bot.domain.decision import Allowed, Refused, refuse
from bot.domain.deploy.gates import Ask
from bot.domain.deploy.promotion import newest_passed
from bot.operations.deploys.decide import no_such_deploy
from bot.operations.deploys.promotable import candidate_of, environments_after, promotion_gate
from bot.operations.deploys.request import refuse_ask, request
from bot.operations.require import require

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from bot.domain.actor import Actor
    from bot.domain.catalog.catalog import Catalog
    from bot.domain.catalog.environment import Value
    from bot.domain.deploy.deploy import Deploy
    from bot.operations.deploys.origin import Origin
    from bot.operations.deploys.request import Requested
    from bot.ports import Ports
    from bot.ports.store import ActiveCatalog, Reading


@dataclass(frozen=True, slots=True, kw_only=True)
class Promotion:
    """What somebody wants to promote: a deploy, or what a service runs before ``environment``.

    ``environment`` is None where it was left out. Values of the request before are not carried: ``overrides`` are this
    one's own.
    """

    deploy_id: int | None = None
    service: str = ""
    environment: str | None = None
    overrides: Mapping[str, Value]
    reason: str | None = None


async def promote(
    ports: Ports, actor: Actor, what: Promotion, *, origin: Origin, active: ActiveCatalog | None = None
) -> Requested | Refused:
    """Request the same release in the next environment, under every gate of a request.

    ``active`` is the catalog in force, if the caller has read it already. Refused if there is nothing to promote, or
    more than one environment to promote it to. Raises ``Replayed``.
    """
    async with ports.store.read() as reading:
        active = active or await reading.active_catalog()
        found = await _found(reading, active.catalog, what, ports.clock.now())
    if isinstance(found, Refused):
        return await refuse_ask(ports, actor, _nothing(what), found, origin)
    source, environment = found
    ask = Ask(
        service=source.service,
        version=source.version,
        environment=environment,
        overrides=what.overrides,
        reason=what.reason,
        promotes=source.environment,
        release=source.release,
    )
    return await request(ports, actor, ask, origin=origin, active=active)


def _nothing(what: Promotion) -> Ask:
    """What was asked for, as far as it goes, for the record of the refusal."""
    number = f"D-{what.deploy_id}" if what.deploy_id is not None else ""
    return Ask(
        service=what.service,
        version=number,
        environment=what.environment,
        overrides=what.overrides,
        reason=what.reason,
    )


async def _found(reading: Reading, catalog: Catalog, what: Promotion, now: datetime) -> tuple[Deploy, str] | Refused:
    """The deploy whose release goes on, and where to."""
    if what.deploy_id is not None:
        return await _of_deploy(reading, catalog, what, what.deploy_id)
    if what.service not in catalog.services:
        return refuse("unknown-service", f"There is no service `{what.service[:80]}` in the catalog.")
    return await _of_service(reading, catalog, what, now)


async def _of_deploy(
    reading: Reading, catalog: Catalog, what: Promotion, deploy_id: int
) -> tuple[Deploy, str] | Refused:
    deploy = await reading.deploy(deploy_id)
    if deploy is None:
        return no_such_deploy(deploy_id)
    # one that had nothing to do counts where the job was well: its run says so
    runs = await reading.runs(deploy.service, deploy.environment)
    if not any(run.deploy_id == deploy_id and run.passed for run in runs):
        return refuse("nothing-to-promote", f"{deploy.number} has not succeeded: only what has can be promoted.")
    return _to(deploy, environments_after(catalog, deploy.service, deploy.environment), what)


async def _of_service(
    reading: Reading, catalog: Catalog, what: Promotion, now: datetime
) -> tuple[Deploy, str] | Refused:
    """What passed last in the environment before; the pair has to be the only one."""
    pairs = [
        (before, name)
        for before in catalog.services[what.service].placements
        for name in environments_after(catalog, what.service, before)
        if what.environment in {None, name}
    ]
    if not pairs:
        where = what.environment or "another environment"
        return refuse("nothing-to-promote", f"Nothing is promoted to {where[:80]}: the catalog has no `after` for it.")
    names = list(dict.fromkeys(name for _, name in pairs))
    if len(names) > 1:
        choices = ", ".join(f"`to {name}`" for name in names)
        return refuse("environment-missing", f"Say where {what.service} goes: add {choices}; or promote one D-n.")
    befores = [before for before, _ in pairs]
    passed = [newest_passed(await reading.runs(what.service, before)) for before in befores]
    found = [require(await reading.deploy(run.deploy_id), f"D-{run.deploy_id}") for run in passed if run is not None]
    if not found:
        before = " or ".join(befores)
        return refuse("nothing-to-promote", f"{what.service} has not succeeded in {before} yet: deploy it there first.")
    return await _first_to_pass(reading, catalog, found, names[0], now), names[0]


async def _first_to_pass(
    reading: Reading, catalog: Catalog, found: Sequence[Deploy], environment: str, now: datetime
) -> Deploy:
    """The one of several environments' releases that may go on; where none may, the refusal is about the first."""
    for deploy in found:
        if isinstance(await promotion_gate(reading, catalog, candidate_of(deploy), environment, now), Allowed):
            return deploy
    return found[0]


def _to(deploy: Deploy, names: tuple[str, ...], what: Promotion) -> tuple[Deploy, str] | Refused:
    if not names:
        return refuse("nothing-to-promote", f"Nothing comes after {deploy.environment} for {deploy.service}.")
    if what.environment is None and len(names) > 1:
        choices = ", ".join(f"`to {name}`" for name in names)
        return refuse("environment-missing", f"Say where {deploy.number} goes: add {choices}.")
    environment = what.environment or names[0]
    if environment not in names:
        listed = ", ".join(names)
        return refuse(
            "nothing-to-promote",
            f"{deploy.number} is in {deploy.environment}; after that comes {listed}, not {environment[:80]}.",
        )
    return deploy, environment
