"""The environments that a release may be promoted to: the gate, the offers, the form's choices."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Final

from bot.domain.access import Permission, authorize
from bot.domain.actor import human_behind
from bot.domain.decision import Allowed, Refused, every, refuse
from bot.domain.deploy.deploy import Status
from bot.domain.deploy.gates import RECHECK
from bot.domain.deploy.promotion import Candidate, Offer, Promotable, may_follow
from bot.domain.settings import settings_for
from bot.operations.deploys.decide import ask_membership, no_such_deploy
from bot.operations.require import require

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from bot.domain.access import Membership
    from bot.domain.actor import Actor
    from bot.domain.catalog.catalog import Catalog
    from bot.domain.decision import Decision
    from bot.domain.deploy.deploy import Deploy
    from bot.domain.deploy.promotion import Run
    from bot.ports import Ports
    from bot.ports.store import Reading

MOST_PLACES: Final = 500
"""Services and environments that are looked at; who may promote more finds the rest on the deploys' messages."""


def candidate_of(deploy: Deploy) -> Candidate:
    """The deploy's release as a candidate for the next environment."""
    return Candidate(service=deploy.service, version=deploy.version, release=deploy.release, revision=deploy.revision)


async def promotion_gate(
    reading: Reading, catalog: Catalog, what: Candidate, environment: str, now: datetime
) -> Decision:
    """Whether a release has passed the environments that come before this one; allowed if no environment does."""
    afters = catalog.environments[environment].after
    if not afters:
        return Allowed()
    runs = {after.environment: await reading.runs(what.service, after.environment) for after in afters}
    return may_follow(afters, what, runs, now)


@dataclass(frozen=True, slots=True)
class Next:
    """The environments that a deploy's release may be promoted to now, and when to check that again."""

    environments: tuple[str, ...] = ()
    look_at: datetime | None = None


def environments_after(catalog: Catalog, service: str, environment: str) -> tuple[str, ...]:
    """The environments that come right after this one for the service, in the order of the catalog."""
    return tuple(
        name
        for name, each in catalog.environments.items()
        if catalog.placement(service, name) and any(after.environment == environment for after in each.after)
    )


async def next_environments(reading: Reading, catalog: Catalog, deploy: Deploy, now: datetime) -> Next:
    """The environments that a deploy may offer to promote its release to, if it succeeded last in its environment.

    Environments that have the release, or are getting it, are left out. An older deploy offers nothing and is never
    checked again; nor is one whose release is in every next environment.
    """
    names = environments_after(catalog, deploy.service, deploy.environment)
    if deploy.status is not Status.SUCCEEDED or not names:
        return Next()
    if _is_superseded(deploy, await reading.runs(deploy.service, deploy.environment)):
        return Next()
    offered, left = [], False
    for name in names:
        there = [run for run in await reading.runs(deploy.service, name) if run.release == deploy.release]
        left = left or not any(run.passed for run in there)
        free = not any(run.passed or run.status.open for run in there)
        if free and isinstance(await promotion_gate(reading, catalog, candidate_of(deploy), name, now), Allowed):
            offered.append(name)
    # each minute too: if several environments come before, a deploy in another one of them can open the gate
    return Next(tuple(offered), min([now + RECHECK, *_soaks(catalog, names, deploy, now)]) if left else None)


def _is_superseded(deploy: Deploy, runs: Sequence[Run]) -> bool:
    """Whether another deploy has succeeded there since, or a later plan found another release running."""
    return any(
        run.passed
        and (run.changed_at, run.deploy_id) > (deploy.changed_at, deploy.id)
        and (run.status is Status.SUCCEEDED or run.release != deploy.release)
        for run in runs
    )


def _soaks(catalog: Catalog, names: Sequence[str], deploy: Deploy, now: datetime) -> list[datetime]:
    """The future times at which the deploy will have soaked long enough for one of the environments."""
    soaks = (
        deploy.changed_at + after.soak
        for name in names
        for after in catalog.environments[name].after
        if after.environment == deploy.environment
    )
    return [at for at in soaks if at > now]


_NOT_SUCCESSFUL = {
    Status.FAILED: "failed",
    Status.REJECTED: "was rejected",
    Status.EXPIRED: "expired",
    Status.WITHDRAWN: "was withdrawn",
    Status.SUPERSEDED: "was superseded",
    Status.INVALID: "is invalid",
    Status.UNCHANGED: "changed nothing",
}


def not_successful(deploy: Deploy) -> Refused:
    """The refusal to promote a deploy that did not succeed."""
    state = _NOT_SUCCESSFUL.get(deploy.status, "has not finished")
    return refuse("nothing-to-promote", f"{deploy.number} {state}. Only a successful deploy can be promoted.")


async def promotable(ports: Ports, deploy_id: int) -> Promotable | Refused:
    """Where a deploy's release may be promoted to now; refused with the gates' reasons if that is nowhere."""
    now = ports.clock.now()
    async with ports.store.read() as reading:
        catalog = (await reading.active_catalog()).catalog
        deploy = await reading.deploy(deploy_id)
        if deploy is None:
            return no_such_deploy(deploy_id)
        if deploy.status is not Status.SUCCEEDED:
            return not_successful(deploy)
        release = require(await reading.release(deploy.release), f"the release of {deploy.number}")
        names = environments_after(catalog, deploy.service, deploy.environment)
        gates = {name: await _gate(reading, catalog, deploy, name, now) for name in names}
    open_to = tuple(name for name, decision in gates.items() if not isinstance(decision, Refused))
    closed = every(gates.values())
    if isinstance(closed, Refused) and not open_to:
        return closed
    if not open_to:
        return refuse("nothing-to-promote", f"No environment comes after {deploy.environment} for {deploy.service}.")
    return Promotable(
        deploy,
        open_to,
        several=len(names) > 1,
        settable=settings_for(catalog, release, open_to),
        reason_required=any(catalog.environments[name].reason_required for name in open_to),
    )


async def _gate(reading: Reading, catalog: Catalog, deploy: Deploy, name: str, now: datetime) -> Decision:
    for run in await reading.runs(deploy.service, name):
        if run.release == deploy.release and run.status.open:
            there = f"{deploy.service} {deploy.release_name} is already on its way to {name}: D-{run.deploy_id}."
            return refuse("nothing-to-promote", there)
    return await promotion_gate(reading, catalog, candidate_of(deploy), name, now)


async def offers_for(ports: Ports, actor: Actor, most: int = MOST_PLACES) -> tuple[Offer, ...]:
    """What the person can promote now, the newest success first; empty if Slack's groups are unavailable.

    As the deploys' messages offer it, so at most a minute old; in at most so many places. Raises ``CatalogMissing``.
    """
    async with ports.store.read() as reading:
        catalog = (await reading.active_catalog()).catalog
    granted = [catalog.groups[grant.group] for grant in catalog.grants if Permission.PROMOTE in grant.may]
    user = human_behind(actor)
    usergroups = [group.usergroup for group in granted if group.usergroup]
    membership = await ask_membership(ports, usergroups, [user] if user else [])
    if isinstance(membership, Refused):
        return ()
    places = dict(islice(_places(catalog, actor, membership), most))
    async with ports.store.read() as reading:
        found = await reading.last_succeeded_of(places)
    offers = []
    for deploy in sorted(found, key=lambda each: (each.changed_at, each.id), reverse=True):
        # the worker keeps them, and may not have seen yet what another catalog changed
        names = [name for name in deploy.offers if name in places[deploy.service, deploy.environment]]
        if names:
            offers.append(Offer(deploy, tuple(names)))
    return tuple(offers)


def _places(
    catalog: Catalog, actor: Actor, membership: Membership
) -> Iterator[tuple[tuple[str, str], tuple[str, ...]]]:
    """Services and environments, each with the next environments that the person may promote to, if there are any."""
    for service, each in catalog.services.items():
        for before in each.placements:
            names = [
                name
                for name in environments_after(catalog, service, before)
                if _may_promote(catalog, actor, membership, service, name)
            ]
            if names:
                yield (service, before), tuple(names)


def _may_promote(catalog: Catalog, actor: Actor, membership: Membership, service: str, environment: str) -> bool:
    decision = authorize(
        actor,
        Permission.PROMOTE,
        service=service,
        environment=environment,
        groups=catalog.groups,
        grants=catalog.grants,
        membership=membership,
    )
    return isinstance(decision, Allowed)
