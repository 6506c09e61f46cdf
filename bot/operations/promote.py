"""Promote: ask for the same release in the next environment."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bot.domain.decision import Refused, refuse
from bot.domain.deploy import Status
from bot.domain.message import Delivery, Outgoing
from bot.domain.policy import Ask
from bot.operations.next_environments import environments_after
from bot.operations.request import request

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bot.domain.actor import Actor
    from bot.domain.catalog import Catalog
    from bot.domain.deploy import Deploy
    from bot.domain.environment import Value
    from bot.operations.origin import Origin
    from bot.operations.request import Requested
    from bot.ports import Ports, Reading


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


async def promote(ports: Ports, actor: Actor, what: Promotion, *, origin: Origin) -> Requested | Refused:
    """A request for the same release in the next environment, under every gate of a request.

    Refused where there is nothing to promote, or more than one place to promote it to. Raises ``Replayed``.
    """
    async with ports.store.read() as reading:
        catalog = (await reading.active_catalog()).catalog
        found = await _found(reading, catalog, what)
    if isinstance(found, Refused):
        return found
    source, environment = found
    ask = Ask(
        service=source.service,
        version=source.version,
        environment=environment,
        overrides=what.overrides,
        reason=what.reason,
        promotes=source.environment,
    )
    answer = await request(ports, actor, ask, origin=origin)
    if not isinstance(answer, Refused):
        await _redraw(ports, source.id)
    return answer


async def _redraw(ports: Ports, deploy_id: int) -> None:
    """The deploy that was promoted offers it no more."""
    async with ports.store.begin() as tx:
        await tx.send(Outgoing(kind=Delivery.CARD, deploy_id=deploy_id), ports.clock.now())
    ports.bell.ring()


async def _found(reading: Reading, catalog: Catalog, what: Promotion) -> tuple[Deploy, str] | Refused:
    """The deploy whose release goes on, and where to."""
    if what.deploy_id is not None:
        return await _of_deploy(reading, catalog, what, what.deploy_id)
    if what.service not in catalog.services:
        return refuse("unknown-service", f"There is no service `{what.service[:80]}` in the catalog.")
    return await _of_service(reading, catalog, what)


async def _of_deploy(
    reading: Reading, catalog: Catalog, what: Promotion, deploy_id: int
) -> tuple[Deploy, str] | Refused:
    deploy = await reading.deploy(deploy_id)
    if deploy is None:
        return refuse("unknown-deploy", f"There is no deploy D-{deploy_id}. See `/deploy status`.")
    if deploy.status is not Status.SUCCEEDED:
        return refuse("nothing-to-promote", f"{deploy.number} has not succeeded: only what has can be promoted.")
    return _to(deploy, environments_after(catalog, deploy.service, deploy.environment), what)


async def _of_service(reading: Reading, catalog: Catalog, what: Promotion) -> tuple[Deploy, str] | Refused:
    """What runs in the environment before; the pair has to be the only one."""
    pairs = [
        (before, name)
        for before in catalog.services[what.service].placements
        for name in environments_after(catalog, what.service, before)
        if what.environment in {None, name}
    ]
    if not pairs:
        where = what.environment or "another environment"
        return refuse("nothing-to-promote", f"Nothing is promoted to {where}: the catalog has no `after` for it.")
    if len(pairs) > 1:
        choices = ", ".join(f"`to {name}`" for name in dict.fromkeys(name for _, name in pairs))
        return refuse("environment-missing", f"Say where {what.service} goes: add {choices}; or promote one D-n.")
    before, name = pairs[0]
    running = await reading.last_succeeded(what.service, before)
    if running is None:
        return refuse("nothing-to-promote", f"{what.service} has not succeeded in {before} yet: deploy it there first.")
    return running, name


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
