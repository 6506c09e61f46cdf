"""Operations on a job's older versions: revert to one, mark one stable, tag one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sandbox.nomad.jobs.submissions import copy_submission
from sandbox.nomad.refusals import Refused
from sandbox.nomad.scheduler.evaluations import evaluation_of
from sandbox.nomad.status import starts_nothing

if TYPE_CHECKING:
    from sandbox.nomad.records import JobKey, Json
    from sandbox.nomad.state import Batch, State

RPC_FIELDS: Json = {"KnownLeader": False, "LastContact": 0, "NextToken": ""}


def register_again(job: Json, target: Json, batch: Batch, *, stable: bool) -> Json:
    """Register an older version again as the newest version, with the older version's submission."""
    # SubmitTime and NomadTokenID stay those of the older version
    fresh = {
        **target,
        "Version": job["Version"] + 1,
        "Stable": stable,
        "Status": job["Status"],
        "JobModifyIndex": batch.index,
        "VersionTag": None,
    }
    stored = batch.put_job(fresh)
    copy_submission(batch.state, target, stored)
    return stored


def register_answer(job: Json, evaluation: Json | None, index: int, warnings: str = "") -> Json:
    """The answer to a register; has no evaluation if none was created."""
    return {
        **RPC_FIELDS,
        "EvalCreateIndex": evaluation["CreateIndex"] if evaluation else 0,
        "EvalID": evaluation["ID"] if evaluation else "",
        "Index": index,
        "JobModifyIndex": job["JobModifyIndex"],
        "Warnings": warnings,
    }


def known_job(state: State, key: JobKey) -> Json:
    """The job with that key. Raises Refused with 500, as writes do, if there is none."""
    job = state.jobs.get(key)
    if job is None:
        raise Refused(500, f'job "{key.id}" not found')
    return job


def revert(state: State, key: JobKey, version: int, prior: int | None) -> Json:
    """Revert a job to an older version. Raises Refused with 500 and Nomad's text."""
    job = state.jobs.get(key)
    if job is None:
        raise Refused(500, f'job "{key.id}" in namespace "{key.namespace}" not found')
    if version == job["Version"]:
        raise Refused(500, "can't revert to current version")
    target = state.version(key, version)
    # Nomad keeps six versions, so an older one may be gone
    if target is None:
        raise Refused(500, f'job "{key.id}" in namespace "{key.namespace}" at version {version} not found')
    if prior is not None and prior != job["Version"]:
        raise Refused(500, f"Current job has version {job['Version']}; enforcing version {prior}")
    with state.batch("JobRegistered") as batch:
        stored = register_again(job, target, batch, stable=False)
        batch.next_line()
        evaluation = evaluate_change(stored, "job-register", batch)
    return register_answer(stored, evaluation, batch.index)


def evaluate_change(job: Json, trigger: str, batch: Batch) -> Json | None:
    """Create an evaluation for a changed job; None for jobs that only create children."""
    if starts_nothing(job):
        return None
    return batch.put_evaluation(evaluation_of(job, trigger, JobModifyIndex=batch.index))


def mark_stable(state: State, key: JobKey, version: int, *, stable: bool) -> Json:
    """Set or clear a version's Stable flag."""
    job = state.version(key, version)
    if job is None:
        raise Refused(500, f'job "{key.id}" in namespace "{key.namespace}" at version {version} not found')
    with state.batch("JobStability") as batch:
        batch.put_job({**job, "Stable": stable})
    return {**RPC_FIELDS, "JobModifyIndex": batch.index, "Index": batch.index}


def tag(state: State, key: JobKey, name: str, version: int, text: str) -> Json:
    """Tag a version. Raises Refused with 500 if another version has the tag."""
    holder = next((one for one in state.versions.get(key, []) if (one["VersionTag"] or {}).get("Name") == name), None)
    if holder is not None and holder["Version"] != version:
        raise Refused(500, f'tag "{name}" already exists on a different version of job "{key.id}"')
    job = state.version(key, version)
    if job is None:
        raise Refused(500, f'job "{key.id}" version {version} not found')
    mark = {"Name": name, "Description": text, "TaggedTime": state.clock.now_ns()}
    with state.batch("JobVersionTag") as batch:
        batch.put_job({**job, "VersionTag": mark})
    return {**RPC_FIELDS, **mark, "Index": batch.index}


def untag(state: State, key: JobKey, name: str) -> Json:
    """Remove a tag. Raises Refused with 500 if no version has it."""
    holder = next((one for one in state.versions.get(key, []) if (one["VersionTag"] or {}).get("Name") == name), None)
    if holder is None:
        raise Refused(500, f'tag "{name}" not found on job "{key.id}"')
    with state.batch("JobVersionTag") as batch:
        batch.put_job({**holder, "VersionTag": None})
    return {**RPC_FIELDS, "Name": "", "Description": "", "TaggedTime": 0, "Index": batch.index}
