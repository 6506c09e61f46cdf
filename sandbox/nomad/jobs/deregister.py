"""Stops, purges, scales and evaluates a job."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sandbox.nomad.jobs.submissions import copy_submission
from sandbox.nomad.jobs.versions import RPC_FIELDS, evaluate_change, register_answer
from sandbox.nomad.records import find_group
from sandbox.nomad.refusals import Refused
from sandbox.nomad.scheduler.evaluations import evaluation_of
from sandbox.nomad.status import ACTIVE_DEPLOYMENTS, starts_nothing

if TYPE_CHECKING:
    from sandbox.nomad.records import JobKey, Json
    from sandbox.nomad.state import State

NOTHING_DONE: Json = {
    **RPC_FIELDS,
    "EvalCreateIndex": 0,
    "EvalID": "",
    "Index": 0,
    "JobModifyIndex": 0,
    "VolumeEvalID": "",
    "VolumeEvalIndex": 0,
}


def stop(state: State, key: JobKey) -> Json:
    """Stop a job, with a new version each time; a missing job gets a normal answer, too."""
    job = state.jobs.get(key)
    if job is None:
        return NOTHING_DONE
    # does not check the job's state: to stop a stopped job again makes one more version
    with state.batch("JobDeregistered") as batch:
        stopped = {**job, "Stop": True, "Stable": job["Stable"], "Version": job["Version"] + 1, "VersionTag": None}
        kept = batch.put_job({**stopped, "JobModifyIndex": batch.index, "SubmitTime": batch.now})
        copy_submission(state, job, kept)
        batch.next_line()
        evaluation = evaluate_change(kept, "job-deregister", batch)
    return deregister_answer(evaluation, batch.index)


def purge(state: State, key: JobKey) -> Json:
    """Delete a job and everything that belongs to it; its evaluations stay readable."""
    job = state.jobs.get(key)
    if job is None:
        return NOTHING_DONE
    with state.batch("JobDeregistered") as batch:
        batch.purge(key)
        batch.next_line()
        # the clients end the running allocations; the evaluation finds nothing left to do
        evaluation = evaluate_change(job, "job-deregister", batch)
    return deregister_answer(evaluation, batch.index)


def deregister_answer(evaluation: Json | None, index: int) -> Json:
    """The answer to a stop or a purge."""
    known = {"EvalID": evaluation["ID"], "EvalCreateIndex": evaluation["CreateIndex"]} if evaluation else {}
    return {**NOTHING_DONE, **known, "Index": index, "JobModifyIndex": index}


def scale(state: State, key: JobKey, group: str, count: int) -> Json:
    """Change one group's count, with a new version. Raises Refused with 400 while a deployment is active."""
    job = state.jobs.get(key)
    if job is None:
        raise Refused(404, f'job "{key.id}" not found')
    if find_group(job, group) is None:
        raise Refused(400, f'task group "{group}" specified for scaling does not exist in job')
    latest = state.latest_deployment(key)
    if latest is not None and latest["Status"] in ACTIVE_DEPLOYMENTS:
        raise Refused(400, "job scaling blocked due to active deployment")
    groups = [{**one, "Count": count} if one["Name"] == group else one for one in job["TaskGroups"]]
    with state.batch("JobRegistered") as batch:
        scaled = {**job, "TaskGroups": groups, "Version": job["Version"] + 1, "Stable": False, "VersionTag": None}
        kept = batch.put_job({**scaled, "JobModifyIndex": batch.index, "SubmitTime": batch.now})
        copy_submission(state, job, kept)
        evaluation = batch.put_evaluation(evaluation_of(kept, "job-scaling", JobModifyIndex=batch.index))
    return {**register_answer(kept, evaluation, batch.index), "KnownLeader": True}


def evaluate(state: State, key: JobKey) -> Json:
    """Evaluate a job as it is. Raises Refused with 500 for periodic and parameterized jobs."""
    job = state.jobs.get(key)
    if job is None:
        raise Refused(500, "job not found")
    if starts_nothing(job):
        kind = "periodic" if job["Periodic"] else "parameterized"
        raise Refused(500, f"can't evaluate {kind} job")
    with state.batch("EvaluationUpdated") as batch:
        known = {"JobModifyIndex": job["JobModifyIndex"]}
        evaluation = batch.put_evaluation(evaluation_of(job, "job-register", **known))
    return register_answer(job, evaluation, batch.index)
