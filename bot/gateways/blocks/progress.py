"""What a deploy's message says of the rollout: healthy counts, and after a failure Nomad's own reasons."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from bot.domain.deploy import Status
from bot.domain.rollout import RolloutKind, RolloutStatus
from bot.gateways.blocks.text import code, words

if TYPE_CHECKING:
    from bot.domain.message import Card
    from bot.domain.rollout import GroupHealth, Rollout, TaskFailure

_CELLS = 12
# Nomad's StatusDescription of a failed deployment that reverts (nomad/structs/structs.go)
_ROLLED_BACK_TO = re.compile(r"rolling back to job version (\d+)")


def progress_of(card: Card) -> list[str]:
    """Lines on our rollout and on Nomad's own reverts, in that order; empty before there is one."""
    lines: list[str] = []
    for rollout in card.rollouts:
        lines += _own(card, rollout) if rollout.kind is RolloutKind.DEPLOY else _revert(rollout)
    return lines


def _own(card: Card, rollout: Rollout) -> list[str]:
    lines = [health(rollout)] if rollout.wanted else []
    if len(rollout.groups) > 1:
        lines += [_group(group) for group in rollout.groups[:8]]
    if rollout.note:
        lines.append(f":information_source: {words(rollout.note, 500)}")
    if rollout.status is RolloutStatus.FAILED or card.deploy.status is Status.FAILED:
        lines += _why(card, rollout)
    return lines


def health(rollout: Rollout) -> str:
    """A bar and the counts: ``▓▓▓▓░░ 4/6 healthy``."""
    # old allocations that are still healthy can make more than were asked for
    wanted, healthy = rollout.wanted, min(rollout.healthy, rollout.wanted)
    cells = min(_CELLS, wanted)
    full = healthy * cells // wanted
    unhealthy = sum(group.unhealthy for group in rollout.groups)
    more = f", {unhealthy} unhealthy" if unhealthy else ""
    return f"{'▓' * full}{'░' * (cells - full)} *{healthy}/{wanted} healthy*{more}"


def _group(group: GroupHealth) -> str:
    canaries = f", {group.canaries} canaries" if group.canaries else ""
    return f"• {code(group.name, 100)} {group.healthy}/{group.desired} healthy, {group.placed} placed{canaries}"


def _why(card: Card, rollout: Rollout) -> list[str]:
    lines = [f"*Why* {words(rollout.detail, 600)}"] if rollout.detail else []
    if rollout.failure:
        lines.append(_failure(rollout.failure))
    reverted = _reverted(card, rollout)
    return [*lines, reverted] if reverted else lines


def _failure(failure: TaskFailure) -> str:
    said = f": {words(failure.message, 500)}" if failure.message else ""
    # Nomad's message mostly has the exit code in it already
    missing = failure.exit_code is not None and f"Exit Code: {failure.exit_code}" not in failure.message
    ended = f" (exit code {failure.exit_code})" if missing else ""
    where = f"task {code(failure.task, 100)} of group {code(failure.group, 100)}"
    return f"*First failed task* {where}: {words(failure.event, 100)}{said}{ended}"


def _reverted(card: Card, rollout: Rollout) -> str:
    said = _ROLLED_BACK_TO.search(rollout.detail)
    if said is None and rollout.reverted_to is None:
        return ""
    made = f" as job version {rollout.reverted_to}" if rollout.reverted_to is not None else ""
    # Nomad reverts to the last *stable* version, which need not be the one that ours replaced
    base = card.plan.base_version if card.plan else None
    # without Nomad's words, the version before ours is the only one that it can have gone back to by itself
    same = said is None or base is None or int(said[1]) == base
    if same and card.from_version:
        return f":rewind: Nomad *reverted to* {words(card.from_version, 150)}{made}"
    target = f"job version {said[1]}" if said else "the version before"
    return f":rewind: Nomad *reverted to* {target}{made}"


def _revert(rollout: Rollout) -> list[str]:
    states = {
        RolloutStatus.RUNNING: "is under way",
        RolloutStatus.SUCCEEDED: "is complete",
        RolloutStatus.FAILED: "failed as well",
        RolloutStatus.SUPERSEDED: "was overtaken by a newer version",
    }
    counts = f" ({rollout.healthy}/{rollout.wanted} healthy)" if rollout.wanted else ""
    note = rollout.note or rollout.detail
    more = f": {words(note, 500)}" if note else ""
    return [f":rewind: Nomad's revert {states[rollout.status]}{counts}{more}"]
