"""Diffs of the simulation against those of Nomad's own code."""

from __future__ import annotations

import pytest

from jobspec.job.stored import to_stored_form
from sandbox.nomad.diffs import annotate, diff
from tests.golden import golden_rows, needs_golden
from tests.recorded import answer


def ours(row):
    before = to_stored_form(row["before"]) if row["before"] else None
    desired = row["plan"]["Annotations"]["DesiredTGUpdates"]
    return annotate(diff(before, to_stored_form(row["after"])), desired)


@needs_golden
def test_every_plan_s_diff_is_nomad_s(capsys):
    plans = golden_rows("plans.jsonl")
    different = [f"{row['source']} ({row['case']})" for row in plans if ours(row) != row["plan"]["Diff"]]
    with capsys.disabled():
        print(f"\nplans.jsonl: {len(plans) - len(different)} of {len(plans)} diffs exact")  # noqa: T201 - the figures are wanted
    assert plans
    assert different == []


@pytest.mark.parametrize(
    "name",
    ["plan_unchanged", "plan_env_change", "plan_count_up", "plan_meta_change", "plan_canary", "plan_constraint"],
)
def test_plans_of_the_agent_against_its_stable_job(name):
    recorded = answer(name)
    live = answer("job_stable")["body"]
    desired = recorded["body"]["Annotations"]["DesiredTGUpdates"]
    got = annotate(diff(to_stored_form(live), to_stored_form(recorded["request"]["body"]["Job"])), desired)
    assert got == recorded["body"]["Diff"]


@pytest.mark.parametrize("name", ["plan_new", "plan_periodic"])
def test_plans_of_the_agent_for_new_jobs(name):
    recorded = answer(name)
    desired = recorded["body"]["Annotations"]["DesiredTGUpdates"]
    got = annotate(diff(None, to_stored_form(recorded["request"]["body"]["Job"])), desired)
    assert got == recorded["body"]["Diff"]
