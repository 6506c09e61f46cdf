"""The dry run of a register: its diff, and the allocations that it would start, change and stop."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sandbox.nomad.diffs import annotate, diff
from sandbox.nomad.records import JobKey, Json
from sandbox.nomad.scheduler.decide import Decision, decide
from sandbox.nomad.scheduler.evaluations import blocked_evaluation, evaluation_of
from sandbox.nomad.specification import same_specification

if TYPE_CHECKING:
    from sandbox.nomad.scheduler.nodes import Nodes
    from sandbox.nomad.state import State


def plan(state: State, nodes: Nodes, job: Json, *, with_diff: bool) -> Json:
    """The answer to a plan of a job in stored form; writes nothing."""
    key = JobKey(job["Namespace"], job["ID"])
    existing = state.jobs.get(key)
    candidate = as_registered(state, job, existing)
    evaluation = evaluation_of(candidate, "job-register")
    decision = decide(state, nodes, key, candidate, evaluation)
    return {
        "Annotations": {"DesiredTGUpdates": decision.counters, "PreemptedAllocs": None},
        "CreatedEvals": created_evaluations(evaluation, decision, state.clock.now_ns()),
        "Diff": annotate(diff(existing, candidate), decision.counters) if with_diff else None,
        "FailedTGAllocs": decision.unplaced or None,
        "Index": existing["JobModifyIndex"] if existing else 0,
        "JobModifyIndex": existing["JobModifyIndex"] if existing else 0,
        "NextPeriodicLaunch": None,
        "Warnings": "",
    }


def as_registered(state: State, job: Json, existing: Json | None) -> Json:
    """The job as a register would store it now."""
    # a future index, so that running allocations count as allocations of an older specification
    ahead = {"JobModifyIndex": state.index + 1, "ModifyIndex": state.index + 1}
    if existing is None:
        return {**job, **ahead, "CreateIndex": state.index + 1}
    # another registrant's NomadTokenID or a tag makes a difference here, and none in the diff: so does Nomad
    if same_specification(job, existing):
        return existing
    return {**job, **ahead, "CreateIndex": existing["CreateIndex"], "Version": existing["Version"] + 1}


def created_evaluations(evaluation: Json, decision: Decision, now: int) -> list[Json] | None:
    """The blocked evaluation that the register would create, if any."""
    if not decision.failed:
        return None
    waits = {"Status": "blocked", "StatusDescription": "created to place remaining allocations"}
    times = {"CreateTime": now, "ModifyTime": now, "FailedTGAllocs": decision.failed}
    return [{**blocked_evaluation(evaluation, decision), **waits, **times}]
