"""The environments that a release may be promoted to: the gate, the offers, the form's choices."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from itertools import islice
from typing import TYPE_CHECKING, Final

from bot.domain.access import Permission, Resource, authorize
from bot.domain.actor import human_behind
from bot.domain.catalog.environment import Require
from bot.domain.catalog.release import check_version_rules
from bot.domain.decision import Allowed, Refused, every, refuse
from bot.domain.deploy.deploy import Status
from bot.domain.deploy.gates import RECHECK
from bot.domain.deploy.promotion import (
    Candidate,
    Offer,
    Promotable,
    environments_after,
    may_follow,
    moved_by_time,
    proofs_since,
    running_proofs,
    when,
)
from bot.domain.settings import settings_for
from bot.operations.deploys.decide import ask_membership, no_such_deploy
from bot.operations.deploys.target import still_runs
from bot.operations.require import require

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime

    from bot.domain.access import Membership
    from bot.domain.actor import Actor
    from bot.domain.catalog.catalog import Catalog
    from bot.domain.catalog.environment import After
    from bot.domain.decision import Decision
    from bot.domain.deploy.deploy import Deploy
    from bot.domain.deploy.promotion import Asked, Run
    from bot.ports import Ports
    from bot.ports.store import Reading

MOST_PLACES: Final = 500
"""Services and environments that are looked at; who may promote more finds the rest on the deploys' messages."""


def candidate_of(deploy: Deploy) -> Candidate:
    """The deploy's release as a candidate for the next environment."""
    return Candidate(service=deploy.service, version=deploy.version, release=deploy.release, revision=deploy.revision)


async def promotion_gate(
    reading: Reading,
    catalog: Catalog,
    what: Candidate,
    environment: str,
    now: datetime,
    asked: Mapping[str, Asked] | None = None,
) -> Decision:
    """Whether the environment takes the release's version, and the release has passed each environment before this one.

    ``asked`` is what ``ask_nomad`` found; without it, what is recorded decides alone.
    """
    found = catalog.environments[environment]
    passed = may_follow(found.after, what, await _runs_before(reading, what, found.after, now), now, asked)
    return every([check_version_rules(what.version, found), passed])


async def _runs_before(
    reading: Reading, what: Candidate, afters: Sequence[After], now: datetime
) -> dict[str, tuple[Run, ...]]:
    return {after.environment: await _runs(reading, what, after, now) for after in afters}


async def _runs(reading: Reading, what: Candidate, after: After, now: datetime) -> tuple[Run, ...]:
    return await reading.runs(what.service, after.environment, what.release, proofs_since(after, now))


async def ask_nomad(
    ports: Ports, catalog: Catalog, what: Candidate, environment: str, *, soaks: bool = False
) -> dict[str, Asked]:
    """What Nomad says of the environments before, for ``promotion_gate``; only of those that have to run the release.

    With ``soaks``, also of those where it has to soak. What has ended its run there is recorded. Nobody is asked about
    a release that may not follow anyway.
    """
    rules = catalog.environments[environment].after
    afters = [after for after in rules if after.require is Require.RUNNING or (soaks and after.soak)]
    if not afters:
        return {}
    now = ports.clock.now()
    async with ports.store.read() as reading:
        if isinstance(await promotion_gate(reading, catalog, what, environment, now), Refused):
            return {}
        runs = await _runs_before(reading, what, afters, now)
    proofs = {name: running_proofs(what.release, each) for name, each in runs.items()}
    return {name: await still_runs(ports, catalog, each) for name, each in proofs.items() if each}


@dataclass(frozen=True, slots=True)
class Next:
    """The environments that a deploy's release may be promoted to now, and when time alone changes that next."""

    environments: tuple[str, ...] = ()
    look_at: datetime | None = None


async def next_environments(reading: Reading, catalog: Catalog, deploy: Deploy, now: datetime) -> Next:
    """The environments that a deploy may offer to promote its release to, if it succeeded last in its environment.

    Environments that have the release, or are getting it, are left out. An older deploy offers nothing. What other
    deploys of the service change makes it due (``tx.offer_anew``).
    """
    names = environments_after(catalog, deploy.service, deploy.environment)
    if deploy.status is not Status.SUCCEEDED or not names:
        return Next()
    if await _is_superseded(reading, deploy):
        return Next()
    offered, looks = [], [deploy.changed_at + soak for soak in _soaks(catalog, names, deploy)]
    if max(looks, default=now) > now:
        # what breaks a soak is seen in Nomad (``watch_soak``)
        looks.append(now + RECHECK)
    for name in names:
        if isinstance(check_version_rules(deploy.version, catalog.environments[name]), Refused):
            continue
        everything = await reading.runs(deploy.service, name, deploy.release)
        there = [run for run in everything if run.release == deploy.release]
        if any(run.passed or run.status.open for run in there):
            continue
        afters, what = catalog.environments[name].after, candidate_of(deploy)
        runs = await _runs_before(reading, what, afters, now)
        if isinstance(may_follow(afters, what, runs, now), Allowed):
            offered.append(name)
        looks += [at] if (at := moved_by_time(afters, deploy.release, runs, now)) else []
    return Next(tuple(offered), min((at for at in looks if at > now), default=None))


async def watch_soak(ports: Ports, deploy_id: int) -> None:
    """Look whether a deploy's release runs in Nomad without a break, if it soaks there or did at the look before.

    If Nomad does not answer, nothing was seen.
    """
    async with ports.store.read() as reading:
        deploy = require(await reading.deploy(deploy_id), f"D-{deploy_id}")
        catalog = (await reading.active_catalog()).catalog
        names = environments_after(catalog, deploy.service, deploy.environment)
        soak = max(_soaks(catalog, names, deploy), default=timedelta(0))
        since = deploy.changed_at
        runs = await reading.runs(deploy.service, deploy.environment, deploy.release, since) if soak else ()
    proofs = running_proofs(deploy.release, runs)
    # the look that is due at the end of the soak is the last one
    if proofs and deploy.due_at is not None and deploy.due_at <= proofs[0].changed_at + soak:
        await still_runs(ports, catalog, proofs)


async def _is_superseded(reading: Reading, deploy: Deploy) -> bool:
    """Whether another deploy has succeeded there since, or a later plan found another release running."""
    other = await reading.last_passed(deploy.service, deploy.environment, other_than=deploy.release)
    again = await reading.runs(deploy.service, deploy.environment, deploy.release, deploy.changed_at)
    succeeded = [run for run in again if run.passed and run.status is Status.SUCCEEDED]
    return any(when(run) > (deploy.changed_at, deploy.id) for run in (*succeeded, *([other] if other else ())))


def _soaks(catalog: Catalog, names: Sequence[str], deploy: Deploy) -> list[timedelta]:
    """How long the deploy's release has to run in its environment first, for each of the environments that ask that."""
    afters = [after for name in names for after in catalog.environments[name].after]
    return [after.soak for after in afters if after.soak and after.environment == deploy.environment]


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
    if deploy.status is Status.SUCCEEDED and not deploy.release:
        text = f"{deploy.number} went back to the job that ran before Nomatron, which is no release to promote."
        return refuse("nothing-to-promote", text)
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
        if deploy.status is not Status.SUCCEEDED or not deploy.release:
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
    for other in await reading.open_deploys(deploy.service, name):
        if other.release == deploy.release:
            there = f"{deploy.service} {deploy.release_name} is already on its way to {name}: {other.number}."
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
    decision = authorize(actor, Permission.PROMOTE, Resource(service, environment), catalog, membership)
    return isinstance(decision, Allowed)
