"""Plan: render the job once, ask Nomad what it would change, and show that to the people who approve."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

from bot.domain.actor import human_behind
from bot.domain.audit.events import EventType
from bot.domain.catalog.variable import shown
from bot.domain.deploy.approval import mentions
from bot.domain.deploy.base import facts_of
from bot.domain.deploy.deploy import Status
from bot.domain.deploy.gates import RECHECK
from bot.domain.deploy.message import Delivery, Note, Outgoing
from bot.domain.deploy.plan import (
    JobState,
    Plan,
    job_text,
    next_fingerprint,
    only_counts_moved,
    state_of,
    without_server_fields,
)
from bot.domain.deploy.promotion import newest_passed
from bot.domain.deploy.sentences import STARTS_STOPPED, cause_of, moves
from bot.domain.jobdiff.whole import about, pages, plan_lines
from bot.domain.rollback import confirmed, in_words
from bot.errors import NomadRefused, NomadUnavailable
from bot.operations.deploys.decide import decide_on
from bot.operations.deploys.target import Target, check_target, index_of, target_of, version_of
from bot.operations.deploys.transitions import (
    LONGEST_DETAIL,
    Redraw,
    expire,
    is_overdue,
    make_ready,
    reply,
    supersede_older,
    to_requester,
    transition,
)
from bot.operations.require import require
from bot.operations.rollback.way_back import frozen_job, release_of
from bot.operations.worker.base import has_succeeded, replaced_by
from bot.operations.worker.claim import WORKER, Work, hold_if_blocked
from bot.operations.worker.render import Rendered, render, render_frozen
from bot.operations.worker.revised import template_note, unchanged_note, with_downgrade
from bot.ports.nomad import Known

if TYPE_CHECKING:
    from datetime import datetime

    from bot.domain.catalog.catalog import Catalog
    from bot.domain.decision import Refused
    from bot.domain.deploy.approval import Approval
    from bot.domain.deploy.base import Traced
    from bot.domain.deploy.deploy import Deploy
    from bot.domain.deploy.plan import Base
    from bot.operations.deploys.decide import Case
    from bot.ports import Ports
    from bot.ports.claims import Claim
    from bot.ports.nomad import NomadPlan
    from bot.ports.store import ActiveCatalog, Reading

RETRY_AFTER = timedelta(seconds=3)
"""How soon a plan is tried again while Nomad is unreachable."""
_REST = "This is the beginning. The whole plan is in the file below."


@dataclass(frozen=True, slots=True)
class _Draft:
    """A plan before it is written: everything that was read, and Nomad's answer."""

    read_at: datetime
    active: ActiveCatalog
    target: Target
    rendered: Rendered
    answer: NomadPlan
    fingerprint: str
    base: Base
    moved: tuple[str, ...]
    compared_with: str
    differs: tuple[str, ...]
    healthy: bool


async def step(ports: Ports) -> bool:
    """Plan the oldest deploy that needs a plan; returns whether there was one."""
    return await WORK.once(ports)


async def _plan(ports: Ports, claim: Claim) -> None:
    await hold_if_blocked(ports, claim, _draft_and_decide(ports, claim), RETRY_AFTER)


WORK = Work(frozenset({Status.PLANNING}), _plan)


async def _draft_and_decide(ports: Ports, claim: Claim) -> Refused | None:
    """Plan the deploy, or end it as invalid or unchanged; returns why it stays in planning, if it does."""
    try:
        draft = await _make_draft(ports, claim)
    except NomadRefused as refusal:
        invalid = partial(_end_invalid, lines=refusal.lines, by=refusal.by)
        return await decide_on(ports, claim.deploy_id, invalid, claim=claim)
    return await decide_on(ports, claim.deploy_id, partial(_save_plan, draft=draft), claim=claim)


async def _make_draft(ports: Ports, claim: Claim) -> _Draft:
    # reads and calls only: a crash here costs nothing, and no transaction waits for Nomad
    read_at = ports.clock.now()
    async with ports.store.read() as reading:
        deploy = require(await reading.deploy(claim.deploy_id), f"D-{claim.deploy_id}")
        release = await release_of(reading, deploy)
        frozen = await frozen_job(reading, deploy.rollback) if deploy.rollback is not None else None
        active = await reading.active_catalog()
        await check_target(reading, active.catalog, deploy)
        old = await reading.plan(deploy.id, deploy.plan) if deploy.plan else None
        compared_with, before = await _plan_before(reading, active.catalog, deploy)
    target = target_of(ports.nomads, active.catalog, deploy)
    if frozen is None:
        rendered = await render(target, active.catalog, deploy, release)
    else:
        rendered = render_frozen(frozen, await target.nomad.job(target.namespace, target.job_id), target, deploy)
    show = active.catalog.services[deploy.service].show
    replaced = await replaced_by(ports, deploy, target, active.catalog, rendered.live)
    known = Known(
        # a job of before Nomatron is in Nomad's stored form, like the live one
        ours=replaced.ours if deploy.release else None,
        outside=replaced.traced.outside,
        # those of a rollback were set by another request
        overrides={name: shown(value) for name, value in deploy.overrides.items()} if frozen is None else {},
        versions=frozenset({deploy.version, replaced.traced.base.version or deploy.version}),
    )
    answer = await target.nomad.plan(target.namespace, rendered.job, rendered.live, show, known=known)
    # the job was read before it was planned: the difference that people see must be to the version that is replaced
    if answer.base_index != index_of(rendered.live):
        raise NomadUnavailable("the job changed while it was planned")
    mark = next_fingerprint(
        None if old is None or _was_stopped_since(old, rendered) else old.fingerprint,
        rendered.job,
        rendered.live,
        release=release.fingerprint,
        environment=deploy.environment,
        cluster=target.cluster.address,
    )
    moved: tuple[str, ...] = ()
    if old is not None and old.fingerprint != mark:
        moved = _changes_since(old, target, rendered, replaced.traced, show)
    answer = replace(answer, warnings=(*replaced.warnings, *answer.warnings))
    differs = _differences(target, before, rendered, show)
    healthy = answer.unchanged and await has_succeeded(target, rendered.live, replaced.traced.made, ports.clock.now())
    return _Draft(
        read_at, active, target, rendered, answer, mark, replaced.traced.base, moved, compared_with, differs, healthy
    )


def _differences(target: Target, before: Plan | None, rendered: Rendered, show: frozenset[str]) -> tuple[str, ...]:
    if before is None:
        return ()
    if not before.is_kept:
        return ("The job that ran there is no longer kept, so nothing was compared.",)
    return target.nomad.differences(before.job, rendered.job, show)


async def _plan_before(reading: Reading, catalog: Catalog, deploy: Deploy) -> tuple[str, Plan | None]:
    """The first previous environment that this release has passed, and its plan there; empty and None if none."""
    # a rollback has run here
    afters = catalog.environments[deploy.environment].after if deploy.rollback is None else ()
    for after in afters:
        runs = await reading.runs(deploy.service, after.environment, deploy.release)
        passed = newest_passed([run for run in runs if run.release == deploy.release])
        source = await reading.deploy(passed.deploy_id) if passed else None
        if source is not None:
            return after.environment, await reading.plan(source.id, source.plan)
    return "", None


def _was_stopped_since(old: Plan, rendered: Rendered) -> bool:
    """Whether a plan of format 1, whose fingerprint does not say it, was made before the job was stopped."""
    moved = old.base_index != index_of(rendered.live)
    was = old.base.state if old.base else None
    stopped = state_of(rendered.live) is JobState.STOPPED and was is not JobState.STOPPED
    return ":" not in old.fingerprint and moved and stopped


def _changes_since(old: Plan, target: Target, rendered: Rendered, now: Traced, show: frozenset[str]) -> tuple[str, ...]:
    cause = cause_of(old.base, now.base, now.outside)
    changed = target.nomad.moved(old, rendered.live, rendered.job, show, cause=cause)
    # never empty: an empty list means that approvals stay, and another fingerprint voids them
    return (*moves(old.base, now.base), *changed) or ("The plan is no longer the same.",)


async def _end_invalid(case: Case, *, lines: tuple[str, ...], by: str) -> None:
    deploy = case.deploy
    what = f"{deploy.service} {deploy.release_name} for {deploy.environment} ({deploy.number})"
    note = Note(
        text=f"{by} refused the job of {what}:",
        code="\n".join(lines),
    )
    await _end(case, Status.INVALID, EventType.DEPLOY_INVALID, "; ".join(lines), note)


async def _end_unchanged(case: Case, draft: _Draft) -> None:
    plan = _plan_of(case, draft)
    await case.tx.add_plan(plan)
    detail = "Nomad would change nothing."
    note = await unchanged_note(case, plan)
    await _end(case, Status.UNCHANGED, EventType.DEPLOY_UNCHANGED, detail, note, plan.number)


async def _end(case: Case, status: Status, event: EventType, detail: str, note: Note, plan: int | None = None) -> None:
    """End a deploy in planning; only its requester is told, unless its message is already in the channel."""
    deploy, requester = case.deploy, human_behind(case.deploy.requester)
    # a typing error is nobody else's business: remove the message that waits to be posted
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


async def _save_plan(case: Case, *, draft: _Draft) -> None:
    deploy, fingerprint = confirmed(case.deploy, draft.base), case.facts.fingerprint
    if is_overdue(deploy, case.now):
        await expire(case.tx, deploy, case.now)
        return
    # the draft was made under another catalog: its variables, target or comparison may be wrong
    if fingerprint != draft.active.fingerprint:
        await case.tx.save_deploy(replace(deploy, due_at=case.now))
        return
    if draft.answer.unchanged:
        await _end_unchanged(case, draft)
        return
    plan = await _store_plan(case, await with_downgrade(case.tx, deploy, _plan_of(case, draft)))
    is_new = plan.number > deploy.plan
    carried = await _carry_approvals(case, plan)
    # whoever approved before has to read and approve again, so the time for that starts again
    expires_at = case.now + draft.target.environment.expires if plan.moved else deploy.expires_at
    waiting = await transition(
        case.tx,
        deploy,
        Status.WAITING,
        at=case.now,
        event=EventType.DEPLOY_PLANNED,
        actor=WORKER,
        catalog=fingerprint,
        data=_said_of(deploy, plan, draft.base, case.facts.approvals, expires_at),
        changes={
            "plan": plan.number,
            "catalog": fingerprint,
            "due_at": case.now + RECHECK,
            "expires_at": expires_at,
        },
        card=Redraw.URGENT if plan.moved else Redraw.LATER,
    )
    after = replace(case, facts=replace(case.facts, deploy=waiting, approvals=carried))
    if is_new:
        await _publish_plan(after, plan, case.facts.approvals)
    # no rule, or carried approvals: nobody would act on the deploy any more, so it has to go on by itself
    if after.facts.seating.complete:
        await make_ready(after, tell=is_new)


def _said_of(
    deploy: Deploy, plan: Plan, base: Base, before: tuple[Approval, ...], expires_at: datetime
) -> dict[str, object]:
    """What the audit log says of a plan; ``before`` are the approvals of the plan before."""
    return {
        "base": facts_of(base),
        "base_index": str(plan.base_index),
        "effect": plan.effect,
        "expires_at": expires_at,
        "fingerprint": plan.fingerprint,
        "from_version": plan.from_version,
        "moved": list(plan.moved),
        "void_approvals": 0 if not plan.moved else sum(not each.void for each in before),
        "voided": bool(plan.moved),
        **({} if deploy.rollback is None else {"free": deploy.rollback.free}),
    }


async def _store_plan(case: Case, plan: Plan) -> Plan:
    """Store the plan under its number, or under the old one's if only counts of scaled groups moved; returns it so.

    An autoscaler moves counts all the time, and nobody has to read or approve that: no new number, no message.
    """
    old = await case.tx.plan(case.deploy.id, case.deploy.plan) if case.deploy.plan else None
    # attempts belong to a plan by its number, and each carries the plan's base: they must not get another one
    if old and only_counts_moved(old, plan) and not await case.tx.attempts(old.deploy_id, old.number):
        await case.tx.save_plan(replace(plan, number=old.number, moved=old.moved))
        return replace(plan, number=old.number)
    await case.tx.add_plan(plan)
    return plan


async def _carry_approvals(case: Case, plan: Plan) -> tuple[Approval, ...]:
    """Carry the approvals over to the new plan if nothing changed, or void them; returns those that count now."""
    live = [approval for approval in case.facts.approvals if not approval.void]
    if plan.moved:
        for approval in live:
            await case.tx.save_approval(replace(approval, void="the plan changed"))
        return ()
    # the same fingerprint: people have approved exactly this change
    carried = tuple(replace(approval, plan=plan.number) for approval in live)
    for approval in carried:
        await case.tx.save_approval(approval)
    return carried


async def _publish_plan(case: Case, plan: Plan, before: tuple[Approval, ...]) -> None:
    """Tell the approvers if their approvals are void, then post the whole plan in the message's thread.

    With its first plan the deploy supersedes the older ones.
    """
    if plan.number == 1:
        await supersede_older(case)
    if plan.moved:
        await reply(case.tx, case.deploy, _void_note(case, plan, before), case.now)
    first, *further = pages(plan_lines(case.deploy, plan))
    lines = (*in_words(case.deploy), *about(case.deploy, plan))
    note = Note(text=f"Plan {plan.number}: {plan.effect}", lines=(*lines, _REST) if further else lines, code=first)
    await reply(case.tx, case.deploy, await _with_approvers(case, plan, note), case.now)
    if further:
        every = f"Every change of plan {plan.number}: /deploy plan {case.deploy.number}"
        await reply(case.tx, case.deploy, Note(text=every, plan=plan.number), case.now)
    template = await template_note(case, plan) if plan.number == 1 else None
    if template is not None:
        await reply(case.tx, case.deploy, template, case.now)


async def _with_approvers(case: Case, plan: Plan, note: Note) -> Note:
    """The note, with mentions of the people who have to approve if the message itself cannot notify them.

    Slack notifies nobody of a mention that is added by an update of a message.
    """
    missing = case.facts.seating.missing
    is_posted = await case.tx.posted(case.deploy.id) is not None
    if not missing or not is_posted or (plan.number > 1 and not plan.moved):
        return note
    labels = ", ".join(dict.fromkeys(seat.label for seat in missing))
    who = mentions(missing, without=None if case.facts.self_approval else case.facts.requester)
    lines = (*note.lines, f"Approval is needed from {labels}.")
    return replace(note, lines=lines, users=who["users"], groups=who["groups"])


def _void_note(case: Case, plan: Plan, before: tuple[Approval, ...]) -> Note:
    voided = [approval.user.id for approval in before if not approval.void]
    void = "; its approvals no longer count." if voided else "."
    note = to_requester(case.deploy, f"{case.deploy.number} changed since plan {plan.number - 1}{void}", plan.moved)
    return replace(note, mention=tuple(dict.fromkeys([*note.mention, *voided])))


def _plan_of(case: Case, draft: _Draft) -> Plan:
    live, base = draft.rendered.live, draft.base
    # a stopped job may have been stopped for a reason, so nobody starts it again without reading that
    starts = (STARTS_STOPPED,) if base.state is JobState.STOPPED else ()
    return Plan(
        deploy_id=case.deploy.id,
        number=case.deploy.plan + 1,
        # before anything was read: what the event stream tells from then on may be a change since
        at=draft.read_at,
        job=job_text(draft.rendered.job),
        fingerprint=draft.fingerprint,
        base_index=index_of(live),
        base_version=version_of(live),
        replaced=job_text(without_server_fields(live)) if live else "",
        from_version=base.version,
        changes=draft.answer.changes,
        effect=draft.answer.effect,
        warnings=(*starts, *draft.rendered.overruled, *draft.answer.warnings),
        moved=draft.moved,
        differs=draft.differs,
        compared_with=draft.compared_with,
        healthy=draft.healthy,
        unchanged=draft.answer.unchanged,
        base=base,
    )
