"""Sets the health of allocations, and counts it in their deployments."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sandbox.nomad.records import rfc3339
from sandbox.nomad.status import ACTIVE_DEPLOYMENTS, health_of

if TYPE_CHECKING:
    from sandbox.nomad.records import Json
    from sandbox.nomad.state import Batch


def set_health(allocation: Json, *, healthy: bool, batch: Batch) -> Json:
    """Set an allocation's health; a healthy allocation also moves its deployment's progress deadline."""
    known = allocation["DeploymentStatus"] or {"Canary": False}
    status = {**known, "Healthy": healthy, "ModifyIndex": batch.index, "Timestamp": rfc3339(batch.now)}
    count(allocation, healthy=healthy, batch=batch)
    return {**allocation, "DeploymentStatus": status}


def count(allocation: Json, *, healthy: bool, batch: Batch) -> None:
    """Count an allocation's health in its deployment, once for each change."""
    # the counters of an ended deployment do not change
    deployment = batch.state.deployments.get(allocation["DeploymentID"])
    if deployment is None or deployment["Status"] not in ACTIVE_DEPLOYMENTS:
        return
    state = dict(deployment["TaskGroups"][allocation["TaskGroup"]])
    if healthy:
        state["HealthyAllocs"] += 1
        # only health counts as progress: placing the next wave does not move the deadline
        if state["ProgressDeadline"]:
            state["RequireProgressBy"] = rfc3339(batch.now + batch.state.clock.to_wall_ns(state["ProgressDeadline"]))
    else:
        state["UnhealthyAllocs"] += 1
        # an allocation that was healthy and became unhealthy changes from one counter to the other
        state["HealthyAllocs"] -= 1 if health_of(allocation) else 0
    groups = {**deployment["TaskGroups"], allocation["TaskGroup"]: state}
    batch.put_deployment({**deployment, "TaskGroups": groups, "ModifyTime": batch.now})
