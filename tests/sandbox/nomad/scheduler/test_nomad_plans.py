"""What plans say of groups, held against what Nomad's own scheduler said of the same jobs."""

from __future__ import annotations

from typing import Any

import pytest

from jobspec.job.stored import to_stored_form
from sandbox.clock import Clock
from sandbox.nomad.jobs.register import reset_server_fields
from sandbox.nomad.scheduler.evaluations import Scheduler, evaluation_of
from sandbox.nomad.scheduler.nodes import Nodes, node
from sandbox.nomad.scheduler.plan import plan
from sandbox.nomad.state import State
from sandbox.nomad.status import starts_nothing
from tests.golden import golden_rows, needs_golden

Json = dict[str, Any]
NODE_COUNT = 6


def recorded() -> list[Json]:
    """The plans that placed everything and want no canaries of system jobs, which are not simulated."""
    return [
        row
        for row in golden_rows("plans.jsonl")
        if not row["plan"]["FailedTGAllocs"]
        and not (row["after"]["Type"] == "system" and "canary" in row["source"] and row["before"])
    ]


def running(state: State, nodes: Nodes, sent: Json) -> None:
    """Register a job, and let all of it run and its deployment be over."""
    with state.batch("JobRegistered") as batch:
        indexes = {"CreateIndex": batch.index, "JobModifyIndex": batch.index, "SubmitTime": batch.now}
        job = batch.put_job({**reset_server_fields(to_stored_form(sent), sent), **indexes, "Version": 0})
    if starts_nothing(job):
        return
    with state.batch("JobRegistered") as batch:
        evaluation = batch.put_evaluation(evaluation_of(job, "job-register"))
    Scheduler(state, nodes).process(evaluation["ID"])
    with state.batch("AllocationUpdated") as batch:
        for allocation in list(state.allocations.values()):
            batch.put_allocation({**allocation, "ClientStatus": "running"})
        for deployment in list(state.deployments.values()):
            batch.put_deployment({**deployment, "Status": "successful"})


@needs_golden
def test_there_are_plans_to_hold_against():
    assert len(recorded()) > 140


@needs_golden
@pytest.mark.parametrize("row", recorded(), ids=lambda row: f"{row['source']}-{row['case']}")
def test_a_plan_updates_what_nomads_own_does(row: Json):
    state, nodes = State(Clock()), Nodes([node(number) for number in range(NODE_COUNT)])
    if row["before"]:
        running(state, nodes, row["before"])
    answer = plan(state, nodes, reset_server_fields(to_stored_form(row["after"]), row["after"]), with_diff=True)
    assert answer["Annotations"] == row["plan"]["Annotations"]
    assert answer["FailedTGAllocs"] is None
    changed = [(group["Name"], group["Updates"]) for group in answer["Diff"]["TaskGroups"] or []]
    assert changed == [(group["Name"], group["Updates"]) for group in row["plan"]["Diff"]["TaskGroups"] or []]
