"""Plan: render once, freeze, ask Nomad what would change, and put that before people."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

from bot.domain.actor import human_behind
from bot.domain.audit.events import EventType
from bot.domain.deploy.deploy import Status
from bot.domain.deploy.gates import RECHECK
from bot.domain.deploy.message import Delivery, Note, Outgoing
from bot.domain.deploy.plan import Plan, fingerprint, frozen, is_healthy, without_server_fields
from bot.errors import NomadRefused, NomadUnavailable
from bot.operations.deploys.decide import judge
from bot.operations.deploys.ready import make_ready
from bot.operations.deploys.target import index_of, target_of, version_of
from bot.operations.require import kept
from bot.operations.worker.claim import WORKER, work_on
from bot.operations.worker.expire import expire, late
from bot.operations.worker.hold import or_hold
from bot.operations.worker.plan_notice import carry_approvals, show_plan
from bot.operations.worker.render import Rendered, render

if TYPE_CHECKING:
    from bot.domain.catalog.catalog import Catalog
    from bot.domain.decision import Refused
    from bot.domain.deploy.deploy import Deploy
    from bot.operations.deploys.decide import Judgement
    from bot.operations.deploys.target import Target
    from bot.ports import Ports
    from bot.ports.nomad import NomadPlan
    from bot.ports.store import ActiveCatalog, Claim, Reading

RETRY_AFTER = timedelta(seconds=3)
"""How soon a plan is tried again while Nomad is away."""


@dataclass(frozen=True, slots=True)
class _Drawn:
    """What was read and what Nomad said, before any of it is written."""

    active: ActiveCatalog
    target: Target
    rendered: Rendered
    answer: NomadPlan
    fingerprint: str
    old: Plan | None
    from_version: str | None
    moved: tuple[str, ...]
    differs: tuple[str, ...]


async def step(ports: Ports) -> bool:
    """Plan the oldest deploy that awaits it; whether there was one."""
    return await work_on(ports, Status.PLANNING, _plan)


async def _plan(ports: Ports, claim: Claim) -> None:
    await or_hold(ports, claim, _through(ports, claim), RETRY_AFTER)


async def _through(ports: Ports, claim: Claim) -> Refused | None:
    """Planned, invalid or unchanged; or why it stays in planning: Nomad is away, or Slack does not say who is who."""
    try:
        drawn = await _draw(ports, claim)
    except NomadRefused as refusal:
        return await judge(ports, claim.deploy_id, partial(_invalid, lines=refusal.lines), claim=claim)
    return await judge(ports, claim.deploy_id, partial(_planned, drawn=drawn), claim=claim)


async def _draw(ports: Ports, claim: Claim) -> _Drawn:
    async with ports.store.read() as reading:
        deploy = kept(await reading.deploy(claim.deploy_id), f"D-{claim.deploy_id}")
        release = kept(await reading.release(deploy.release), f"the release of {deploy.number}")
        active = await reading.active_catalog()
        old = await reading.plan(deploy.id, deploy.plan) if deploy.plan else None
        from_version = await _running(reading, deploy)
        before = await _before(reading, active.catalog, deploy)
    target = target_of(ports.nomads, active.catalog, deploy)
    rendered = await render(target, active.catalog, deploy, release)
    show = active.catalog.services[deploy.service].show
    answer = await target.nomad.plan(target.namespace, rendered.job, rendered.live, show)
    if answer.base_index != index_of(rendered.live):
        raise NomadUnavailable("the job changed while it was planned")
    mark = fingerprint(rendered.job, rendered.live, release=release.fingerprint, environment=deploy.environment)
    moved = _moved(target, rendered, old, show) if old is not None and old.fingerprint != mark else ()
    differs = _differs(target, rendered, before, show)
    return _Drawn(active, target, rendered, answer, mark, old, from_version, moved, differs)


def _differs(target: Target, rendered: Rendered, before: Plan | None, show: frozenset[str]) -> tuple[str, ...]:
    return target.nomad.differences(before.job, rendered.job, show) if before else ()


async def _before(reading: Reading, catalog: Catalog, deploy: Deploy) -> Plan | None:
    """What this release was registered as in the environment before, where it passed there."""
    for after in catalog.environments[deploy.environment].after:
        runs = await reading.runs(deploy.service, after.environment)
        passed = [run for run in runs if run.release == deploy.release and run.passed]
        source = await reading.deploy(passed[-1].deploy_id) if passed else None
        if source is not None:
            return await reading.plan(source.id, source.plan)
    return None


def _moved(target: Target, rendered: Rendered, old: Plan, show: frozenset[str]) -> tuple[str, ...]:
    return target.nomad.moved(old, rendered.live, rendered.job, show) or ("The change is no longer the same.",)


async def _running(reading: Reading, deploy: Deploy) -> str | None:
    last = await reading.last_succeeded(deploy.service, deploy.environment)
    return last.version if last else None


async def _invalid(judgement: Judgement, *, lines: tuple[str, ...]) -> None:
    note = Note(
        text=f"Nomad refuses {judgement.deploy.service} {judgement.deploy.version} "
        f"for {judgement.deploy.environment} ({judgement.deploy.number}):",
        code="\n".join(lines),
    )
    await _end(judgement, Status.INVALID, EventType.DEPLOY_INVALID, "; ".join(lines), note)


async def _unchanged(judgement: Judgement, drawn: _Drawn) -> None:
    deploy = judgement.deploy
    note = Note(
        text=f"Nothing to do: {deploy.service} in {deploy.environment} already runs exactly this "
        f"({deploy.version}, {deploy.number}).",
        action=("Deploy again anyway", "deploy.again", f"{deploy.number}:{deploy.plan + 1}"),
    )
    await judgement.tx.add_plan(_plan_of(judgement, drawn))
    await _end(judgement, Status.UNCHANGED, EventType.DEPLOY_UNCHANGED, "Nomad says that nothing would change.", note)


async def _end(judgement: Judgement, status: Status, kind: EventType, detail: str, note: Note) -> None:
    """End a deploy in planning: its requester alone is told, unless the channel has seen it already."""
    deploy = judgement.deploy
    number = deploy.plan + 1 if status is Status.UNCHANGED else deploy.plan
    ended = deploy.advance(status, judgement.now, detail=detail, plan=number)
    await judgement.tx.save_deploy(ended)
    await judgement.record(kind, WORKER, detail=detail[:500])
    requester = human_behind(deploy.requester)
    if requester and await judgement.tx.unsend_card(deploy.id):
        tell = Outgoing(
            kind=Delivery.TELL,
            deploy_id=deploy.id,
            note=note,
            user=requester,
            channel=deploy.asked_in,
            response_url=deploy.asked_via,
        )
        await judgement.tx.send(tell, judgement.now)
        return
    await judgement.redraw(urgent=True)
    await judgement.tx.send(Outgoing(kind=Delivery.THREAD, deploy_id=deploy.id, note=note), judgement.now)


async def _planned(judgement: Judgement, *, drawn: _Drawn) -> None:
    if late(judgement.deploy, judgement.now):
        await expire(judgement.tx, judgement.deploy, judgement.now)
        return
    if judgement.facts.fingerprint != drawn.active.fingerprint:
        await judgement.tx.save_deploy(replace(judgement.deploy, due_at=judgement.now))
        return
    if drawn.answer.unchanged:
        await _unchanged(judgement, drawn)
        return
    plan = _plan_of(judgement, drawn)
    moved = bool(plan.moved)
    await judgement.tx.add_plan(plan)
    carried = await carry_approvals(judgement, plan)
    facts = replace(judgement.facts, approvals=carried)
    deploy = judgement.deploy.advance(
        Status.WAITING,
        judgement.now,
        plan=plan.number,
        catalog=judgement.facts.fingerprint,
        due_at=judgement.now + RECHECK,
        expires_at=judgement.now + drawn.target.environment.expires if moved else judgement.deploy.expires_at,
    )
    await judgement.tx.save_deploy(deploy)
    await judgement.record(
        EventType.DEPLOY_PLANNED,
        WORKER,
        base_index=str(plan.base_index),
        effect=plan.effect,
        expires_at=deploy.expires_at,
        fingerprint=plan.fingerprint,
        from_version=plan.from_version,
        moved=list(plan.moved),
        plan=plan.number,
        voided=moved,
    )
    after = replace(judgement, facts=replace(facts, deploy=deploy))
    await show_plan(after, plan, judgement.facts.approvals)
    if after.facts.seating.complete:
        await make_ready(after)


def _plan_of(judgement: Judgement, drawn: _Drawn) -> Plan:
    live = drawn.rendered.live
    return Plan(
        deploy_id=judgement.deploy.id,
        number=judgement.deploy.plan + 1,
        at=judgement.now,
        job=frozen(drawn.rendered.job),
        fingerprint=drawn.fingerprint,
        base_index=index_of(live),
        base_version=version_of(live),
        replaced=frozen(without_server_fields(live)) if live else "",
        from_version=drawn.from_version,
        changes=drawn.answer.changes,
        effect=drawn.answer.effect,
        warnings=drawn.answer.warnings,
        moved=drawn.moved,
        differs=drawn.differs,
        healthy=is_healthy(live),
        unchanged=drawn.answer.unchanged,
    )
