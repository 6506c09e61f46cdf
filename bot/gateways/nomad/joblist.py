"""Reads Nomad's list of jobs (docs/nomad.md, "Lists of jobs")."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, Final

from bot.domain.deploy.base import instant
from bot.domain.deploy.matrix import Listed
from bot.domain.deploy.rollout import Start

if TYPE_CHECKING:
    from collections.abc import Collection

    from bot.gateways.nomad.client import Client

_LONGEST_FILTER: Final = 2_000
"""Characters of a filter that names the jobs, so that the address of the call fits every proxy on the way."""


async def listed(client: Client, namespace: str, ids: Collection[str]) -> tuple[Listed, ...]:
    """Those of these jobs that the namespace's list has; the list is cut down by Nomad."""
    # back-ticks can hold everything but themselves
    only = " or ".join(f"ID == `{each}`" for each in sorted(ids))
    named = len(only) <= _LONGEST_FILTER and not any("`" in each for each in ids)
    # children of periodic and parameterized jobs may be many thousands
    wanted = only if named else "ParentID is empty"
    found = [each async for page in client.pages("jobs", namespace=namespace, filter=wanted) for each in page]
    return tuple(_listed(each) for each in found if each["ID"] in ids)


def _listed(stub: dict[str, Any]) -> Listed:
    """The record of a job in a list (docs/nomad.md, "Lists of jobs")."""
    counts: Counter[str] = Counter()
    for group in ((stub.get("JobSummary") or {}).get("Summary") or {}).values():
        counts.update({name: int(group.get(name) or 0) for name in ("Running", "Starting", "Queued", "Unknown")})
    later = Start.SCHEDULE if stub.get("Periodic") else Start.REGISTER
    return Listed(
        job=str(stub["ID"]),
        index=int(stub["JobModifyIndex"]),
        type=str(stub["Type"]),
        status=str(stub["Status"]),
        stopped=bool(stub["Stop"]),
        start=Start.DISPATCH if stub.get("ParameterizedJob") else later,
        created=int(stub["CreateIndex"]),
        submitted_at=instant(stub.get("SubmitTime")),
        running=counts["Running"],
        starting=counts["Starting"],
        unplaced=counts["Queued"],
        unreachable=counts["Unknown"],
    )
