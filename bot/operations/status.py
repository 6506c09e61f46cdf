"""Reads for every surface: one deploy's card, and the matrix of what runs where."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote

from bot.domain.approval import Seating, seat
from bot.domain.message import Card
from bot.domain.policy import Facts, interests, seats_for
from bot.errors import MembershipUnknown
from bot.operations.next_environments import next_environments
from bot.operations.recorded import seating_of
from bot.operations.rendering import catalog_for, cluster_of

if TYPE_CHECKING:
    from bot.domain.access import Membership
    from bot.domain.approval import Approval
    from bot.domain.catalog import Catalog
    from bot.domain.deploy import Deploy
    from bot.domain.plan import Plan
    from bot.ports import Ports, Reading


@dataclass(frozen=True, slots=True)
class Cell:
    """A service in an environment: what succeeded last there, and what is on its way."""

    service: str
    environment: str
    running: Deploy | None
    open: tuple[Deploy, ...]


@dataclass(frozen=True, slots=True)
class Matrix:
    """One row a service, one cell an environment that it is deployed to (None where it is not)."""

    environments: tuple[str, ...]
    rows: tuple[tuple[Cell | None, ...], ...]


async def matrix(ports: Ports, service: str | None = None) -> Matrix:
    """What runs where and what waits, for one service or for all. Raises ``CatalogMissing``."""
    async with ports.store.read() as reading:
        catalog = (await reading.active_catalog()).catalog
        environments = tuple(catalog.environments)
        wanted = [name for name in catalog.services if service in {None, name}]
        rows = [[await _cell(reading, catalog, name, where) for where in environments] for name in wanted]
    return Matrix(environments, tuple(tuple(row) for row in rows))


async def _cell(reading: Reading, catalog: Catalog, service: str, environment: str) -> Cell | None:
    if catalog.placement(service, environment) is None:
        return None
    running = await reading.last_succeeded(service, environment)
    return Cell(service, environment, running, await reading.open_deploys(service, environment))


async def card(ports: Ports, deploy_id: int) -> Card | None:
    """All that a deploy's message shows, read at one moment; None where there is no such deploy.

    Once it is dispatched or has ended, the seats are those of the record: as they were when it was decided. Where Slack
    does not say who is in which group, those who approved are shown without theirs.
    """
    async with ports.store.read() as reading:
        deploy = await reading.deploy(deploy_id)
        if deploy is None:
            return None
        active = await reading.active_catalog()
        catalog = await catalog_for(reading, deploy)
        plan = await reading.plan(deploy.id, deploy.plan) if deploy.plan else None
        approvals = await reading.approvals(deploy.id)
        rollouts = await reading.rollouts(deploy.id)
        posted = await reading.posted(deploy.id)
        seated = () if deploy.status.undecided or not approvals else await reading.events(deploy.id)
        goes_on = await next_environments(reading, active.catalog, deploy, ports.clock.now())
    shown = tuple(approval for approval in approvals if approval.plan == deploy.plan)
    environment = catalog.environments[deploy.environment]
    return Card(
        deploy=deploy,
        plan=plan,
        seating=seating_of(seated, deploy.plan) or await _seating(ports, catalog, active.fingerprint, deploy, shown),
        approvals=shown,
        rollouts=rollouts,
        channel=catalog.channel_for(deploy.service, deploy.environment),
        from_version=plan.from_version if plan else None,
        links=_links(catalog, deploy, plan),
        job=catalog.services[deploy.service].job_id(deploy.environment),
        namespace=environment.namespace,
        promotes_to=goes_on.environments,
        twice=posted.twice if posted else False,
    )


async def _seating(
    ports: Ports, catalog: Catalog, fingerprint: str, deploy: Deploy, approvals: tuple[Approval, ...]
) -> Seating:
    seats = seats_for(catalog, deploy.service, deploy.environment)
    if not deploy.status.undecided or all(approval.void for approval in approvals):
        return Seating(seats, (None,) * len(seats))
    membership = await _membership(ports, catalog, deploy, approvals)
    if membership is None:
        return Seating(seats, (None,) * len(seats))
    facts = Facts(fingerprint=fingerprint, catalog=catalog, membership=membership, deploy=deploy, approvals=approvals)
    return seat(seats, facts.approvers, membership)


async def _membership(
    ports: Ports, catalog: Catalog, deploy: Deploy, approvals: tuple[Approval, ...]
) -> Membership | None:
    people = frozenset(approval.user.id for approval in approvals if not approval.void)
    try:
        return await ports.directory.membership(interests(catalog, deploy.service, deploy.environment), people)
    except MembershipUnknown:
        return None


def _links(catalog: Catalog, deploy: Deploy, plan: Plan | None) -> dict[str, str]:
    """Where to look further: the source between the two versions, and Nomad's own page of the job."""
    links = {}
    compare = catalog.services[deploy.service].compare
    if compare and plan and plan.from_version and plan.from_version != deploy.version:
        links["Compare"] = compare.replace("{from}", quote(plan.from_version)).replace("{to}", quote(deploy.version))
    ui = cluster_of(catalog, deploy).ui
    if ui:
        job = quote(catalog.services[deploy.service].job_id(deploy.environment), safe="")
        namespace = quote(catalog.environments[deploy.environment].namespace, safe="")
        links["Open in Nomad"] = f"{ui.rstrip('/')}/jobs/{job}@{namespace}"
    return links
