"""Plan: render once, freeze, ask Nomad what would change, and put that before people."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

from bot.domain.actor import human_behind
from bot.domain.audit.events import EventType
from bot.domain.deploy.approval import mentions
from bot.domain.deploy.deploy import Status
from bot.domain.deploy.gates import RECHECK
from bot.domain.deploy.message import Delivery, Note, Outgoing
from bot.domain.deploy.plan import Plan, fingerprint, frozen, is_healthy, without_server_fields
from bot.domain.jobdiff.text import lines as diff_lines
from bot.errors import NomadRefused, NomadUnavailable
from bot.operations.deploys.decide import decide_on
from bot.operations.deploys.seats import make_ready
from bot.operations.deploys.target import Target, index_of, target_of, version_of
from bot.operations.deploys.transitions import (
    LONGEST_DETAIL,
    Redraw,
    expire,
    is_overdue,
    reply,
    to_requester,
    transition,
)
from bot.operations.require import require
from bot.operations.worker.claim import WORKER, or_hold, work_on
from bot.operations.worker.render import Rendered, render

if TYPE_CHECKING:
    from bot.domain.catalog.catalog import Catalog
    from bot.domain.decision import Refused
    from bot.domain.deploy.approval import Approval
    from bot.domain.deploy.deploy import Deploy
    from bot.operations.deploys.decide import Case
    from bot.ports import Ports
    from bot.ports.nomad import NomadPlan
    from bot.ports.store import ActiveCatalog, Claim, Reading

RETRY_AFTER = timedelta(seconds=3)
"""How soon a plan is tried again while Nomad is unreachable."""


@dataclass(frozen=True, slots=True)
class _Drawn:
    """What was read and what Nomad answered, before any of it is written."""

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
    """Plan it, or end it as invalid or unchanged; or why it stays in planning."""
    try:
        drawn = await _draw(ports, claim)
    except NomadRefused as refusal:
        return await decide_on(ports, claim.deploy_id, partial(_invalid, lines=refusal.lines), claim=claim)
    return await decide_on(ports, claim.deploy_id, partial(_planned, drawn=drawn), claim=claim)


async def _draw(ports: Ports, claim: Claim) -> _Drawn:
    async with ports.store.read() as reading:
        deploy = require(await reading.deploy(claim.deploy_id), f"D-{claim.deploy_id}")
        release = require(await reading.release(deploy.release), f"the release of {deploy.number}")
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
    """The plan by which this release was registered in the environment before, if it passed there."""
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


async def _invalid(case: Case, *, lines: tuple[str, ...]) -> None:
    deploy = case.deploy
    note = Note(
        text=f"Nomad refuses {deploy.service} {deploy.version} for {deploy.environment} ({deploy.number}):",
        code="\n".join(lines),
    )
    await _end(case, Status.INVALID, EventType.DEPLOY_INVALID, "; ".join(lines), note)


async def _unchanged(case: Case, drawn: _Drawn) -> None:
    deploy = case.deploy
    note = Note(
        text=f"Nothing to do: {deploy.service} in {deploy.environment} already runs exactly this "
        f"({deploy.version}, {deploy.number}).",
        action=("Deploy again anyway", "deploy.again", f"{deploy.number}:{deploy.plan + 1}"),
    )
    plan = _plan_of(case, drawn)
    await case.tx.add_plan(plan)
    detail = "Nomad says that nothing would change."
    await _end(case, Status.UNCHANGED, EventType.DEPLOY_UNCHANGED, detail, note, plan.number)


async def _end(case: Case, status: Status, event: EventType, detail: str, note: Note, plan: int | None = None) -> None:
    """End a deploy in planning: its requester alone is told, unless the channel has seen it already."""
    deploy, requester = case.deploy, human_behind(case.deploy.requester)
    alone = requester is not None and await case.tx.unsend_card(deploy.id)
    await transition(
        case.tx,
        deploy,
        status,
        at=case.now,
        event=event,
        actor=WORKER,
        catalog=case.facts.fingerprint,
        data={"detail": detail[:LONGEST_DETAIL]},
        changes={"detail": detail, "plan": plan or deploy.plan},
        card=Redraw.NONE if alone else Redraw.URGENT,
        note=None if alone else note,
    )
    if alone:
        tell = Outgoing(
            kind=Delivery.TELL,
            deploy_id=deploy.id,
            note=note,
            user=requester or "",
            channel=deploy.asked_in,
            response_url=deploy.asked_via,
        )
        await case.tx.send(tell, case.now)


async def _planned(case: Case, *, drawn: _Drawn) -> None:
    deploy, fingerprint = case.deploy, case.facts.fingerprint
    if is_overdue(deploy, case.now):
        await expire(case.tx, deploy, case.now)
        return
    if fingerprint != drawn.active.fingerprint:
        await case.tx.save_deploy(replace(deploy, due_at=case.now))
        return
    if drawn.answer.unchanged:
        await _unchanged(case, drawn)
        return
    plan = _plan_of(case, drawn)
    await case.tx.add_plan(plan)
    carried = await _carry_approvals(case, plan)
    expires_at = case.now + drawn.target.environment.expires if plan.moved else deploy.expires_at
    waiting = await transition(
        case.tx,
        deploy,
        Status.WAITING,
        at=case.now,
        event=EventType.DEPLOY_PLANNED,
        actor=WORKER,
        catalog=fingerprint,
        data={
            "base_index": str(plan.base_index),
            "effect": plan.effect,
            "expires_at": expires_at,
            "fingerprint": plan.fingerprint,
            "from_version": plan.from_version,
            "moved": list(plan.moved),
            "voided": bool(plan.moved),
        },
        changes={
            "plan": plan.number,
            "catalog": fingerprint,
            "due_at": case.now + RECHECK,
            "expires_at": expires_at,
        },
        card=Redraw.URGENT if plan.moved else Redraw.LATER,
    )
    after = replace(case, facts=replace(case.facts, deploy=waiting, approvals=carried))
    await _tell_of_plan(after, plan, case.facts.approvals)
    if after.facts.seating.complete:
        await make_ready(after)


async def _carry_approvals(case: Case, plan: Plan) -> tuple[Approval, ...]:
    """The approvals that hold for the new plan: all of the old one's if nothing moved, none if anything did."""
    live = [approval for approval in case.facts.approvals if not approval.void]
    if plan.moved:
        for approval in live:
            await case.tx.save_approval(replace(approval, void="the change moved"))
        return ()
    carried = tuple(replace(approval, plan=plan.number) for approval in live)
    for approval in carried:
        await case.tx.save_approval(approval)
    return carried


async def _tell_of_plan(case: Case, plan: Plan, before: tuple[Approval, ...]) -> None:
    """Tell those whose approval is void, then put the difference into the message's thread."""
    if plan.moved:
        await reply(case.tx, case.deploy, _void_note(case, plan, before), case.now)
    note = Note(
        text=f"Plan {plan.number}: {plan.effect}", lines=plan.warnings, code="\n".join(diff_lines(plan.changes))
    )
    await reply(case.tx, case.deploy, await _with_approvers(case, plan, note), case.now)


async def _with_approvers(case: Case, plan: Plan, note: Note) -> Note:
    """The note with the people whose approval is missing, if the message itself cannot notify them.

    Slack notifies nobody of a mention that comes with an update: of a message that stood before there was a plan, or
    of one that asks for approvals again.
    """
    missing = case.facts.seating.missing
    stood = await case.tx.posted(case.deploy.id) is not None
    if not missing or not stood or (plan.number > 1 and not plan.moved):
        return note
    labels = ", ".join(dict.fromkeys(seat.label for seat in missing))
    who = mentions(missing, without=None if case.facts.self_approval else case.facts.requester)
    lines = (*note.lines, f"Approval is needed from {labels}.")
    return replace(note, lines=lines, users=who["users"], groups=who["groups"])


def _void_note(case: Case, plan: Plan, before: tuple[Approval, ...]) -> Note:
    voided = [approval.user.id for approval in before if not approval.void]
    void = "; the approvals given to that plan are void." if voided else "."
    note = to_requester(case.deploy, f"{case.deploy.number} changed since plan {plan.number - 1}{void}", plan.moved)
    return replace(note, mention=tuple(dict.fromkeys([*note.mention, *voided])))


def _plan_of(case: Case, drawn: _Drawn) -> Plan:
    live = drawn.rendered.live
    return Plan(
        deploy_id=case.deploy.id,
        number=case.deploy.plan + 1,
        at=case.now,
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
