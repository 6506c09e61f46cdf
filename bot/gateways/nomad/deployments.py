"""Nomad's deployment object as a record."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from bot.domain.deploy.rollout import GroupHealth, NomadDeployment

if TYPE_CHECKING:
    from collections.abc import Mapping


def nomad_deployment(found: Mapping[str, Any]) -> NomadDeployment:
    """The parts of ``GET /v1/deployment/:id`` that matter here (docs/nomad.md, "Deployments")."""
    groups = found.get("TaskGroups") or {}
    deadlines = [instant for each in groups.values() if (instant := _instant(each.get("RequireProgressBy")))]
    return NomadDeployment(
        id=str(found["ID"]),
        status=str(found["Status"]),
        description=str(found.get("StatusDescription") or ""),
        job_version=int(found["JobVersion"]),
        job_spec_modify_index=int(found["JobSpecModifyIndex"]),
        groups=tuple(_group(name, groups[name]) for name in sorted(groups)),
        create_index=int(found.get("CreateIndex") or 0),
        require_progress_by=max(deadlines, default=None),
    )


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
    """Nomad's time; none for null and for the zero time of older servers."""
    if not text or text.startswith("0001-"):
        return None
    return datetime.fromisoformat(text)
