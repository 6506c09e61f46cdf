"""Fails a deployment, and reverts its job to a stable version if it should."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from sandbox.nomad.jobs.versions import register_again
from sandbox.nomad.records import Json, key_of
from sandbox.nomad.scheduler.evaluations import evaluation_of
from sandbox.nomad.specification import same_specification

if TYPE_CHECKING:
    from sandbox.nomad.state import State

UNHEALTHY = "Failed due to unhealthy allocations"
NO_PROGRESS = "Failed due to progress deadline"
BY_HAND = "Deployment marked as failed"


class Failure(NamedTuple):
    """A failed deployment, its evaluation, and the version to which the job was reverted."""

    deployment: Json
    evaluation: Json
    reverted_to: int | None


def fail(state: State, deployment: Json, why: str, *, revert: bool) -> Failure:
    """Fail a deployment; with `revert`, in the same batch revert the job to its newest stable version if it has one."""
    job = state.jobs[key_of(deployment)]
    target = newest_stable(state, job) if revert else None
    suffix = ""
    if revert:
        suffix, target = ending(job, target)
    # one batch, one index: the failed deployment's ModifyIndex is the JobModifyIndex of the reverted job
    with state.batch("DeploymentStatusUpdate") as batch:
        ended = {"Status": "failed", "StatusDescription": why + suffix, "ModifyTime": batch.now}
        failed = batch.put_deployment({**deployment, **ended})
        if target is not None:
            job = register_again(job, target, batch, stable=True)
        evaluation = evaluation_of(job, "deployment-watcher", DeploymentID=deployment["ID"])
        evaluation = batch.put_evaluation(evaluation)
    return Failure(failed, evaluation, None if target is None else int(target["Version"]))


def newest_stable(state: State, job: Json) -> Json | None:
    """The newest stable version of a job; None if there is none."""
    known = state.versions[key_of({"Namespace": job["Namespace"], "JobID": job["ID"]})]
    return next((one for one in known if one["Stable"]), None)


def ending(job: Json, target: Json | None) -> tuple[str, Json | None]:
    """The end of the failed deployment's description, and the version to revert to if that would change anything."""
    if target is None:
        return " - no stable job version to auto revert to", None
    number = target["Version"]
    # otherwise a stable version that no longer starts would be reverted to forever
    if same_specification(job, target):
        return f" - not rolling back to stable job version {number} as current job has same specification", None
    return f" - rolling back to job version {number}", target
