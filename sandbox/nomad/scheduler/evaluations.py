"""Evaluations: creates them, processes them one after the other, and retries those that are blocked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sandbox.nomad.records import JobKey, Json, instant, key_of, new_id, rfc3339
from sandbox.nomad.scheduler.apply import apply
from sandbox.nomad.scheduler.decide import Decision, decide
from sandbox.nomad.state import of_topic
from sandbox.nomad.status import terminal

if TYPE_CHECKING:
    from sandbox.nomad.scheduler.nodes import Nodes
    from sandbox.nomad.state import Batch, Change, State

# long enough to see the evaluation pending, short enough that nobody waits for it
TICK_S = 0.05
UNPLACED = "created to place remaining allocations"


def evaluation_of(job: Json, trigger: str, **extra: object) -> Json:
    """A new pending evaluation of a job."""
    return {
        "ID": new_id(),
        "Namespace": job["Namespace"],
        "JobID": job["ID"],
        "Type": job["Type"],
        "Priority": job["Priority"],
        "TriggeredBy": trigger,
        "Status": "pending",
        **extra,
    }


class Scheduler:
    """Processes every pending evaluation soon after it was stored."""

    def __init__(self, state: State, nodes: Nodes) -> None:
        self._state = state
        self._nodes = nodes

    def on_commit(self, batch: Batch) -> None:
        """Process the batch's new evaluations, and retry the blocked ones if the batch made room."""
        for change in of_topic(batch.changes, "Evaluation"):
            if change.new and change.new["Status"] == "pending" and newly_pending(change):
                self._take_up(change.new)
        if any(made_room(change) for change in batch.changes if change.topic == "Allocation"):
            self.unblock()

    def _take_up(self, evaluation: Json) -> None:
        evaluation_id, wait = evaluation["ID"], evaluation.get("WaitUntil")
        if wait:
            self._state.clock.at(instant(wait), lambda: self.process(evaluation_id))
        else:
            self._state.clock.after(TICK_S, lambda: self.process(evaluation_id))

    def unblock(self) -> None:
        """Retry all blocked evaluations."""
        blocked = [one for one in self._state.evaluations.values() if one["Status"] == "blocked"]
        if blocked:
            with self._state.batch("EvaluationUpdated") as batch:
                for one in blocked:
                    batch.put_evaluation({**one, "Status": "pending", "StatusDescription": ""})

    def process(self, evaluation_id: str) -> None:
        """Decide about the evaluation's job, write the decision, and end the evaluation."""
        evaluation = self._state.evaluations.get(evaluation_id)
        if evaluation is None or evaluation["Status"] != "pending":
            return
        key, snapshot = key_of(evaluation), self._state.index
        decision = decide(self._state, self._nodes, key, self._state.jobs.get(key), evaluation)
        deployment = decision.deployment
        if decision.changes:
            with self._state.batch("PlanResult") as batch:
                deployment = apply(decision, evaluation, batch)
                self._follow_up(decision, batch)
        self._end(evaluation, decision, snapshot, deployment)

    def _follow_up(self, decision: Decision, batch: Batch) -> None:
        if decision.job is None or not decision.later:
            return
        # one evaluation for all of them, at the earliest time; it reconsiders the others
        due = min(when for _, when in decision.later)
        follow_up = evaluation_of(decision.job, "alloc-failure", WaitUntil=rfc3339(due))
        batch.put_evaluation(follow_up)
        for allocation, _ in decision.later:
            now = self._state.allocations[allocation["ID"]]
            batch.put_allocation({**now, "FollowupEvalID": follow_up["ID"]})

    def _end(self, evaluation: Json, decision: Decision, snapshot: int, deployment: Json | None) -> None:
        # one that was blocked still has what lacked room then
        ended = {
            **{name: value for name, value in evaluation.items() if name != "FailedTGAllocs"},
            "Status": "complete",
            "SnapshotIndex": snapshot,
            "PlanAnnotations": {"DesiredTGUpdates": decision.counters, "PreemptedAllocs": None},
        }
        if decision.queued:
            ended["QueuedAllocations"] = dict(decision.queued)
        if deployment is not None:
            ended["DeploymentID"] = deployment["ID"]
        if decision.unplaced:
            ended["FailedTGAllocs"] = decision.unplaced
        # nothing waits for a node that the constraints would allow
        if decision.failed:
            ended["BlockedEval"] = self._block(evaluation, decision, snapshot)
        # still no room: it stays blocked and is not complete
        if ended.get("BlockedEval") == evaluation["ID"]:
            return
        with self._state.batch("EvaluationUpdated") as batch:
            batch.put_evaluation(ended)
            self._cancel_blocked(key_of(evaluation), ended, batch)

    def _block(self, evaluation: Json, decision: Decision, snapshot: int) -> str:
        waits = {
            "Status": "blocked",
            "StatusDescription": UNPLACED,
            "FailedTGAllocs": decision.failed,
            "SnapshotIndex": snapshot,
        }
        # an evaluation that was blocked before is blocked again under the same id
        again = evaluation["TriggeredBy"] == "queued-allocs"
        blocked = evaluation if again else blocked_evaluation(evaluation, decision)
        with self._state.batch("EvaluationUpdated") as batch:
            batch.put_evaluation({**blocked, **waits})
        return str(blocked["ID"])

    def _cancel_blocked(self, key: JobKey, ended: Json, batch: Batch) -> None:
        # at most one evaluation of a job is blocked, and none once everything is placed
        for one in self._state.evaluations_of(key):
            if one["Status"] == "blocked" and one["ID"] != ended.get("BlockedEval"):
                why = f'evaluation "{ended["ID"]}" successful'
                batch.put_evaluation({**one, "Status": "canceled", "StatusDescription": why})


def blocked_evaluation(evaluation: Json, decision: Decision) -> Json:
    """The blocked evaluation that follows an evaluation that could not place everything."""
    job = decision.job or {}
    known = {"JobModifyIndex": job["JobModifyIndex"], "PreviousEval": evaluation["ID"]}
    return evaluation_of(job, "queued-allocs", **known)


def newly_pending(change: Change) -> bool:
    """Whether the change makes an evaluation pending."""
    return change.old is None or change.old["Status"] != "pending"


def made_room(change: Change) -> bool:
    """Whether the change frees the room of an allocation."""
    if change.old is None or terminal(change.old):
        return False
    return change.new is None or terminal(change.new)
