"""What an allocation's health does to the counters of its deployment."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sandbox.nomad.records import rfc3339
from sandbox.nomad.status import ACTIVE_DEPLOYMENTS, health_of

if TYPE_CHECKING:
    from sandbox.nomad.records import Json
    from sandbox.nomad.state import Batch


def set_health(allocation: Json, *, healthy: bool, batch: Batch) -> Json:
    """The allocation with its health told; a healthy one also moves its deployment's progress deadline."""
    known = allocation["DeploymentStatus"] or {"Canary": False}
    status = {**known, "Healthy": healthy, "ModifyIndex": batch.index, "Timestamp": rfc3339(batch.now)}
    count(allocation, healthy=healthy, batch=batch)
    return {**allocation, "DeploymentStatus": status}


def count(allocation: Json, *, healthy: bool, batch: Batch) -> None:
    """Count an allocation's health in its deployment, once for each verdict."""
    # an ended deployment's counters stay as they were when it ended
    deployment = batch.state.deployments.get(allocation["DeploymentID"])
    if deployment is None or deployment["Status"] not in ACTIVE_DEPLOYMENTS:
        return
    state = dict(deployment["TaskGroups"][allocation["TaskGroup"]])
    if healthy:
        state["HealthyAllocs"] += 1
        # only health is progress: placing the next wave moves no deadline
        if state["ProgressDeadline"]:
            state["RequireProgressBy"] = rfc3339(batch.now + batch.state.clock.to_wall_ns(state["ProgressDeadline"]))
    else:
        state["UnhealthyAllocs"] += 1
        # one that was healthy and fell while the deployment runs changes sides
        state["HealthyAllocs"] -= 1 if health_of(allocation) else 0
    groups = {**deployment["TaskGroups"], allocation["TaskGroup"]: state}
    batch.put_deployment({**deployment, "TaskGroups": groups, "ModifyTime": batch.now})
