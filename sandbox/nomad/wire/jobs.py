"""Handlers for the paths under /v1/jobs and /v1/job."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from sandbox.nomad.diffs import diff
from sandbox.nomad.jobs.deregister import evaluate, purge, scale, stop
from sandbox.nomad.jobs.dispatch import children_of, dispatch
from sandbox.nomad.jobs.register import admit
from sandbox.nomad.jobs.versions import mark_stable, revert, tag, untag
from sandbox.nomad.refusals import Refused
from sandbox.nomad.scheduler.plan import plan
from sandbox.nomad.wire.call import Answer, Missing
from sandbox.nomad.wire.lists import page_of
from sandbox.nomad.wire.shapes import allocation_stub, job_stub, summary_of

if TYPE_CHECKING:
    from sandbox.nomad.records import Json
    from sandbox.nomad.wire.call import Call


def job_list(call: Call) -> Answer:
    """The jobs of a namespace (or of all, `*`), by id prefix and filter, page by page."""
    state, prefix = call.cluster.state, call.query.get("prefix", "")
    found = [
        (f"{key.namespace}.{key.id}", job)
        for key, job in sorted(state.jobs.items())
        if call.namespace in {"*", key.namespace} and key.id.startswith(prefix)
    ]
    shown, next_token = page_of(call, found)
    stubs = [job_stub(state, job, with_meta=call.flag("meta")) for job in shown]
    return Answer(stubs, state.tables["jobs"], next_token)


def validate(call: Call) -> Answer:
    """Whether Nomad would accept a job, with its errors and warnings."""
    try:
        admit(call.cluster.state, call.job_in_body(), call.namespace_for_job())
    except Refused as refusal:
        lines = [line.removeprefix("\t* ") for line in refusal.text.splitlines() if line.startswith("\t* ")]
        return Answer({"DriverConfigValidated": True, "Error": refusal.text, "ValidationErrors": lines, "Warnings": ""})
    return Answer({"DriverConfigValidated": True, "Error": "", "ValidationErrors": None, "Warnings": ""})


def job(call: Call) -> Answer:
    """The job as it is."""
    state = call.cluster.state
    found = state.jobs.get(call.key)
    if found is None:
        raise Missing("job not found", state.tables["jobs"])
    return Answer(found, found["ModifyIndex"])


def plan_job(call: Call) -> Answer:
    """The dry run of a register."""
    sent = call.job_in_body()
    if sent.get("ID") != call.key.id:
        raise Refused(400, "Job ID does not match")
    cluster = call.cluster
    kept = admit(cluster.state, sent, call.namespace_for_job())
    return Answer(plan(cluster.state, cluster.nodes, kept, with_diff=bool(call.fields.get("Diff"))))


def deregister(call: Call) -> Answer:
    """Stop, or purge."""
    done = purge(call.cluster.state, call.key) if call.flag("purge") else stop(call.cluster.state, call.key)
    return Answer(done, done["Index"])


def versions(call: Call) -> Answer:
    """The stored versions, newest first, with diffs between them if the call requests diffs."""
    state = call.cluster.state
    kept = state.versions.get(call.key)
    if not kept:
        raise Missing("job versions not found", state.tables["jobs"])
    index = max(one["ModifyIndex"] for one in kept)
    rest = {"Index": index, "KnownLeader": True, "LastContact": 0, "NextToken": ""}
    return Answer({"Versions": kept, "Diffs": diffs_of(call, kept), **rest}, index)


def diffs_of(call: Call, kept: list[Json]) -> list[Json] | None:
    """The diffs: each version against the one before it, or against the version that the call names."""
    number, name = call.query.get("diff_version"), call.query.get("diff_tag")
    if number or name:
        fixed = next((one for one in kept if is_called(one, number, name)), None)
        if fixed is None:
            raise Refused(500, f"version {number or name} not found")
        return [diff(fixed, one) for one in kept if one is not fixed]
    if not call.flag("diffs"):
        return None
    return [diff(older, newer) for newer, older in pairwise(kept)]


def is_called(job: Json, number: str | None, name: str | None) -> bool:
    """Whether a version has this number, or this tag if there is no number."""
    if number:
        return str(job["Version"]) == number
    return bool((job["VersionTag"] or {}).get("Name") == name)


def submission(call: Call) -> Answer:
    """The source of one version."""
    text = call.query.get("version", "")
    if not text.isdecimal():
        raise Refused(400, "Unable to parse job submission version parameter")
    known = call.cluster.state.submissions.get((call.key, int(text)))
    if known is None:
        raise Missing("job source not found", 0)
    return Answer(known, known["JobModifyIndex"])


def deployments(call: Call) -> Answer:
    """The job's deployments, sorted by id."""
    # a real agent sorts by id, too, so clients must look at CreateIndex to find the newest
    state = call.cluster.state
    found = state.deployments_of(call.key, every_incarnation=call.flag("all"))
    return Answer(sorted(found, key=lambda one: str(one["ID"])), state.tables["deployments"])


def latest_deployment(call: Call) -> Answer:
    """The newest deployment, or null."""
    state = call.cluster.state
    found = state.latest_deployment(call.key)
    return Answer(found, found["ModifyIndex"] if found else state.tables["deployments"])


def allocations(call: Call) -> Answer:
    """The job's allocations."""
    state = call.cluster.state
    found = sorted(state.allocations_of(call.key), key=lambda one: -int(one["CreateIndex"]))
    return Answer([allocation_stub(one) for one in found], state.tables["allocations"])


def evaluations(call: Call) -> Answer:
    """The job's evaluations, newest first."""
    state = call.cluster.state
    found = sorted(state.evaluations_of(call.key), key=lambda one: -int(one["CreateIndex"]))
    return Answer(found, state.tables["evaluations"])


def summary(call: Call) -> Answer:
    """The number of allocations in each state."""
    found = call.cluster.state.jobs.get(call.key)
    if found is None:
        raise Missing("job not found", call.cluster.state.tables["jobs"])
    shown = summary_of(call.cluster.state, found, children_of(call.cluster.state, call.key))
    return Answer(shown, shown["ModifyIndex"])


def revert_job(call: Call) -> Answer:
    """Register an older version again."""
    body = call.fields
    done = revert(call.cluster.state, call.key, int(body.get("JobVersion") or 0), body.get("EnforcePriorVersion"))
    return Answer(done, done["Index"])


def stable(call: Call) -> Answer:
    """Mark a version stable."""
    body = call.fields
    version = int(body.get("JobVersion") or 0)
    done = mark_stable(call.cluster.state, call.key, version, stable=bool(body.get("Stable")))
    return Answer(done, done["Index"])


def tag_version(call: Call) -> Answer:
    """Tag a version."""
    body = call.fields
    current = call.cluster.state.jobs.get(call.key)
    number = current["Version"] if current and body.get("Latest") else int(body.get("Version") or 0)
    return Answer(tag(call.cluster.state, call.key, call.parts["name"], number, str(body.get("Description") or "")))


def untag_version(call: Call) -> Answer:
    """Remove a tag."""
    return Answer(untag(call.cluster.state, call.key, call.parts["name"]))


def dispatch_job(call: Call) -> Answer:
    """Create a child of a parameterized job."""
    body = call.fields
    token = call.query.get("idempotency_token") or str(body.get("IdempotencyToken") or "")
    done = dispatch(call.cluster.state, call.key, body, token)
    return Answer(done, done["Index"])


def scale_job(call: Call) -> Answer:
    """Change a group's count."""
    body = call.fields
    count = body.get("Count")
    if not isinstance(count, int) or isinstance(count, bool):
        raise Refused(400, "scaling action must have a count")
    done = scale(call.cluster.state, call.key, str((body.get("Target") or {}).get("Group") or ""), count)
    return Answer(done, done["Index"])


def evaluate_job(call: Call) -> Answer:
    """Evaluate the job as it is."""
    done = evaluate(call.cluster.state, call.key)
    return Answer(done, done["Index"])
