"""Status queries: one deploy's card."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote

from bot.domain.decision import Refused
from bot.domain.deploy.approval import Seating, seat
from bot.domain.deploy.deploy import Status
from bot.domain.deploy.gates import Facts, interests, seats_of
from bot.domain.deploy.message import Card
from bot.domain.locks import check_locks
from bot.errors import MembershipUnknown
from bot.operations.deploys.promotable import next_environments
from bot.operations.deploys.target import catalog_for, cluster_of
from bot.operations.queries.past_seating import seating_of, who_ended, who_resolved
from bot.operations.rollback.way_back import offered

if TYPE_CHECKING:
    from datetime import datetime

    from bot.domain.access import Membership
    from bot.domain.catalog.catalog import Catalog
    from bot.domain.decision import Reason
    from bot.domain.deploy.approval import Approval
    from bot.domain.deploy.deploy import Deploy
    from bot.domain.deploy.plan import Plan
    from bot.ports import Ports
    from bot.ports.store import Reading


async def card(ports: Ports, deploy_id: int) -> Card | None:
    """Everything that a deploy's message shows, read at one moment; None if there is no such deploy.

    After its dispatch or end, its seats come from the audit log, as they were at that decision. If Slack's groups are
    unavailable, all seats are shown as empty.
    """
    async with ports.store.read() as reading:
        subject = await reading.subject(deploy_id)
        if subject is None:
            return None
        deploy, active = subject
        catalog = await catalog_for(reading, deploy)
        plan = await reading.plan(deploy.id, deploy.plan) if deploy.plan else None
        approvals = await reading.approvals(deploy.id)
        rollouts = await reading.rollouts(deploy.id)
        posted = await reading.posted(deploy.id)
        record = await reading.events(deploy.id) if _is_decided(deploy, approvals) else ()
        closed = await _locks(reading, active.catalog, deploy, ports.clock.now())
        goes_back = await offered(reading, active.catalog, deploy, ports.clock.now())
        goes_on = await next_environments(reading, active.catalog, deploy, ports.clock.now())
    shown = tuple(approval for approval in approvals if approval.plan == deploy.plan)
    environment = catalog.environments[deploy.environment]
    return Card(
        deploy=deploy,
        plan=plan,
        seating=seating_of(record, deploy.plan) or await _seating(ports, catalog, active.fingerprint, deploy, shown),
        approvals=shown,
        rollouts=rollouts,
        channel=catalog.channel_for(deploy.service, deploy.environment),
        from_version=plan.from_release if plan else None,
        links=_links(catalog, deploy, plan),
        job=catalog.services[deploy.service].job_id(deploy.environment),
        namespace=environment.namespace,
        promotes_to=goes_on.environments,
        ended_by=who_ended(record),
        resolved_by=who_resolved(record) if deploy.resolution else None,
        twice=posted.twice if posted else False,
        locks=closed,
        rolls_back_to=goes_back,
    )


async def _locks(reading: Reading, catalog: Catalog, deploy: Deploy, now: datetime) -> tuple[Reason, ...]:
    """The locks that hold a deploy that is not on its way yet, as they are now and not when it was last held."""
    if not deploy.status.undecided:
        return ()
    place, by = (deploy.service, deploy.environment), deploy.rolled_back_by
    held = check_locks(*place, await reading.locks_on(*place), catalog, now, deploy_id=deploy.id, rolls_back=by)
    return held.reasons if isinstance(held, Refused) else ()


def _is_decided(deploy: Deploy, approvals: tuple[Approval, ...]) -> bool:
    """Whether the audit log knows who filled which seat, or who ended or resolved the deploy."""
    known = bool(approvals) or bool(deploy.resolution) or deploy.status in {Status.REJECTED, Status.WITHDRAWN}
    return not deploy.status.undecided and known


async def _seating(
    ports: Ports, catalog: Catalog, fingerprint: str, deploy: Deploy, approvals: tuple[Approval, ...]
) -> Seating:
    seats = seats_of(catalog, deploy)
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
        groups = interests(catalog, deploy.service, deploy.environment, rollback=deploy.rollback is not None)
        return await ports.directory.membership(groups, people, background=True)
    except MembershipUnknown:
        return None


def _links(catalog: Catalog, deploy: Deploy, plan: Plan | None) -> dict[str, str]:
    """Links to the source changes between the two versions, and to the job's page in Nomad's UI."""
    links = {}
    compare = catalog.services[deploy.service].compare
    from_baseline = deploy.rollback is not None and deploy.rollback.baseline
    if compare and not from_baseline and plan and plan.from_version and plan.from_version != deploy.version:
        links["Compare"] = compare.replace("{from}", quote(plan.from_version)).replace("{to}", quote(deploy.version))
    ui = cluster_of(catalog, deploy).ui
    if ui:
        job = quote(catalog.services[deploy.service].job_id(deploy.environment), safe="")
        namespace = quote(catalog.environments[deploy.environment].namespace, safe="")
        links["Open in Nomad"] = f"{ui.rstrip('/')}/jobs/{job}@{namespace}"
    return links
