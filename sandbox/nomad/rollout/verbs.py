"""The verbs for deployments: promote, fail, pause and resume."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sandbox.nomad.records import Json, key_of, rfc3339
from sandbox.nomad.refusals import Refused, several
from sandbox.nomad.rollout.failing import BY_HAND, fail
from sandbox.nomad.scheduler.apply import RUNNING, description
from sandbox.nomad.scheduler.evaluations import evaluation_of
from sandbox.nomad.status import ENDED_DEPLOYMENTS, health_of

if TYPE_CHECKING:
    from sandbox.nomad.state import Batch, State

PAUSED = "Deployment is paused"


def active_deployment(state: State, deployment_id: str, verb: str) -> Json:
    """The deployment for a verb. Raises Refused with 500 if it is unknown or has ended."""
    deployment = state.deployments.get(deployment_id)
    if deployment is None:
        raise Refused(500, "deployment not found")
    if deployment["Status"] in ENDED_DEPLOYMENTS:
        raise Refused(500, f"can't {verb} terminal deployment")
    return deployment


def answer(deployment: Json, evaluation: Json | None, reverted_to: int | None = None) -> Json:
    """The answer to a verb."""
    index = deployment["ModifyIndex"]
    return {
        "DeploymentModifyIndex": index,
        "EvalCreateIndex": evaluation["CreateIndex"] if evaluation else 0,
        "EvalID": evaluation["ID"] if evaluation else "",
        "Index": index,
        "RevertedJobVersion": reverted_to,
    }


def promote(state: State, deployment_id: str, groups: list[str] | None) -> Json:
    """Promote the canaries of these groups, or of all groups. Raises Refused while too few of them are healthy."""
    deployment = active_deployment(state, deployment_id, "promote")
    # an unknown group name is no error and does nothing
    names = list(deployment["TaskGroups"]) if groups is None else groups
    problems = [
        f'Task group "{name}" has {have}/{group["DesiredCanaries"]} healthy allocations'
        for name, group in deployment["TaskGroups"].items()
        if name in names and not group["Promoted"]
        if (have := healthy_canaries(state, group)) < group["DesiredCanaries"]
    ]
    if problems:
        raise Refused(500, several(problems))
    return promote_groups(state, deployment, names)


def healthy_canaries(state: State, group: Json) -> int:
    """The number of a group's healthy canaries."""
    placed = [state.allocations.get(one) for one in group["PlacedCanaries"] or []]
    return sum(1 for one in placed if one is not None and health_of(one))


def promote_groups(state: State, deployment: Json, names: list[str]) -> Json:
    """Promote groups without checking health, and return the answer to the call."""
    with state.batch("DeploymentPromotion") as batch:
        groups = {
            name: with_promotion(group, batch) if name in names and group["DesiredCanaries"] else group
            for name, group in deployment["TaskGroups"].items()
        }
        still = [one for one in groups.values() if one["DesiredCanaries"] and not one["Promoted"]]
        # a paused deployment may be promoted; it continues after it is resumed
        text = deployment["StatusDescription"] if still or deployment["Status"] == "paused" else RUNNING
        changed = {"TaskGroups": groups, "StatusDescription": text, "ModifyTime": batch.now}
        stored = batch.put_deployment({**deployment, **changed})
        evaluation = batch.put_evaluation(next_evaluation(state, deployment))
    return answer(stored, evaluation)


def with_promotion(group: Json, batch: Batch) -> Json:
    """A group's counters after a promotion, with a new progress deadline."""
    return {**group, "Promoted": True, "RequireProgressBy": deadline(group, batch)}


def deadline(group: Json, batch: Batch) -> str | None:
    """A new progress deadline from now on; None if the group has none yet."""
    # without a placed allocation there is no deadline to restart
    if group["RequireProgressBy"] is None:
        return None
    return rfc3339(batch.now + batch.state.clock.to_wall_ns(group["ProgressDeadline"]))


def next_evaluation(state: State, deployment: Json) -> Json:
    """Create an evaluation for the deployment's next step."""
    job = state.jobs[key_of(deployment)]
    return evaluation_of(job, "deployment-watcher", DeploymentID=deployment["ID"])


def fail_by_hand(state: State, deployment_id: str) -> Json:
    """Fail a deployment on request."""
    deployment = active_deployment(state, deployment_id, "fail")
    revert = any(group["AutoRevert"] for group in deployment["TaskGroups"].values())
    failure = fail(state, deployment, BY_HAND, revert=revert)
    return answer(failure.deployment, failure.evaluation, failure.reverted_to)


def pause(state: State, deployment_id: str, *, paused: bool) -> Json:
    """Pause or resume a deployment; both restart the progress deadline, and only resuming creates an evaluation."""
    deployment = active_deployment(state, deployment_id, "pause" if paused else "resume")
    with state.batch("DeploymentStatusUpdate") as batch:
        groups = {
            name: {**group, "RequireProgressBy": deadline(group, batch)}
            for name, group in deployment["TaskGroups"].items()
        }
        text = PAUSED if paused else description(list(groups.values()))
        status = {"Status": "paused" if paused else "running", "StatusDescription": text, "ModifyTime": batch.now}
        stored = batch.put_deployment({**deployment, "TaskGroups": groups, **status})
        evaluation = None if paused else batch.put_evaluation(next_evaluation(state, deployment))
    return answer(stored, evaluation)
