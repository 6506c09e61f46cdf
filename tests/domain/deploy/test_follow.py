"""What an observation makes of a rollout."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from bot.domain.deploy.follow import judge, rollout_of
from bot.domain.deploy.rollout import (
    AllocationState,
    GroupHealth,
    NomadDeployment,
    Observation,
    OurVersion,
    RolloutKind,
    RolloutStatus,
    Start,
    TaskFailure,
    Unplaced,
)
from bot.domain.deploy.sentences import waiting_for, why_ended
from bot.gateways.nomad.rollouts.deployments import nomad_deployment
from tests.builders import a_rollout
from tests.clocks import NOON

NOW = NOON + timedelta(minutes=5)
LATER = NOON + timedelta(hours=1)
FAILURE = TaskFailure(allocation="a1", group="web", task="app", event="Terminated", message="Exit Code: 1", exit_code=1)
RUNNING, SUCCEEDED = RolloutStatus.RUNNING, RolloutStatus.SUCCEEDED
FAILED, SUPERSEDED = RolloutStatus.FAILED, RolloutStatus.SUPERSEDED


def a_group(**changes: Any) -> GroupHealth:
    return GroupHealth(**{"name": "web", "desired": 2, "placed": 2, "healthy": 1, **changes})


def a_deployment(status="running", description="Deployment is running", *groups: GroupHealth) -> NomadDeployment:
    """Nomad's deployment of ours, read from Nomad's own words."""
    found = nomad_deployment(
        {"ID": "d1", "Status": status, "StatusDescription": description, "JobVersion": 4, "JobSpecModifyIndex": 47}
    )
    return replace(found, groups=groups or (a_group(),))


def seen(deployment: NomadDeployment | None = None, **changes: Any) -> Observation:
    fields: dict[str, Any] = {"exists": True, "current_version": 4, "index": 47, "wanted": {"web": 2}}
    return Observation(deployment=deployment, **{**fields, **changes})


def allocations(*statuses: str, **changes: Any) -> tuple[AllocationState, ...]:
    fields: dict[str, Any] = {"group": "web", "job_version": 4, "desired_status": "run"}
    return tuple(
        AllocationState(id=f"a{number}", client_status=status, **{**fields, **changes})
        for number, status in enumerate(statuses)
    )


def plain(*statuses: str, healthy: bool | None = None, **changes: Any) -> Observation:
    """A service without a deployment."""
    return seen(allocations=allocations(*statuses, healthy=healthy), **{"deployment_expected": False, **changes})


def everywhere(*statuses: str, **changes: Any) -> Observation:
    """A system job, or a sysbatch."""
    fields = {"job_type": "system", "wanted": {}, "every_node": frozenset({"web"})}
    return plain(*statuses, **{**fields, **changes})


def once(*statuses: str, **changes: Any) -> Observation:
    """A batch job."""
    return plain(*statuses, **{"job_type": "batch", **changes})


# --- ends that Nomad's deployment tells ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "description", "end"),
    [
        ("successful", "Deployment completed successfully", SUCCEEDED),
        ("failed", "Failed due to progress deadline", FAILED),
        ("cancelled", "Cancelled because job is stopped", FAILED),
        ("cancelled", "Cancelled due to newer version of job", SUPERSEDED),
    ],
)
def test_it_ends_as_its_deployment_does(status, description, end):
    (ended,) = judge(a_rollout(), seen(a_deployment(status, description)), NOW)
    assert (ended.status, ended.detail, waiting_for(ended)) == (end, description, "")
    assert (ended.ended_at, ended.nomad_deployment) == (NOW, "d1")


def test_a_failure_names_the_first_failed_event():
    observation = seen(
        a_deployment("failed", "Failed due to unhealthy allocations"),
        allocations=(*allocations("running"), *allocations("failed", failure=FAILURE)),
    )
    (ended,) = judge(a_rollout(), observation, NOW)
    assert ended.failure == FAILURE
    assert why_ended(ended) == "Failed due to unhealthy allocations; task app of web: Terminated: Exit Code: 1"


def test_a_task_that_failed_before_somebody_stopped_the_job_is_not_the_reason():
    rollout = a_rollout(failure=FAILURE)
    (stopped,) = judge(rollout, seen(a_deployment(), stopped=True), NOW)
    (cancelled,) = judge(rollout, seen(a_deployment("cancelled", "Cancelled because job is stopped")), NOW)
    assert [why_ended(each) for each in (stopped, cancelled)] == [
        "the job was stopped",
        "Cancelled because job is stopped",
    ]


def test_the_first_failure_stays():
    earlier = replace(FAILURE, message="Exit Code: 9")
    observation = seen(a_deployment(), allocations=allocations("failed", failure=FAILURE))
    (told,) = judge(a_rollout(failure=earlier), observation, NOW)
    assert told.failure == earlier


UNHEALTHY = replace(
    FAILURE, event="Alloc Unhealthy", message="its check is alive", exit_code=None, allocation="1234567890"
)


def test_an_unhealthy_allocation_explains_only_what_no_failed_task_does():
    running = allocations("running", failure=UNHEALTHY)
    (told,) = judge(a_rollout(), seen(a_deployment(), allocations=running), NOW)
    assert told.failure == UNHEALTHY
    (ended,) = judge(told, seen(a_deployment("failed", "Failed due to progress deadline"), allocations=running), NOW)
    where = "task app of web, allocation 12345678"
    assert why_ended(ended) == f"Failed due to progress deadline; {where}: Alloc Unhealthy: its check is alive"
    (better,) = judge(told, seen(a_deployment(), allocations=(*running, *allocations("failed", failure=FAILURE))), NOW)
    assert better.failure == FAILURE


def test_a_newer_version_waits_for_nomads_own_words():
    (told,) = judge(a_rollout(), seen(a_deployment(), current_version=5), NOW)
    assert told.status is RUNNING


def test_the_success_of_ours_stands_before_a_later_stop():
    (ended,) = judge(a_rollout(), seen(a_deployment("successful", "done"), stopped=True, current_version=5), NOW)
    assert ended.status is SUCCEEDED


# --- a revert that Nomad makes by itself -----------------------------------------------------------------------------

ROLLED_BACK = a_deployment("failed", "Failed due to unhealthy allocations - rolling back to job version 3")


def test_a_revert_fails_the_rollout_at_once_and_is_one_of_its_own():
    ended, revert = judge(a_rollout(), seen(ROLLED_BACK, reverted_to=(5, 52), current_version=5), NOW)
    assert ended.status is FAILED
    assert ended.reverted_to == 3
    assert why_ended(ended) == "Failed due to unhealthy allocations; Nomad reverted to version 3, as version 5"
    assert (revert.kind, revert.status, revert.number) == (RolloutKind.REVERT, RUNNING, 2)
    assert (revert.job_version, revert.job_modify_index, revert.started_at) == (5, 52, NOW)


def test_a_revert_whose_version_is_not_seen_has_no_row():
    (ended,) = judge(a_rollout(), seen(ROLLED_BACK), NOW)
    assert (ended.status, ended.reverted_to) == (FAILED, 3)
    assert why_ended(ended).endswith("Nomad reverted to version 3")


def a_revert(**changes: Any):
    return a_rollout(number=2, kind=RolloutKind.REVERT, job_version=5, job_modify_index=52, **changes)


def test_a_revert_can_wait_for_promotion_for_ever():
    canary = a_group(canaries=1, healthy=2)
    waiting = seen(a_deployment("running", "Deployment is running but requires manual promotion", canary))
    (told,) = judge(a_revert(), waiting, LATER)
    assert told.status is RUNNING
    assert waiting_for(told) == (
        "Nomad's own rollback is waiting for canary promotion (1 of 1 healthy), without a time limit: "
        "nomad deployment promote d1"
    )


def test_the_mark_that_a_revert_has_from_the_start_ends_nothing():
    observation = seen(stable=True, current_version=5, evaluated=False)
    for before in (a_revert(), a_revert(nomad_deployment="d2")):
        (told,) = judge(before, observation, NOW)
        assert told.status is RUNNING


RAN: dict[str, Any] = {"stable": True, "current_version": 5, "deployment_expected": True}


@pytest.mark.parametrize(
    ("observation", "status", "detail"),
    [
        (plain("running", "running", healthy=True, **RAN), SUCCEEDED, "2 of 2 running"),
        (plain("running", "running", **RAN), SUCCEEDED, "2 of 2 running"),
        (plain("running", "pending", **RAN), RUNNING, ""),
        (plain(**RAN), RUNNING, ""),
        (
            plain("running", "running", healthy=False, **RAN),
            FAILED,
            "Nomad has deleted its deployment, and that had found 2 allocations of version 5 unhealthy",
        ),
    ],
)
def test_a_revert_whose_deployment_is_collected_is_proven_by_what_runs(observation, status, detail):
    (told,) = judge(a_revert(nomad_deployment="d2"), observation, NOW)
    assert (told.status, told.detail) == (status, detail)


# --- once the deployment is collected --------------------------------------------------------------------------------


def test_a_stable_version_has_succeeded():
    (ended,) = judge(a_rollout(), seen(stable=True), NOW)
    assert ended.status is SUCCEEDED
    assert ended.detail == "Nomad marks version 4 as stable, and has already deleted its deployment"


@pytest.mark.parametrize("kind", [RolloutKind.DEPLOY, RolloutKind.LATE])
def test_one_that_is_not_stable_has_failed(kind: RolloutKind):
    (ended,) = judge(a_rollout(nomad_deployment="d1", kind=kind), seen(evaluated=False), NOW)
    assert ended.status is FAILED
    assert ended.detail == "Nomad has deleted its deployment, and version 4 is not marked as stable"


# --- the job itself --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rollout", "observation", "end", "detail"),
    [
        (a_rollout(), Observation(exists=False), FAILED, "the job is gone: somebody purged it"),
        (a_rollout(), seen(stopped=True, current_version=5), FAILED, "the job was stopped"),
        (a_rollout(), seen(a_deployment(), stopped=True), FAILED, "the job was stopped"),
        (a_rollout(), seen(current_version=5), SUPERSEDED, "version 5 replaced it before it had finished"),
        (a_rollout(), plain("running", "running", current_version=5), SUPERSEDED,
         "version 5 replaced it before it had finished"),
        (a_rollout(job_version=None, job_modify_index=None), seen(current_version=12), SUPERSEDED,
         "Nomad registered it but no longer keeps its version; version 12 runs now"),
        (a_rollout(), once("complete", current_version=5), SUPERSEDED,
         "version 5 replaced it before it had finished"),
    ],
)  # fmt: skip
def test_ends_because_of_the_job(rollout, observation, end, detail):
    (ended,) = judge(rollout, observation, NOW)
    assert (ended.status, ended.detail) == (end, detail)


def test_a_gone_job_keeps_the_last_counters():
    (ended,) = judge(a_rollout(), Observation(exists=False), NOW)
    assert ended.groups == a_rollout().groups


# --- jobs that Nomad follows by no deployment ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("observation", "detail"),
    [
        (plain("running", "running"), "2 of 2 running"),
        (plain("running", "running", "failed"), "2 of 2 running"),
        (plain(wanted={"web": 0}), "registered: nothing has to run"),
        (everywhere("running", "running", "running"), "3 of 3 running"),
        (everywhere("running", wanted={"off": 0}), "1 of 1 running"),
        (everywhere(wanted={"web": 0}, every_node=frozenset()), "registered: nothing has to run"),
        (plain("running", "running", deployment_expected=True), "2 of 2 running"),
        (plain(starts=Start.SCHEDULE), "registered: it starts on its schedule"),
        (plain(starts=Start.DISPATCH, current_version=5), "registered: it starts when it is dispatched"),
        (plain(starts=Start.NOTHING), "registered: its schedule is off, so nothing starts it"),
        (once("complete", "complete"), "2 allocations completed"),
        (once("complete", wanted={"web": 1}), "1 allocation completed"),
        (once("complete", "complete", stopped=True, current_version=5), "2 allocations completed"),
        (everywhere("complete", "complete", job_type="sysbatch"), "2 allocations completed"),
    ],
)
def test_success_without_a_deployment(observation, detail):
    (ended,) = judge(a_rollout(), observation, NOW)
    assert (ended.status, ended.detail) == (SUCCEEDED, detail)
    # what is green is never said to be unhealthy
    assert ended.healthy >= ended.wanted


DONE = a_deployment("successful", "Deployment completed successfully", a_group(desired=0, placed=0, healthy=0))
FILTERED = Unplaced(group="web", count=1, why="constraint ${node.class} = gpu rules out 2 of 2 nodes", waits=False)
FULL = Unplaced(group="web", count=2, why="2 of 2 nodes cannot run it: needs 9000 MB memory")


@pytest.mark.parametrize("job_type", ["system", "sysbatch"])
@pytest.mark.parametrize("deployment", [DONE, None], ids=["deployment", "none"])
@pytest.mark.parametrize(
    ("unplaced", "why"),
    [
        ((), "it runs on no node: web: no ready node is in its datacenters and node pool"),
        ((FILTERED,), f"it runs on no node: web: {FILTERED.why}"),
    ],
)
def test_a_job_for_every_node_that_runs_on_none_has_failed(job_type, deployment, unplaced, why):
    observation = everywhere(job_type=job_type, deployment=deployment, unplaced=unplaced, stable=True)

    (ended,) = judge(a_rollout(groups=()), observation, NOW)
    assert (ended.status, ended.detail) == (FAILED, why)
    (later,) = judge(a_rollout(groups=()), replace(observation, evaluated=False), NOW)
    assert later.status is RUNNING


def test_a_group_for_a_kind_of_node_that_there_is_not_fails_nothing():
    ran = everywhere("running", every_node=frozenset({"web", "log"}), unplaced=(replace(FILTERED, group="log"),))
    (ended,) = judge(a_rollout(groups=()), ran, NOW)
    assert ended.status is SUCCEEDED
    nowhere = everywhere(every_node=frozenset({"web", "log"}), unplaced=(replace(FILTERED, group="log"),))
    (ended,) = judge(a_rollout(groups=()), nowhere, NOW)
    assert ended.status is FAILED
    assert ended.detail.startswith(f"it runs on no node: log: {FILTERED.why}; web: ")


def test_nodes_that_a_constraint_rules_out_hold_up_nothing_where_the_others_run_it():
    ran = everywhere("running", every_node=frozenset({"web"}), unplaced=(FILTERED,))
    (ended,) = judge(a_rollout(groups=()), ran, NOW)
    assert ended.status is SUCCEEDED
    waits = everywhere("running", every_node=frozenset({"web"}), unplaced=(FULL,))
    (going_on,) = judge(a_rollout(groups=()), waits, NOW)
    assert going_on.status is RUNNING


@pytest.mark.parametrize("job_type", ["system", "sysbatch"])
@pytest.mark.parametrize(("deployment", "expected"), [(DONE, True), (None, True), (None, False)])
def test_while_no_node_has_room_it_goes_on(job_type, deployment, expected):
    changes = {"deployment": deployment, "deployment_expected": expected, "stable": deployment is None}
    (told,) = judge(a_rollout(groups=()), everywhere(job_type=job_type, unplaced=(FULL,), **changes), NOW)
    assert (told.status, waiting_for(told)) == (RUNNING, f"no capacity: it runs on no node: web: {FULL.why}")
    assert (told.healthy, told.wanted) == (0, 2)


@pytest.mark.parametrize("job_type", ["system", "sysbatch"])
@pytest.mark.parametrize("with_deployment", [True, False])
def test_on_one_of_two_nodes_it_has_not_succeeded(job_type, with_deployment):
    one = a_deployment("successful", "done", a_group(desired=1, placed=1, healthy=1)) if with_deployment else None
    unplaced = (replace(FULL, count=1, why="1 of 2 nodes cannot run it: needs 350 MB memory"),)
    state = "running" if job_type == "system" else "complete"
    observation = everywhere(state, job_type=job_type, deployment=one, unplaced=unplaced)

    (told,) = judge(a_rollout(groups=()), observation, NOW)
    assert (told.status, told.healthy, told.wanted) == (RUNNING, 1, 2)
    assert waiting_for(told) == "no capacity: web: 1 of 2 nodes cannot run it: needs 350 MB memory"
    (ended,) = judge(told, replace(observation, unplaced=()), NOW)
    assert ended.status is SUCCEEDED
    # what could not be placed later is of the newer version, so nothing proves this one
    (replaced,) = judge(told, replace(observation, unplaced=(), current_version=5), NOW)
    assert replaced.status is SUPERSEDED


def test_a_service_that_its_deployment_proves_lacks_nothing():
    unplaced = (Unplaced(group="web", count=1, why="1 cannot be placed: needs 6000 MB memory"),)
    (ended,) = judge(a_rollout(), seen(a_deployment("successful", "done"), unplaced=unplaced), NOW)
    assert ended.status is SUCCEEDED


@pytest.mark.parametrize(
    "observation",
    [
        plain("running", "running"),
        once("complete", "complete"),
        everywhere("running"),
        plain(wanted={"web": 0}),
        plain(starts=Start.SCHEDULE),
        seen(stable=True),
        plain(),
    ],
)
@pytest.mark.parametrize(
    ("fate", "status", "words"),
    [
        (OurVersion.REMADE, FAILED, "somebody purged the job and registered it anew"),
        (OurVersion.UNDONE, FAILED, "Nomad no longer has version 4, and its job is at version 0"),
        (OurVersion.DROPPED, SUPERSEDED, "version 12 replaced it before it had finished, or Nomad no longer keeps"),
    ],
)
def test_a_version_that_nomad_does_not_keep_never_succeeds(observation, fate, status, words):
    changes = {"ours": fate, "current_version": 12 if fate is OurVersion.DROPPED else 0}
    (ended,) = judge(a_rollout(), replace(observation, **changes), NOW)
    assert (ended.status, ended.detail[: len(words)]) == (status, words)


def test_its_own_deployment_proves_a_version_that_nomad_no_longer_keeps():
    observation = seen(a_deployment("successful", "done"), ours=OurVersion.DROPPED, current_version=12)
    (ended,) = judge(a_rollout(), observation, NOW)
    assert ended.status is SUCCEEDED


def test_an_observation_without_a_group_proves_nothing():
    (told,) = judge(a_rollout(), once(wanted={}), NOW)
    assert told.status is RUNNING


def test_a_landing_without_an_index_learns_it():
    (told,) = judge(a_rollout(job_modify_index=None), seen(a_deployment()), NOW)
    assert told.job_modify_index == 47
    (gone,) = judge(a_rollout(job_modify_index=None), Observation(exists=False), NOW)
    assert gone.job_modify_index is None


def test_a_version_that_runs_already_is_judged_alike():
    def judged(observation: Observation, *, ours: bool) -> RolloutStatus:
        return judge(rollout_of(4, 47, NOW, ours=ours), observation, NOW)[0].status

    failed = seen(a_deployment("failed", "Deployment marked as failed"))
    for ours in (True, False):
        assert judged(everywhere(unplaced=(FILTERED,)), ours=ours) is FAILED
        assert judged(failed, ours=ours) is FAILED
        assert judged(plain("running", "running", deployment_expected=True), ours=ours) is SUCCEEDED
        assert judged(plain("running", "running", deployment_expected=True, healthy=False), ours=ours) is RUNNING
    assert judged(seen(stable=True), ours=True) is SUCCEEDED
    # it may be Nomad's own copy of an older version, and as stable as that from the start
    assert judged(seen(stable=True), ours=False) is RUNNING


def test_a_schedule_that_somebody_stopped_has_not_succeeded():
    (ended,) = judge(a_rollout(), plain(starts=Start.SCHEDULE, stopped=True, current_version=5), NOW)
    assert (ended.status, ended.detail, ended.wanted) == (FAILED, "the job was stopped", 0)


def test_a_job_that_starts_later_wants_nothing_now():
    (ended,) = judge(a_rollout(groups=()), plain(starts=Start.SCHEDULE, wanted={"web": 1}), NOW)

    assert (ended.status, ended.wanted) == (SUCCEEDED, 0)


@pytest.mark.parametrize(
    "observation",
    [
        plain("running"),
        plain("running", "pending"),
        plain("running", "running", evaluated=False),
        plain(wanted={"web": 0}, evaluated=False),
        plain("running", "running", unplaced=(FULL,)),
        plain(starts=Start.SCHEDULE, evaluated=False),
        once("complete", "running"),
        once("complete", "complete", evaluated=False),
    ],
)
def test_not_yet(observation):
    (told,) = judge(a_rollout(), observation, NOW)
    assert told.status is RUNNING


def test_a_batch_allocation_that_failed_for_good_fails_the_rollout():
    (ended,) = judge(a_rollout(), once("complete", "failed"), NOW)
    assert (ended.status, ended.detail) == (FAILED, "1 allocation failed")


def test_one_that_nomad_runs_again_does_not():
    again = (*allocations("failed", replaced=True, failure=FAILURE), *allocations("complete", "running"))
    (told,) = judge(a_rollout(), replace(once(), allocations=again), NOW)
    assert told.status is RUNNING
    assert told.groups == (a_group(healthy=1),)


def test_an_allocation_that_was_told_to_stop_does_not_count():
    stopped = allocations("complete", "complete", desired_status="stop")
    (told,) = judge(a_rollout(), replace(once(current_version=5), allocations=stopped), NOW)
    assert told.status is SUPERSEDED


# --- what people are told while it goes on ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("deployment", "note"),
    [
        (a_deployment(), ""),
        (
            a_deployment("running", "Deployment is running but requires manual promotion", a_group(canaries=1)),
            "waiting for canary promotion (1 of 1 healthy), without a time limit: nomad deployment promote d1",
        ),
        (
            a_deployment("running", "Deployment is running pending automatic promotion", a_group(canaries=2)),
            "Nomad promotes the canaries once they are healthy (1 of 2 healthy)",
        ),
        (a_deployment("paused", "Deployment is paused"), "paused in Nomad: nomad deployment resume d1"),
    ],
)
def test_notes(deployment, note):
    (told,) = judge(a_rollout(), seen(deployment), NOW)
    assert (told.status, waiting_for(told)) == (RUNNING, note)


def test_a_note_goes_when_its_reason_does():
    (told,) = judge(a_rollout(unplaced=("web: 1 cannot be placed",)), seen(a_deployment()), NOW)
    assert waiting_for(told) == ""


def test_no_capacity_is_said_in_words():
    why = "2 cannot be placed: needs 6000 MB memory; 2 of 2 nodes exhausted"
    unplaced = (Unplaced(group="web", count=2, why=why),)
    (told,) = judge(a_rollout(), seen(a_deployment(), unplaced=unplaced), NOW)
    assert (told.status, waiting_for(told)) == (RUNNING, f"no capacity: web: {why}")
    assert told.wanted == 2


def settled(**changes: Any):
    """A rollout that has not changed since three minutes past noon."""
    return a_rollout(nomad_deployment="d1", groups=(a_group(),), **changes)


@pytest.mark.parametrize(
    ("rollout", "observation", "why"),
    [
        (settled(), seen(a_deployment()), "1 of 2 healthy, and Nomad gives no reason"),
        (
            settled(failure=replace(UNHEALTHY, task="")),
            seen(a_deployment()),
            "group web, allocation 12345678: Alloc Unhealthy: its check is alive",
        ),
        (settled(), seen(a_deployment(), evaluated=False), "Nomad has not evaluated it yet"),
        (settled(failure=FAILURE), seen(a_deployment()), "tasks fail; task app of web: Terminated: Exit Code: 1"),
        (settled(), seen(a_deployment(), unplaced=(FULL,)), f"no capacity: web: {FULL.why}"),
    ],
)
def test_stuck_says_why_and_ends_nothing(rollout, observation, why):
    (told,) = judge(rollout, observation, LATER)
    assert told.status is RUNNING
    assert (told.stuck, waiting_for(told)) == (True, why)
    assert told.changed_at == rollout.changed_at


def test_a_change_in_the_future_is_one_of_now():
    ahead = settled(started_at=LATER, changed_at=LATER)
    (told,) = judge(ahead, seen(a_deployment()), NOW)
    assert (told.started_at, told.changed_at, told.stuck) == (NOW, NOW, False)


def test_not_stuck_before_its_deadline_and_ten_minutes():
    patient = seen(a_deployment(), progress_deadline=timedelta(minutes=30))
    at = settled().changed_at + timedelta(minutes=40)
    (told,) = judge(settled(), patient, at - timedelta(seconds=1))
    assert waiting_for(told) == ""
    (told,) = judge(settled(), patient, at)
    assert told.stuck
    assert waiting_for(told) == "1 of 2 healthy, and Nomad gives no reason"


@pytest.mark.parametrize(
    ("look", "is_stuck"),
    [
        (plain, True),
        (everywhere, True),
        (lambda *statuses: seen(a_deployment("running", "", a_group(healthy=statuses.count("running")))), False),
    ],
    ids=["service", "system", "deployment"],
)
def test_tasks_that_come_and_go_are_no_progress_unless_nomad_judges_that_itself(look, is_stuck):
    rollout, at = a_rollout(), a_rollout().started_at
    came_to = []
    while at < LATER:
        at += timedelta(seconds=10)
        two = ("running", "pending") if at.second % 20 else ("pending", "pending")
        (rollout,) = judge(rollout, look(*two), at)
        came_to.append(rollout.stuck)

    assert rollout.status is RUNNING
    assert rollout.stuck is is_stuck
    # once and for all: a message that says it and takes it back each time would help nobody
    assert came_to == sorted(came_to)


@pytest.mark.parametrize("description", ["Deployment is running but requires manual promotion", "Deployment is paused"])
def test_what_waits_for_people_is_not_stuck(description):
    status = "paused" if "paused" in description else "running"
    (told,) = judge(settled(), seen(a_deployment(status, description)), LATER)
    assert "stuck" not in waiting_for(told)


def test_only_counters_move_the_instant_of_change():
    (told,) = judge(settled(), seen(a_deployment()), NOW)
    assert told.changed_at == settled().changed_at
    (told,) = judge(settled(), seen(a_deployment("running", "Deployment is running", a_group(healthy=2))), NOW)
    assert told.changed_at == NOW


def test_what_has_ended_stays():
    ended = a_rollout(status=FAILED)
    assert judge(ended, seen(a_deployment("successful", "done")), NOW) == (ended,)
