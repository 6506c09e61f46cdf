"""Transcripts of Nomad's own deployments, replayed: each ends in the right state with the right words."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from bot.domain.deploy.follow import judge
from bot.domain.deploy.rollout import (
    AllocationState,
    NomadDeployment,
    Observation,
    RolloutKind,
    RolloutStatus,
    Unplaced,
)
from bot.domain.deploy.sentences import waiting_for, why_ended
from bot.gateways.nomad.rollouts.deployments import nomad_deployment
from tests.builders import a_rollout
from tests.clocks import NOON
from tests.recorded import transcripts

SUCCEEDED, FAILED = RolloutStatus.SUCCEEDED, RolloutStatus.FAILED
RUNNING, SUPERSEDED = RolloutStatus.RUNNING, RolloutStatus.SUPERSEDED
NO_ROOM = Unplaced(group="web", count=1, why="1 cannot be placed: needs 900000 MB memory")
DONE = "Deployment completed successfully"

# name: (our version, how it ends, its last words, what it says on the way, what Nomad reverts to)
EXPECTED: dict[str, tuple[int, RolloutStatus, str, str, int | None]] = {
    "first_deploy": (0, SUCCEEDED, DONE, "", None),
    "rolling_update_max_parallel_1": (1, SUCCEEDED, DONE, "", None),
    "canary_manual_promote": (2, SUCCEEDED, DONE, "nomad deployment promote d1", None),
    "canary_failed_by_user_no_autorevert": (3, FAILED, "Deployment marked as failed", "waiting for canary", None),
    "canary_auto_promote": (1, SUCCEEDED, DONE, "Nomad promotes the canaries once", None),
    "auto_revert_unhealthy": (1, FAILED, "Nomad reverted to version 0, as version 2", "", 0),
    "auto_revert_no_stable": (0, FAILED, "no stable job version to auto revert to", "", None),
    "failed_by_user_autorevert": (1, FAILED, "Nomad reverted to version 0, as version 2", "waiting for canary", 0),
    "progress_deadline": (0, FAILED, "Failed due to progress deadline", "", None),
    "superseded_by_newer": (1, SUCCEEDED, DONE, "", None),
    "stopped_mid_deployment": (0, FAILED, "Cancelled because job is stopped", "", None),
    "no_capacity_never_times_out": (0, RUNNING, "", "no capacity: web: 1 cannot be placed", None),
    "pause_resume": (1, SUCCEEDED, DONE, "paused in Nomad: nomad deployment resume d1", None),
    "revert": (2, SUCCEEDED, DONE, "", None),
}


def transcript(name: str) -> dict[str, Any]:
    found: dict[str, Any] = transcripts()[name]
    return found


def an_observation(told: dict[str, Any], step: dict[str, Any], version: int) -> Observation:
    """What the gateway would see at this step of the transcript."""
    last = step is told["deployment"][-1]
    final = told["final"]
    reverted = "rolling back" in step["StatusDescription"]
    blocked = ["queued-allocs", "blocked"] in told["evals"]
    return Observation(
        exists=True,
        stopped=last and final["Stop"],
        current_version=final["Version"] if last else version,
        deployment=a_nomad_deployment(step, version),
        wanted={"web": 3},
        allocations=tuple(
            AllocationState(
                id="a", group="web", job_version=each[0], desired_status=each[1], client_status=each[2], healthy=each[3]
            )
            for each in told["allocs"]
            if last and each[0] == version
        ),
        unplaced=(NO_ROOM,) if blocked else (),
        reverted_to=(version + 1, 99) if reverted else None,
    )


def a_nomad_deployment(step: dict[str, Any], version: int) -> NomadDeployment:
    return nomad_deployment({"ID": "d1", "JobVersion": version, "JobSpecModifyIndex": 47, **step})


@pytest.mark.parametrize("name", EXPECTED)
def test_replayed(name):
    version, end, words, on_the_way, reverted_to = EXPECTED[name]
    told = transcript(name)
    rollout = a_rollout(job_version=version, groups=(), nomad_deployment="")
    notes, reverts = [], []
    for number, step in enumerate(told["deployment"]):
        assert rollout.status is RUNNING, "it ended before Nomad said so"
        rollout, *more = judge(rollout, an_observation(told, step, version), NOON + timedelta(seconds=number))
        notes.append(waiting_for(rollout))
        reverts += more
    assert rollout.status is end
    assert words in why_ended(rollout)
    assert any(on_the_way in note for note in notes)
    assert rollout.reverted_to == reverted_to
    assert [(each.kind, each.status) for each in reverts] == (
        [] if reverted_to is None else [(RolloutKind.REVERT, RUNNING)]
    )


def test_every_transcript_is_replayed():
    assert set(transcripts()) == set(EXPECTED)


def test_the_superseded_one_says_so():
    """The transcript follows the winner; this is its other deployment."""
    (version, status, description) = next(
        each for each in transcript("superseded_by_newer")["deployments"] if each[1] == "cancelled"
    )
    step = {"Status": status, "StatusDescription": description, "TaskGroups": {}}
    seen = Observation(exists=True, current_version=1, deployment=a_nomad_deployment(step, version))
    (ended,) = judge(a_rollout(job_version=version), seen, NOON)
    assert (ended.status, ended.detail) == (SUPERSEDED, "Cancelled due to newer version of job")


@pytest.mark.parametrize("name", ["auto_revert_unhealthy", "failed_by_user_autorevert"])
def test_the_revert_is_followed_to_its_own_end(name):
    told = transcript(name)
    version, status, description = next(each for each in told["deployments"] if each[0] == told["final"]["Version"])
    step = {"Status": status, "StatusDescription": description, "TaskGroups": {}}
    revert = a_rollout(number=2, kind=RolloutKind.REVERT, job_version=version)
    seen = Observation(exists=True, stable=True, current_version=version, deployment=a_nomad_deployment(step, version))
    (ended,) = judge(revert, seen, NOON)
    assert (ended.status, ended.detail) == (SUCCEEDED, DONE)
