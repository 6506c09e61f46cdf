"""Has Nomad plan a job, compares the job with the live one, and redacts both before anything else sees them."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Final

from bot.domain.deploy.plan import job_text, without_server_fields
from bot.domain.jobdiff.changes import by_danger, change_list, requested
from bot.domain.jobdiff.effect import changed_names, effect, task_effects, warnings
from bot.domain.jobdiff.hidden import cleaner
from bot.domain.refusals import names_other_region, refuses_plan
from bot.gateways.nomad.forms.comparable import comparable, versions
from bot.ports.nomad import Known, NomadPlan
from jobspec.job.bare import without_defaults

if TYPE_CHECKING:
    from bot.domain.deploy.plan import Job
    from bot.domain.jobdiff.redaction import Redactor
    from bot.gateways.nomad.client import Client

ONLY_OURS: Final = "Nomad's own plan reports no change, but the jobs differ in what is listed here"
ONLY_NOMADS: Final = "Nomad reports an edit that this list does not show"


async def plan(
    client: Client, namespace: str, job: Job, live: Job | None, redactor: Redactor, known: Known | None = None
) -> NomadPlan:
    """What registering the job would change; ``NomadRefused`` if Nomad refuses the job."""
    asked = f'{{"Job":{job_text(without_server_fields(job))},{json.dumps({"Diff": True})[1:]}'
    known = known or Known()
    redactor = replace(redactor, plain=known.versions)
    clean = cleaner([job, live], redactor)
    is_final = partial(refuses_plan, names_region=names_other_region(job.get("Region"), client.cluster.region))
    place, request = ("job", job["ID"], "plan"), asked.encode()
    reply = await client.post(*place, namespace=namespace, body=request, clean=clean, is_final=is_final)
    answer = reply.record()
    diff = answer.get("Diff") or {"Type": "None"}
    by_nomad = changed_names(diff)
    before, after = comparable(without_server_fields(job), live, known.ours, by_nomad)
    changes = change_list(
        before,
        after,
        redactor,
        outside=versions(known.outside),
        effects=task_effects(diff),
        fold=without_defaults,
    )
    agreed = bool(changes) == bool(by_nomad)
    doubt = () if agreed else (ONLY_OURS if changes else ONLY_NOMADS,)
    return NomadPlan(
        base_index=int(answer.get("JobModifyIndex") or 0),
        unchanged=not changes and agreed,
        changes=by_danger((*changes, *requested(known.overrides))),
        effect=clean(effect(answer, job)),
        warnings=(*doubt, *map(clean, warnings(answer, job, live))),
    )
