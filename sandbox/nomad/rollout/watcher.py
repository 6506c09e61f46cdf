"""The deployment watcher: after each change of health it promotes or fails a deployment, or requests an evaluation."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sandbox.nomad.records import Json, instant, key_of
from sandbox.nomad.rollout.failing import NO_PROGRESS, UNHEALTHY, fail
from sandbox.nomad.rollout.verbs import promote_groups
from sandbox.nomad.scheduler.evaluations import evaluation_of
from sandbox.nomad.scheduler.reschedule import Timing, attempts_left, policy_of
from sandbox.nomad.state import of_topic
from sandbox.nomad.status import ENDED_DEPLOYMENTS, health_of, terminal

if TYPE_CHECKING:
    from sandbox.clock import Timer
    from sandbox.nomad.state import Batch, Change, State

# Nomad collects changes for a second before it requests the next evaluation
GATHERING_S = 1.0


class DeploymentWatcher:
    """Watches all active deployments."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._deadlines: dict[str, tuple[str, Timer]] = {}
        self._gathering: set[str] = set()

    def on_commit(self, batch: Batch) -> None:
        """React to the changes in a batch."""
        for change in of_topic(batch.changes, "Deployment"):
            if change.new:
                self._watch_deadline(change.new["ID"])
        for change in of_topic(batch.changes, "Allocation"):
            self._react(change)

    def _react(self, change: Change) -> None:
        allocation = change.new or {}
        deployment = self._active(allocation["DeploymentID"])
        before = health_of(change.old) if change.old else None
        now = health_of(allocation)
        if deployment is None or now is None or now == before:
            return
        if now:
            self._promote_if_due(deployment)
            self._ask_soon(deployment)
        elif self._hopeless(allocation, deployment):
            revert = deployment["TaskGroups"][allocation["TaskGroup"]]["AutoRevert"]
            fail(self._state, deployment, UNHEALTHY, revert=revert)
        else:
            self._ask_soon(deployment)

    def _active(self, deployment_id: str) -> Json | None:
        deployment = self._state.deployments.get(deployment_id)
        if deployment is None or deployment["Status"] in ENDED_DEPLOYMENTS:
            return None
        # the scheduler cancels a superseded deployment, so do not promote or fail it
        job = self._state.jobs.get(key_of(deployment))
        return deployment if job and job["Version"] == deployment["JobVersion"] else None

    def _hopeless(self, allocation: Json, deployment: Json) -> bool:
        state = deployment["TaskGroups"][allocation["TaskGroup"]]
        # since Nomad 2.0.1 a paused deployment does not fail
        if deployment["Status"] == "paused":
            return False
        if not state["ProgressDeadline"]:
            # without a deadline there is nothing to wait for after the first unhealthy allocation
            return True
        # since Nomad 1.6 it does not wait for the deadline if no attempt is left
        timing = Timing(self._state.clock.now_ns(), self._state.clock.to_wall_ns)
        return policy_of(allocation) is not None and not attempts_left(allocation, timing)

    def _promote_if_due(self, deployment: Json) -> None:
        waiting = [one for one in deployment["TaskGroups"].values() if one["DesiredCanaries"] and not one["Promoted"]]
        if not waiting or not all(one["AutoPromote"] for one in waiting):
            return
        canaries = [self._state.allocations.get(one) for state in waiting for one in state["PlacedCanaries"] or []]
        wanted = sum(state["DesiredCanaries"] for state in waiting)
        healthy = [one for one in canaries if one is not None and health_of(one) and not terminal(one)]
        if len(healthy) >= wanted and deployment["Status"] == "running":
            promote_groups(self._state, deployment, list(deployment["TaskGroups"]))

    def _ask_soon(self, deployment: Json) -> None:
        deployment_id = deployment["ID"]
        if deployment_id not in self._gathering:
            self._gathering.add(deployment_id)
            self._state.clock.after(GATHERING_S, lambda: self._ask(deployment_id))

    def _ask(self, deployment_id: str) -> None:
        self._gathering.discard(deployment_id)
        deployment = self._active(deployment_id)
        if deployment is None:
            return
        job = self._state.jobs[key_of(deployment)]
        with self._state.batch("AllocationUpdateDesiredStatus") as batch:
            # within a deployment, nothing is rescheduled before the watcher allows it
            for allocation in self._replaceable(deployment):
                transition = {**allocation["DesiredTransition"], "Reschedule": True}
                batch.put_allocation({**allocation, "DesiredTransition": transition})
            batch.put_evaluation(evaluation_of(job, "deployment-watcher", DeploymentID=deployment_id))

    def _replaceable(self, deployment: Json) -> list[Json]:
        return [
            one
            for one in self._state.allocations_of(key_of(deployment))
            if one["DeploymentID"] == deployment["ID"]
            and health_of(one) is False
            and one["DesiredStatus"] == "run"
            and not one["DesiredTransition"]["Reschedule"]
        ]

    def _watch_deadline(self, deployment_id: str) -> None:
        deployment = self._active(deployment_id)
        due = next_deadline(deployment) if deployment and deployment["Status"] == "running" else None
        # each change of health moves the deadline, so cancel the old timer
        known = self._deadlines.get(deployment_id)
        if known and known[0] == due:
            return
        if known:
            known[1].cancel()
            del self._deadlines[deployment_id]
        if due:
            timer = self._state.clock.at(instant(due), lambda: self._deadline_passed(deployment_id))
            self._deadlines[deployment_id] = (due, timer)

    def _deadline_passed(self, deployment_id: str) -> None:
        self._deadlines.pop(deployment_id, None)
        deployment = self._active(deployment_id)
        if deployment is None or deployment["Status"] != "running":
            return
        late = [state for state in deployment["TaskGroups"].values() if self._behind(state)]
        if late:
            fail(self._state, deployment, NO_PROGRESS, revert=any(state["AutoRevert"] for state in late))

    def _behind(self, state: Json) -> bool:
        if state["RequireProgressBy"] is None or instant(state["RequireProgressBy"]) > self._state.clock.now_ns():
            return False
        if state["DesiredCanaries"] and not state["Promoted"]:
            # with healthy canaries, the deployment waits for people, not for allocations
            return int(state["HealthyAllocs"]) < int(state["DesiredCanaries"])
        return int(state["HealthyAllocs"]) < int(state["DesiredTotal"])


def next_deadline(deployment: Json) -> str | None:
    """The earliest time by which a group must make progress; None if no group has a deadline."""
    dues = [state["RequireProgressBy"] for state in deployment["TaskGroups"].values() if state["RequireProgressBy"]]
    return min(dues, default=None)
