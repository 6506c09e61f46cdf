"""Promote: request the same release for the next environment."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bot.domain.decision import Allowed, Refused, refuse
from bot.domain.deploy.gates import Ask
from bot.domain.deploy.promotion import environments_after
from bot.domain.names import unknown_name
from bot.operations.deploys.decide import no_such_deploy
from bot.operations.deploys.promotable import candidate_of, not_successful, promotion_gate
from bot.operations.deploys.request import refuse_ask, request
from bot.operations.require import require

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from bot.domain.actor import Actor
    from bot.domain.catalog.catalog import Catalog
    from bot.domain.catalog.environment import Value
    from bot.domain.deploy.deploy import Deploy
    from bot.operations.deploys.decide import Origin
    from bot.operations.deploys.request import Requested
    from bot.ports import Ports
    from bot.ports.store import ActiveCatalog, Reading


@dataclass(frozen=True, slots=True, kw_only=True)
class Promotion:
    """What somebody wants to promote: a deploy, or the newest successful release of a service.

    ``environment`` is where to, None if it was left out. ``overrides`` are for this request alone: those of the
    promoted deploy are not copied.
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
        found = await _find_source(reading, active.catalog, what, ports.clock.now())
    if isinstance(found, Refused):
        return await refuse_ask(ports, actor, _incomplete_ask(what), found, origin)
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


def _incomplete_ask(what: Promotion) -> Ask:
    """What was requested, as far as it is known, for the audit event of the refusal."""
    number = f"D-{what.deploy_id}" if what.deploy_id is not None else ""
    return Ask(
        service=what.service,
        version=number,
        environment=what.environment,
        overrides=what.overrides,
        reason=what.reason,
    )


async def _find_source(
    reading: Reading, catalog: Catalog, what: Promotion, now: datetime
) -> tuple[Deploy, str] | Refused:
    """The deploy whose release is promoted, and the environment that it is promoted to."""
    if what.deploy_id is not None:
        return await _of_deploy(reading, catalog, what, what.deploy_id)
    if what.service not in catalog.services:
        return refuse("unknown-service", unknown_name("service", what.service, catalog.services))
    return await _of_service(reading, catalog, what, now)


async def _of_deploy(
    reading: Reading, catalog: Catalog, what: Promotion, deploy_id: int
) -> tuple[Deploy, str] | Refused:
    deploy = await reading.deploy(deploy_id)
    if deploy is None:
        return no_such_deploy(deploy_id)
    # a deploy that changed nothing counts if the job was healthy: its run knows
    runs = await reading.runs(deploy.service, deploy.environment, deploy.release, deploy.changed_at)
    if not any(run.deploy_id == deploy_id and run.passed for run in runs):
        return not_successful(deploy)
    return _to(deploy, environments_after(catalog, deploy.service, deploy.environment), what)


async def _of_service(
    reading: Reading, catalog: Catalog, what: Promotion, now: datetime
) -> tuple[Deploy, str] | Refused:
    """The deploy that succeeded last in the previous environment; refused if the next environment is not unique."""
    pairs = [
        (before, name)
        for before in catalog.services[what.service].placements
        for name in environments_after(catalog, what.service, before)
        if what.environment in {None, name}
    ]
    if not pairs:
        where = what.environment or "another environment"
        return refuse(
            "nothing-to-promote",
            f"{what.service} cannot be promoted to {where[:80]}: the catalog has no `after` for it.",
        )
    names = list(dict.fromkeys(name for _, name in pairs))
    if len(names) > 1:
        choices = " or ".join(f"`to {name}`" for name in names)
        return refuse("environment-missing", f"Name the environment for {what.service}: add {choices}.")
    befores = [before for before, _ in pairs]
    passed = [await reading.last_passed(what.service, before) for before in befores]
    found = [require(await reading.deploy(run.deploy_id), f"D-{run.deploy_id}") for run in passed if run is not None]
    if not found:
        before = " or ".join(befores)
        return refuse("nothing-to-promote", f"{what.service} has not succeeded in {before} yet. Deploy it there first.")
    return await _first_to_pass(reading, catalog, found, names[0], now), names[0]


async def _first_to_pass(
    reading: Reading, catalog: Catalog, found: Sequence[Deploy], environment: str, now: datetime
) -> Deploy:
    """The first deploy that may be promoted; if none may, the first one, so that its refusal is given."""
    for deploy in found:
        if isinstance(await promotion_gate(reading, catalog, candidate_of(deploy), environment, now), Allowed):
            return deploy
    return found[0]


def _to(deploy: Deploy, names: tuple[str, ...], what: Promotion) -> tuple[Deploy, str] | Refused:
    if not names:
        return refuse("nothing-to-promote", f"No environment comes after {deploy.environment} for {deploy.service}.")
    if what.environment is None and len(names) > 1:
        choices = " or ".join(f"`to {name}`" for name in names)
        return refuse("environment-missing", f"Name the environment for {deploy.number}: add {choices}.")
    environment = what.environment or names[0]
    if environment not in names:
        listed = ", ".join(names)
        return refuse(
            "nothing-to-promote",
            f"{deploy.number} is in {deploy.environment}. It can be promoted to {listed}, not to {environment[:80]}.",
        )
    return deploy, environment
