"""Has Nomad plan a job, and redacts the answer before anything else sees it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from bot.domain.deploy.plan import job_text, without_server_fields
from bot.domain.jobdiff.changes import changes
from bot.domain.jobdiff.effect import effect, warnings
from bot.domain.jobdiff.hidden import cleaner
from bot.ports.nomad import NomadPlan

if TYPE_CHECKING:
    from bot.domain.deploy.plan import Job
    from bot.domain.jobdiff.redaction import Redactor
    from bot.gateways.nomad.client import Client


async def plan(client: Client, namespace: str, job: Job, live: Job | None, redactor: Redactor) -> NomadPlan:
    """What registering the job would change; ``NomadRefused`` if Nomad refuses the job."""
    asked = f'{{"Job":{job_text(without_server_fields(job))},{json.dumps({"Diff": True})[1:]}'
    clean = cleaner([job, live], redactor)
    reply = await client.post("job", job["ID"], "plan", namespace=namespace, body=asked.encode(), clean=clean)
    answer = reply.record()
    diff = answer.get("Diff") or {"Type": "None"}
    return NomadPlan(
        base_index=int(answer.get("JobModifyIndex") or 0),
        unchanged=diff["Type"] == "None",
        changes=changes(diff, redactor),
        effect=clean(effect(answer, job)),
        warnings=tuple(map(clean, warnings(answer, job, live))),
    )
