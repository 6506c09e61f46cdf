"""Rollbacks: what may be asked, what a deploy can go back to, and whether that needs new approvals."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from bot.domain.actor import human_behind
from bot.domain.decision import Allowed, Decision, refuse
from bot.domain.deploy.deploy import Deploy, Status, WayBack
from bot.domain.deploy.gates import LONGEST_REASON, SHORTEST_REASON
from bot.domain.deploy.plan import JobState
from bot.domain.deploy.rollout import Rollout, RolloutKind, RolloutStatus
from bot.domain.durations import in_words as lasting
from bot.domain.names import named, unknown_name

if TYPE_CHECKING:
    from bot.domain.catalog.catalog import Catalog
    from bot.domain.decision import Refused
    from bot.domain.deploy.approval import Approval
    from bot.domain.deploy.plan import Base, Plan

EXEMPT: Final = "It goes before other deploys, and waits for nothing but its approvals and the locks of others."
"""What holds no rollback, in words."""
_GOES_TO_NOMAD: Final = frozenset({Status.PLANNING, Status.WAITING, Status.READY, Status.DISPATCHING})


@dataclass(frozen=True, slots=True, kw_only=True)
class Rollback:
    """What somebody wants to roll back: a service in an environment (None: left out), and why.

    ``to`` is the number of the deploy to go back to, or ``BASELINE``; None for the last one that succeeded before what
    runs. ``undoes`` is the deploy whose message had the button, None if it was typed.
    """

    service: str
    environment: str | None
    reason: str
    to: int | str | None = None
    undoes: int | None = None

    @property
    def target(self) -> str:
        """``D-11``, ``baseline``, or empty."""
        return f"D-{self.to}" if isinstance(self.to, int) else self.to or ""


def rollback_of(deploy: Deploy, reason: str = "") -> Rollback:
    """What the button on a deploy's message asks for."""
    return Rollback(service=deploy.service, environment=deploy.environment, reason=reason, undoes=deploy.id)


# --- what may be asked -----------------------------------------------------------------------------------------------


def check_rollback(catalog: Catalog, asked: Rollback) -> tuple[str, str, Decision]:
    """Service and environment of a rollback as the catalog names them, and whether it is well formed."""
    service = named(asked.service, catalog.services)
    if service is None:
        return "", "", refuse("unknown-service", unknown_name("service", asked.service, catalog.services))
    placed = catalog.services[service].placements
    if asked.environment is None and len(placed) > 1:
        choices = " or ".join(f"`{service} in {name}`" for name in placed)
        return service, "", refuse("environment-missing", f"In which environment? Write {choices}.")
    environment = next(iter(placed), "") if asked.environment is None else named(asked.environment, placed) or ""
    if not environment:
        return service, "", refuse("unknown-environment", unknown_name("environment", asked.environment or "", placed))
    return service, environment, _check_reason(asked.reason)


def _check_reason(reason: str) -> Decision:
    length = len(reason.strip())
    if length < SHORTEST_REASON:
        text = f"The reason is missing: say why, in {SHORTEST_REASON} characters or more. It is the lock's reason, too."
        return refuse("reason-missing", text)
    if length > LONGEST_REASON:
        return refuse("reason-too-long", f"Keep the reason within {LONGEST_REASON} characters.")
    return Allowed()


# --- what it can go back to ------------------------------------------------------------------------------------------


def place_of(deploy: Deploy) -> str:
    """``checkout in production``."""
    return f"{deploy.service} in {deploy.environment}"


def check_undoes(running: Deploy, undoes: Deploy | None) -> Decision:
    """Whether the deploy whose button was clicked is what runs there; None if nobody clicked on one."""
    if undoes is None or undoes.id == running.id:
        return Allowed()
    back = running.rollback
    if back is not None and back.undoes_deploy == undoes.id:
        text = f"{undoes.number} is rolled back already, to {back.name}: {running.number}."
    else:
        text = f"{undoes.number} is no longer what runs: {running.number} ({running.release_name}) replaced it."
    return refuse("not-running", f"{text} To roll that back: `/deploy rollback {place_of(running)} because TEXT`.")


def reverting(rollouts: Iterable[Rollout]) -> Rollout | None:
    """Nomad's own revert of a deploy, if it runs or has succeeded; None if Nomad made none, or it failed."""
    reverts = [each for each in rollouts if each.kind is RolloutKind.REVERT]
    done = {RolloutStatus.RUNNING, RolloutStatus.SUCCEEDED}
    return reverts[-1] if reverts and reverts[-1].status in done else None


def already_reverted(running: Deploy, revert: Rollout, restored: Deploy | None) -> Refused:
    """The refusal to do what Nomad does, or has done, by itself; ``restored`` is the deploy whose job it restores."""
    doing = "is reverting" if revert.status is RolloutStatus.RUNNING else "has already reverted"
    version = "" if revert.job_version is None else f" as job version {revert.job_version}"
    to = "the job before" if restored is None else f"{restored.release_name} ({restored.number})"
    further = f"To go further back: `/deploy rollback {place_of(running)} to D-n because TEXT`."
    text = f"Nomad {doing} {place_of(running)} from {running.number} to {to} by itself{version}. {further}"
    return refuse("already-reverted", text)


def check_target(target: Deploy, running: Deploy, *, changed: bool) -> Decision:
    """Whether one can go back from what runs to the deploy that somebody named.

    ``changed``: what Nomatron sent last no longer runs, because Nomad has reverted it, or somebody changed the job.
    """
    if (target.service, target.environment) != (running.service, running.environment):
        text = f"{target.number} is a deploy of {place_of(target)}, not of {place_of(running)}."
        return refuse("rollback-elsewhere", f"{text} {_history(running)}")
    back = running.rollback
    again = back is not None and not back.baseline and back.deploy == target.id
    if not changed and (again or target.id == running.id):
        by = f": {running.number} went back to it" if again else ""
        text = f"{target.number} ({target.release_name}) is what runs in {target.environment}{by}. {_history(running)}"
        return refuse("already-runs", text)
    if target.status is not Status.SUCCEEDED:
        ended = f"{target.number} {_ENDS.get(target.status, 'has not finished')}."
        text = f"{ended} A rollback goes back to a deploy that succeeded. {_history(running)}"
        return refuse("rollback-not-successful", text)
    return Allowed()


_ENDS: Final = {
    Status.FAILED: "failed",
    Status.REJECTED: "was rejected",
    Status.EXPIRED: "expired",
    Status.WITHDRAWN: "was withdrawn",
    Status.SUPERSEDED: "was superseded",
    Status.INVALID: "is invalid",
    Status.UNCHANGED: "changed nothing",
}


def _request(deploy: Deploy) -> str:
    return f"`/deploy {deploy.service} {deploy.version} to {deploy.environment}`"


def _history(deploy: Deploy) -> str:
    return f"For its deploys: `/deploy history {place_of(deploy)}`."


def nothing_before(service: str, environment: str, running: Deploy | None) -> Refused:
    """The refusal if nothing ran there that one could go back to."""
    place = f"{service} in {environment}"
    if running is None:
        text = f"Nomatron has not deployed {place} yet, so there is nothing to go back from."
    else:
        text = (
            f"Nothing succeeded in {place} before {running.number} ({running.release_name}). Deploy another version: "
            f"`/deploy {service} VERSION to {environment}`."
        )
    return refuse("no-predecessor", text)


def no_baseline(running: Deploy) -> Refused:
    """The refusal to go back to a job of before Nomatron that there was not."""
    text = f"{place_of(running)} did not run before Nomatron first deployed it."
    return refuse("no-baseline", f"{text} {_history(running)}")


def baseline_runs(running: Deploy) -> Refused:
    """The refusal to go back to the job of before Nomatron if that is what was registered last."""
    text = f"The job that ran before Nomatron is what runs: {running.number} went back to it. {_history(running)}"
    return refuse("already-runs", text)


def not_kept(target: Deploy, *, baseline: bool) -> Refused:
    """The refusal to go back to a job that is no longer stored."""
    what = "The job that ran before Nomatron" if baseline else f"What {target.number} registered"
    again = f"To deploy a version again: `/deploy {target.service} VERSION to {target.environment}`."
    return refuse("job-not-kept", f"{what} is no longer kept. {again}")


def ran_elsewhere(target: Deploy) -> Refused:
    """The refusal to go back to what ran in another cluster or namespace, or under another job id."""
    text = f"The catalog deploys {place_of(target)} to another cluster, namespace or job than {target.number}."
    return refuse("rollback-elsewhere", f"{text} To deploy its version: {_request(target)}.")


def in_the_way(others: Iterable[Deploy], back: WayBack) -> Deploy | Refused | None:
    """The open rollback that does the same, or the refusal of a second one; None if there is none.

    One that rolls out already can be rolled back like any deploy.
    """
    for other in others:
        if other.rollback is None:
            continue
        if (other.rollback.deploy, other.rollback.baseline) == (back.deploy, back.baseline):
            return other
        if other.status in _GOES_TO_NOMAD:
            text = f"{place_of(other)} is being rolled back to {other.rollback.name} already: {other.number}."
            instead = f"To go elsewhere, withdraw that first: `/deploy withdraw {other.number}`."
            user = human_behind(other.requester)
            return refuse("rolling-back", f"{text} {instead}", users=(user,) if user else ())
    return None


# --- whether it needs new approvals ----------------------------------------------------------------------------------


def judged(
    back: WayBack,
    running: Deploy,
    plan: Plan | None,
    approvals: Iterable[Approval],
    *,
    window: timedelta,
    now: datetime,
) -> WayBack:
    """The way back, free of new approvals if it is the inverse of a deploy that was dispatched lately.

    ``plan`` and ``approvals`` are those of the deploy that runs.
    """
    why = _why_not_free(back, running, plan, window=window, now=now)
    if why:
        return replace(back, free=False, approvers=(), why=why)
    counted = (each.user.id for each in approvals if not each.void and each.plan == running.plan)
    return replace(back, free=True, approvers=tuple(dict.fromkeys(counted)), why="")


def _why_not_free(back: WayBack, running: Deploy, plan: Plan | None, *, window: timedelta, now: datetime) -> str:
    base = plan.base if plan else None
    if back.outside:
        return f"The job in Nomad is no longer what {running.number} made."
    if running.landed_at is None or now - running.landed_at >= window:
        return f"{running.number} was not dispatched within the last {lasting(window)}."
    if running.rollback is not None and running.rollback.free:
        return f"{running.number} is a rollback that nobody approved anew."
    if base is None or base.state is not JobState.RUNNING:
        return f"No job ran when {running.number} was dispatched."
    if (base.first if back.baseline else base.deploy == back.deploy) is not True:
        return f"{back.name} is not what {running.number} replaced."
    return ""


def confirmed(deploy: Deploy, base: Base) -> Deploy:
    """The deploy once it is planned: a rollback is the inverse that was approved only if nothing has changed since.

    ``base`` is what the plan replaces.
    """
    back = deploy.rollback
    unchanged = base.state is JobState.RUNNING and base.deploy == (back and back.undoes) and not base.reverted
    if back is None or not back.free or unchanged:
        return deploy
    why = f"The job in Nomad is no longer what D-{back.undoes} made."
    return replace(deploy, rollback=replace(back, free=False, approvers=(), why=why))


# --- in words --------------------------------------------------------------------------------------------------------


def in_words(deploy: Deploy) -> tuple[str, ...]:
    """What a rollback undoes and goes back to, and whether it needs new approvals, and why; nothing for other deploys.

    The surface names who approved what it undoes.
    """
    back = deploy.rollback
    if back is None:
        return ()
    to = "the job that ran before Nomatron" if back.baseline else f"{deploy.release_name} ({back.name})"
    what = "what was done outside Nomatron" if back.outside else f"{back.undone} (D-{back.undoes})"
    first = f"Rolls back {what} to {to}."
    if not back.free:
        return (first, f"It needs the approvals of a rollback: {back.why}", EXEMPT)
    approved = "" if back.approvers else f", and D-{back.undoes} needed none"
    free = f"It needs no new approvals: it goes back to what D-{back.undoes} replaced{approved}."
    return (first, free, EXEMPT)
