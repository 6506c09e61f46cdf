"""Writes a decision: allocations, the deployment and its counters, in one batch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sandbox.nomad.records import Json, new_id, rfc3339
from sandbox.nomad.scheduler.situation import BEING_UPDATED
from sandbox.nomad.status import is_stopping

if TYPE_CHECKING:
    from sandbox.nomad.scheduler.decide import Decision, Placed
    from sandbox.nomad.state import Batch

RUNNING = "Deployment is running"
NEEDS_PROMOTION = "Deployment is running but requires manual promotion"
PROMOTES_ITSELF = "Deployment is running pending automatic promotion"
SUCCESSFUL = "Deployment completed successfully"


def apply(decision: Decision, evaluation: Json, batch: Batch) -> Json | None:
    """Write a decision into the batch; returns the deployment that it created or changed, if any."""
    batch.put_evaluation(evaluation)
    if decision.cancel:
        old, why = decision.cancel
        batch.put_deployment({**old, "Status": "cancelled", "StatusDescription": why, "ModifyTime": batch.now})
    deployment = decision.deployment or (new_deployment(decision, batch) if decision.wants_deployment else None)
    touched = place_all(decision, deployment, batch) + change_in_place(decision, deployment, batch)
    stop_all(decision, batch)
    if deployment is None:
        return None
    if touched:
        deployment = count_placed(deployment, touched, batch)
    if decision.complete or decision.starts_complete:
        return succeed(decision, deployment, batch)
    # do not write an existing deployment that gained nothing: its index would change for no reason
    if touched or decision.deployment is None:
        return batch.put_deployment(deployment)
    return deployment


def new_deployment(decision: Decision, batch: Batch) -> Json:
    """A new deployment of the job's version, with nothing placed yet."""
    job = decision.job or {}
    groups = {name: one.deployment_state for name, one in decision.verdicts.items() if one.wants_deployment}
    return {
        "ID": new_id(),
        "Namespace": job["Namespace"],
        "JobID": job["ID"],
        "JobVersion": job["Version"],
        "JobModifyIndex": job["ModifyIndex"],
        "JobSpecModifyIndex": job["JobModifyIndex"],
        "JobCreateIndex": job["CreateIndex"],
        "IsMultiregion": False,
        "EvalPriority": job["Priority"],
        "Status": "running",
        "StatusDescription": description([one for one in groups.values() if one]),
        "TaskGroups": groups,
        "CreateIndex": batch.index,
        "CreateTime": batch.now,
        # stays 0 until something is placed, as in Nomad; only this reveals a deployment without room
        "ModifyTime": 0,
    }


def description(groups: list[Json]) -> str:
    """The status description of a running deployment, which says what it waits for."""
    waiting = [one for one in groups if one["DesiredCanaries"] and not one["Promoted"]]
    if not waiting:
        return RUNNING
    return PROMOTES_ITSELF if all(one["AutoPromote"] for one in waiting) else NEEDS_PROMOTION


def place_all(decision: Decision, deployment: Json | None, batch: Batch) -> list[Json]:
    """Write all new allocations of a decision."""
    return [place(placed, deployment, batch) for placed in decision.placed]


def place(placed: Placed, deployment: Json | None, batch: Batch) -> Json:
    """Write one new allocation, and stop the allocation that it replaces."""
    allocation = placed.allocation
    if deployment and allocation["TaskGroup"] in deployment["TaskGroups"]:
        allocation = {**allocation, "DeploymentID": deployment["ID"]}
    if placed.canary:
        status = {"Healthy": None, "Canary": True, "ModifyIndex": 0, "Timestamp": None}
        allocation = {**allocation, "DeploymentStatus": status}
    old = placed.replaces
    if old is not None:
        link = {"NextAllocation": allocation["ID"], "DesiredStatus": "stop", "DesiredDescription": BEING_UPDATED}
        batch.put_allocation({**old, **link})
    return batch.put_allocation(allocation)


def change_in_place(decision: Decision, deployment: Json | None, batch: Batch) -> list[Json]:
    """Update running allocations to the new specification, and add them to its deployment."""
    inside = [one for one in decision.in_place if deployment and one["TaskGroup"] in deployment["TaskGroups"]]
    for allocation in decision.in_place:
        # health is determined again for the new specification, so drop the old result
        joined = deployment["ID"] if deployment and allocation in inside else ""
        fresh = {"Job": decision.job, "DeploymentID": joined, "DeploymentStatus": None}
        batch.put_allocation({**allocation, **fresh})
    return inside


def stop_all(decision: Decision, batch: Batch) -> None:
    """Stop the unwanted allocations; keeps the link to a replacement that is written already."""
    for allocation, why in decision.stop:
        now = batch.state.allocations[allocation["ID"]]
        if is_stopping(now):
            batch.put_allocation({**now, "DesiredDescription": why})
        else:
            batch.put_allocation({**now, "DesiredStatus": "stop", "DesiredDescription": why})


def count_placed(deployment: Json, joined: list[Json], batch: Batch) -> Json:
    """Count these allocations as placed in the deployment."""
    groups = dict(deployment["TaskGroups"])
    for allocation in joined:
        state = groups.get(allocation["TaskGroup"])
        if state is not None:
            groups[allocation["TaskGroup"]] = with_placed(state, allocation, batch)
    return {**deployment, "TaskGroups": groups, "ModifyTime": batch.now}


def with_placed(state: Json, allocation: Json, batch: Batch) -> Json:
    """A group's counters with one more allocation placed; the first one starts the progress deadline."""
    state = {**state, "PlacedAllocs": state["PlacedAllocs"] + 1}
    if allocation["DeploymentStatus"] and allocation["DeploymentStatus"]["Canary"]:
        state["PlacedCanaries"] = [*(state["PlacedCanaries"] or []), allocation["ID"]]
    # without a placement there is no deadline, so a deployment without room waits forever
    if state["RequireProgressBy"] is None and state["ProgressDeadline"]:
        due = batch.now + batch.state.clock.to_wall_ns(state["ProgressDeadline"])
        state["RequireProgressBy"] = rfc3339(due)
    return state


def succeed(decision: Decision, deployment: Json, batch: Batch) -> Json:
    """Mark the deployment successful and its version stable."""
    ended = {"Status": "successful", "StatusDescription": SUCCESSFUL, "ModifyTime": batch.now}
    if decision.job is not None:
        batch.put_job({**decision.job, "Stable": True})
    return batch.put_deployment({**deployment, **ended})
