"""Why something could not be placed."""

from __future__ import annotations

import pytest

from bot.domain.jobdiff.placement import how_many, unplaced

JOB = {
    "TaskGroups": [
        {
            "Name": "web",
            "EphemeralDisk": {"SizeMB": 900},
            "Tasks": [
                {"Resources": {"MemoryMB": 5000, "CPU": 400}},
                {"Resources": {"MemoryMB": 1000, "CPU": 100}},
            ],
        }
    ]
}


@pytest.mark.parametrize(
    ("metric", "words"),
    [
        (
            {"NodesEvaluated": 2, "NodesExhausted": 2, "DimensionExhausted": {"memory": 2}, "CoalescedFailures": 1},
            "web: 2 cannot be placed: needs 6000 MB memory; 2 of 2 nodes exhausted",
        ),
        (
            {"NodesEvaluated": 1, "NodesExhausted": 1, "DimensionExhausted": {"cpu": 1, "disk": 1}},
            "web: 1 cannot be placed: needs 500 MHz cpu; needs 900 MB disk; 1 of 1 node exhausted",
        ),
        (
            {"NodesEvaluated": 1, "NodesExhausted": 1, "DimensionExhausted": {"network: port collision": 1}},
            "web: 1 cannot be placed: network: port collision is exhausted; 1 of 1 node exhausted",
        ),
        (
            {"NodesEvaluated": 3, "ConstraintFiltered": {"${attr.kernel.name} = windows": 3}},
            "web: 1 cannot be placed: constraint ${attr.kernel.name} = windows rules out 3 of 3 nodes",
        ),
        (
            {"NodesEvaluated": 1, "ConstraintFiltered": {"computed class ineligible": 1}},
            "web: 1 cannot be placed: its constraints rule out 1 of 1 node",
        ),
        (
            {"NodesEvaluated": 2, "ClassFiltered": {"gpu": 1}, "QuotaExhausted": ["small"]},
            "web: 1 cannot be placed: node class gpu rules out 1 of 2 nodes; quota small is used up",
        ),
        ({"NodesAvailable": {"dc1": 0, "dc2": 3}}, "web: 1 cannot be placed: no node in dc1 is ready"),
        ({"NodePool": "gpu"}, "web: 1 cannot be placed: no node is ready in node pool gpu"),
        ({"NodePool": "default"}, "web: 1 cannot be placed: no node is ready"),
        (
            {"NodesEvaluated": 2, "ConstraintFiltered": {"${node.class} = gpu": 2}, "ClassFiltered": {"small": 1}},
            "web: 1 cannot be placed: constraint ${node.class} = gpu rules out 2 of 2 nodes",
        ),
        ({"NodesEvaluated": 1}, "web: 1 cannot be placed: Nomad gives no reason"),
    ],
)
def test_reasons(metric, words):
    assert unplaced("web", metric, JOB) == words


@pytest.mark.parametrize("job", [None, {"TaskGroups": None}, {"TaskGroups": [{"Name": "web", "Tasks": None}]}])
def test_without_the_specification_no_amount_is_named(job):
    metric = {"NodesEvaluated": 1, "NodesExhausted": 1, "DimensionExhausted": {"memory": 1, "disk": 1}}
    assert unplaced("web", metric, job) == (
        "web: 1 cannot be placed: disk is exhausted; memory is exhausted; 1 of 1 node exhausted"
    )


@pytest.mark.parametrize("kind", ["system", "sysbatch"])
@pytest.mark.parametrize(
    ("metric", "words", "number"),
    [
        (
            {
                "NodesEvaluated": 1,
                "NodesExhausted": 1,
                "DimensionExhausted": {"memory": 1},
                "NodesAvailable": {"dc1": 2},
            },
            "web: 1 of 2 nodes cannot run it: needs 6000 MB memory",
            1,
        ),
        (
            {
                "NodesEvaluated": 1,
                "DimensionExhausted": {"cpu": 1},
                "NodesAvailable": {"dc1": 2},
                "CoalescedFailures": 1,
            },
            "web: 2 of 2 nodes cannot run it: needs 500 MHz cpu",
            2,
        ),
        (
            {"NodesEvaluated": 1, "QuotaExhausted": ["small"]},
            "web: 1 of 1 node cannot run it: quota small is used up",
            1,
        ),
        (
            {"NodesEvaluated": 2, "ConstraintFiltered": {"${node.class} = gpu": 2}, "ClassFiltered": {"small": 1}},
            "web: constraint ${node.class} = gpu rules out 2 of 2 nodes",
            1,
        ),
        ({"NodesEvaluated": 1}, "web: Nomad gives no reason", 1),
    ],
)
def test_a_job_for_every_node_is_counted_in_nodes(kind, metric, words, number):
    assert unplaced("web", metric, {**JOB, "Type": kind}) == words
    assert how_many(metric) == number
