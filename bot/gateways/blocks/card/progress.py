"""The rollout in a deploy's message: healthy counts, and after a failure Nomad's reasons."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.domain.deploy.deploy import Status
from bot.domain.deploy.dispatch import how_to_resolve
from bot.domain.deploy.rollout import RolloutKind, RolloutStatus
from bot.domain.deploy.sentences import waiting_for, why_ended
from bot.gateways.blocks.text import code, moment, words

if TYPE_CHECKING:
    from bot.domain.deploy.message import Card
    from bot.domain.deploy.rollout import GroupHealth, Rollout, TaskFailure

_FEWEST_CELLS, _MOST_CELLS = 6, 12


def progress_of(card: Card) -> list[str]:
    """Lines on our rollout, also a late one, and on Nomad's own reverts, in that order; empty before there is one."""
    lines: list[str] = []
    for rollout in card.rollouts:
        lines += _revert(rollout) if rollout.kind is RolloutKind.REVERT else _own(card, rollout)
    if not card.deploy.status.open and any(rollout.stuck for rollout in card.rollouts):
        lines.append(words(how_to_resolve(card.deploy), 400))
    return lines


def _own(card: Card, rollout: Rollout) -> list[str]:
    late = rollout.kind is RolloutKind.LATE
    failed = rollout.status is RolloutStatus.FAILED or (card.deploy.status is Status.FAILED and not late)
    lines = [*([_late(rollout)] if late else []), *(_why(rollout) if failed else [])]
    if rollout.wanted:
        # what failed is rarely what runs now: the counts must not read as those of the environment
        lines.append(health(rollout) + (f" ({words(card.deploy.release_name, 160)})" if failed else ""))
    if len(rollout.groups) > 1:
        lines += [_group(group) for group in rollout.groups[:8]]
    waiting = waiting_for(rollout) if rollout.status is RolloutStatus.RUNNING else ""
    if waiting and rollout.stuck:
        lines.append(f":warning: *Stuck* since {moment(rollout.changed_at)}: {words(waiting, 500)}")
    elif waiting:
        lines.append(f":information_source: {words(waiting[:1].upper() + waiting[1:], 500)}")
    return [*lines, _revert_line(card, rollout)] if failed else lines


def _late(rollout: Rollout) -> str:
    """That a deploy which had ended is in Nomad, and how its rollout ended if it did not fail."""
    as_version = "" if rollout.job_version is None else f" as job version {rollout.job_version}"
    ended = {RolloutStatus.SUCCEEDED: ", and it succeeded", RolloutStatus.SUPERSEDED: ", and it was overtaken since"}
    return f":rotating_light: *Nomad registered this after all*{as_version}{ended.get(rollout.status, '')}"


def health(rollout: Rollout) -> str:
    """A bar and the counts: ``████░░ 4/6 healthy``."""
    # old allocations that are still healthy can make more than were asked for
    wanted, healthy = rollout.wanted, min(rollout.healthy, rollout.wanted)
    cells = min(_MOST_CELLS, wanted * -(-_FEWEST_CELLS // wanted))
    full = healthy * cells // wanted
    unhealthy = sum(group.unhealthy for group in rollout.groups)
    more = f", {unhealthy} unhealthy" if unhealthy else ""
    return f"{'█' * full}{'░' * (cells - full)} *{healthy}/{wanted} healthy*{more}"


def _group(group: GroupHealth) -> str:
    canaries = f", {group.canaries} canaries" if group.canaries else ""
    return f"• {code(group.name, 100)} {group.healthy}/{group.desired} healthy, {group.placed} placed{canaries}"


def _why(rollout: Rollout) -> list[str]:
    lines = [f"*Why* {words(rollout.detail, 600)}"] if rollout.detail else []
    return [*lines, _failure(rollout.failure)] if rollout.failure else lines


def _failure(failure: TaskFailure) -> str:
    said = f": {words(failure.message, 500)}" if failure.message else ""
    # Nomad's message mostly has the exit code in it already
    missing = failure.exit_code is not None and f"Exit Code: {failure.exit_code}" not in failure.message
    ended = f" (exit code {failure.exit_code})" if missing else ""
    where = f"{code(failure.task, 100)} of group {code(failure.group, 100)}"
    where += f", allocation {code(failure.allocation[:8])}" if failure.allocation else ""
    return f"*First failed task* {where}: {words(failure.event, 100)}{said}{ended}"


def _revert_line(card: Card, rollout: Rollout) -> str:
    """The version that Nomad reverted to, or that it did not revert; empty for a job that Nomad never reverts."""
    target = rollout.reverted_to
    if target is None:
        return ":warning: Nomad did not revert automatically." if rollout.nomad_deployment else ""
    # Nomad reverts to the last *stable* version, which need not be the one that ours replaced
    same = card.plan is None or card.plan.base_version in {None, target}
    version = f"{words(card.from_version, 150)} (job version {target})" if same and card.from_version else ""
    made = next((each.job_version for each in card.rollouts if each.kind is RolloutKind.REVERT), None)
    as_version = f", as job version {made}" if made is not None else ""
    return f":rewind: Nomad *reverted to* {version or f'job version {target}'}{as_version}"


def _revert(rollout: Rollout) -> list[str]:
    states = {
        RolloutStatus.RUNNING: "is under way",
        RolloutStatus.SUCCEEDED: "is complete",
        RolloutStatus.FAILED: "also failed",
        RolloutStatus.SUPERSEDED: "was overtaken by a newer version",
    }
    counts = f" ({rollout.healthy}/{rollout.wanted} healthy)" if rollout.wanted else ""
    # what Nomad says of a success is no more than the line itself
    states_why = {RolloutStatus.RUNNING: waiting_for(rollout), RolloutStatus.SUCCEEDED: ""}
    why = states_why.get(rollout.status, why_ended(rollout))
    more = f": {words(why, 500)}" if why else ""
    return [f":rewind: Nomad's revert {states[rollout.status]}{counts}{more}"]
