"""Turns Nomad's deployment object into a record."""

from __future__ import annotations

import re
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from bot.domain.deploy.rollout import GroupHealth, NomadDeployment, RolloutWait
from bot.domain.masking import scrub

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bot.domain.jobdiff.hidden import Clean

# Nomad's StatusDescriptions (nomad/structs/structs.go): the only place where its sentences are read
_ROLLS_BACK: Final = re.compile(r"\s*-?\s*rolling back to job version (\d+)")
_WAITS: Final = (
    ("pending automatic promotion", RolloutWait.AUTO_PROMOTION),
    ("requires manual promotion", RolloutWait.PROMOTION),
)
_JOB_STOPPED: Final = "job is stopped"


def nomad_deployment(found: Mapping[str, Any], clean: Clean = scrub) -> NomadDeployment:
    """The record of a deployment from ``GET /v1/deployment/:id`` (docs/nomad.md, "Deployments").

    ``clean`` masks what nobody may see in Nomad's text.
    """
    groups = found.get("TaskGroups") or {}
    deadlines = [instant for each in groups.values() if (instant := _instant(each.get("RequireProgressBy")))]
    said, status = str(found.get("StatusDescription") or ""), str(found["Status"])
    return NomadDeployment(
        id=str(found["ID"]),
        status=status,
        description=clean(_ROLLS_BACK.sub("", said)),
        job_version=int(found["JobVersion"]),
        job_spec_modify_index=int(found["JobSpecModifyIndex"]),
        groups=tuple(_group(name, groups[name]) for name in sorted(groups)),
        create_index=int(found.get("CreateIndex") or 0),
        require_progress_by=max(deadlines, default=None),
        waits_for=_waits_for(status, said),
        rolls_back_to=rolls_back_to(found),
        job_stopped=_JOB_STOPPED in said,
    )


def rolls_back_to(found: Mapping[str, Any]) -> int | None:
    """The job version that Nomad restores because this deployment failed; None if it restores none."""
    said = _ROLLS_BACK.search(str(found.get("StatusDescription") or ""))
    return int(said[1]) if said else None


def _waits_for(status: str, said: str) -> RolloutWait | None:
    if status == "paused":
        return RolloutWait.RESUME
    return next((wait for words, wait in _WAITS if words in said), None)


def _group(name: str, state: Mapping[str, Any]) -> GroupHealth:
    return GroupHealth(
        name=name,
        desired=int(state.get("DesiredTotal") or 0),
        placed=int(state.get("PlacedAllocs") or 0),
        healthy=int(state.get("HealthyAllocs") or 0),
        unhealthy=int(state.get("UnhealthyAllocs") or 0),
        canaries=int(state.get("DesiredCanaries") or 0),
        promoted=bool(state.get("Promoted")),
    )


def _instant(text: str | None) -> datetime | None:
    """A time from Nomad; None for null, and for the zero time that older servers send."""
    if not text or text.startswith("0001-"):
        return None
    return datetime.fromisoformat(text)
