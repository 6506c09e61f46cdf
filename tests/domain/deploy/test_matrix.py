"""What Nomad's list of jobs says, compared with what we recorded."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from bot.domain.catalog.environment import After
from bot.domain.deploy.deploy import Status
from bot.domain.deploy.matrix import (
    Cell,
    Health,
    Listed,
    Live,
    Origin,
    Recorded,
    live_of,
    neighbours,
    pipeline,
    recorded_in,
)
from bot.domain.deploy.plan import Base, JobState
from bot.domain.deploy.rollout import GroupHealth, RolloutKind, Start
from tests.builders import a_catalog, a_deploy, a_placement, a_service, an_environment
from tests.clocks import NOON

WEB = (GroupHealth(name="web", desired=4), GroupHealth(name="worker", desired=2))
OUTSIDE = Base(state=JobState.RUNNING, job_version=7, token="1a2b3c4d")


def listed(**changes: Any) -> Listed:
    fields: dict[str, Any] = {
        "job": "checkout", "index": 47, "type": "service", "status": "running", "stopped": False,
        "start": Start.REGISTER, "created": 40, "submitted_at": NOON, "running": 6,
    }  # fmt: skip
    return Listed(**{**fields, **changes})


def recorded(**changes: Any) -> Recorded:
    fields: dict[str, Any] = {
        "service": "checkout", "environment": "staging", "deploy_id": 1, "version": "v1.4.2", "revision": 1,
        "kind": RolloutKind.DEPLOY, "job_version": 4, "job_modify_index": 47, "groups": WEB,
    }  # fmt: skip
    return Recorded(**{**fields, **changes})


def cell(live: Live | None, **changes: Any) -> Cell:
    return replace(Cell("checkout", "staging", a_deploy(1, Status.SUCCEEDED), (), live), **changes)


# --- whose version it is ---------------------------------------------------------------------------------------------


def test_a_version_is_ours_by_its_index_alone() -> None:
    older = recorded(deploy_id=2, job_modify_index=46)
    assert recorded_in(listed(), [older, recorded()]) == recorded()
    assert recorded_in(listed(index=48), [older, recorded()]) is None
    assert recorded_in(listed(), [recorded(kind=RolloutKind.LATE)]) is not None


def test_whose_job_a_revert_restored_the_older_versions_tell() -> None:
    assert recorded_in(listed(), [recorded(kind=RolloutKind.REVERT)]) is None


def test_of_our_own_version_everything_is_known() -> None:
    live = live_of(listed(), recorded())
    assert (live.health, live.origin, live.wanted, live.since) == (Health.RUNNING, Origin.DEPLOY, 6, NOON)
    assert live.base is not None
    assert (live.base.deploy, live.base.release_name, live.base.job_version) == (1, "v1.4.2", 4)
    assert cell(live).trouble == ""


def test_a_version_that_nobody_recorded_is_outside_once_the_older_versions_say_so() -> None:
    outside = live_of(listed(), None, base=OUTSIDE)
    assert (outside.origin, outside.wanted) == (Origin.OUTSIDE, None)
    assert cell(outside).trouble == "Changed outside Nomatron: job version 7, registered by token 1a2b3c4d."
    without = live_of(listed(), None, base=replace(OUTSIDE, token=""))
    assert cell(without).trouble == "Changed outside Nomatron: job version 7."
    restored = live_of(listed(), None, base=replace(OUTSIDE, reverted=True))
    assert cell(restored).trouble.startswith("Nomad has job version 7, restored by Nomad's revert")
    assert cell(outside, running=None).trouble.startswith("Nomad has job version 7, registered outside")
    assert cell(outside).deploy_id is None
    unread = live_of(listed(), None)
    assert unread.origin is Origin.UNKNOWN
    assert "perhaps only its counts were scaled" in cell(unread).trouble


def test_a_scaling_step_or_a_revert_of_ours_is_no_change_from_outside() -> None:
    ours = Base(state=JobState.RUNNING, job_version=4, deploy=1, version="v1.4.2", reverted=True)
    scaled = live_of(listed(), None, base=ours)
    assert scaled.origin is Origin.DEPLOY
    assert cell(scaled).trouble == ""


def test_a_deploy_that_is_registering_may_have_made_it() -> None:
    live = live_of(listed(), None, base=OUTSIDE, under_way=True)
    assert live.origin is Origin.UNDER_WAY
    assert cell(live).trouble == ""


def test_another_deploy_of_ours_than_the_last_success_is_named() -> None:
    live = live_of(listed(), recorded(deploy_id=2, version="v1.5.0"))
    assert cell(live).trouble == "Nomad has v1.5.0 (D-2), not what succeeded last."
    assert cell(live, running=None).trouble == "Nomad has v1.5.0 (D-2), not what succeeded last."
    assert cell(live, open=(a_deploy(2, Status.ROLLING),)).trouble == ""
    assert cell(live).deploy_id == 2


# --- how it does -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "health", "words"),
    [
        ({}, Health.RUNNING, "6 of 6 running"),
        ({"running": 4, "starting": 2}, Health.STARTING, "4 of 6 running, 2 starting"),
        ({"running": 4}, Health.SHORT, "4 of 6 running"),
        ({"running": 5, "unplaced": 1}, Health.SHORT, "5 of 6 running, 1 not placed"),
        ({"running": 6, "unreachable": 1}, Health.SHORT, "6 of 6 running, 1 out of reach"),
        ({"running": 0, "status": "pending", "starting": 6}, Health.STARTING, "0 of 6 running, 6 starting"),
        ({"running": 0, "status": "dead"}, Health.DEAD, "nothing of it runs"),
        ({"running": 0, "status": "dead", "type": "batch"}, Health.ENDED, "has ended"),
        ({"running": 2, "type": "batch"}, Health.RUNNING, "2 running"),
        ({"running": 3, "type": "system"}, Health.RUNNING, "3 running"),
        ({"start": Start.SCHEDULE, "running": 0}, Health.LATER, "starts later"),
        ({"start": Start.DISPATCH, "running": 0}, Health.LATER, "starts later"),
        ({"stopped": True, "status": "dead", "start": Start.SCHEDULE}, Health.STOPPED, "stopped in Nomad"),
    ],
)
def test_the_list_says_how_a_job_does(changes: dict[str, Any], health: Health, words: str) -> None:
    live = live_of(listed(**changes), recorded())
    assert (live.health, live.words) == (health, words)


def test_a_job_that_wants_nothing_is_not_missed() -> None:
    idle = (GroupHealth(name="web", desired=0),)
    live = live_of(listed(status="dead", running=0), recorded(groups=idle))
    assert (live.health, live.words) == (Health.RUNNING, "0 of 0 running")
    assert cell(live).trouble == ""


def test_a_job_just_registered_is_starting() -> None:
    assert live_of(listed(status="pending", running=0), recorded(groups=())).health is Health.STARTING


def test_stopped_gone_and_dead_are_trouble() -> None:
    stopped = live_of(listed(stopped=True, index=48), None)
    assert (stopped.origin, stopped.base) == (None, None)
    assert cell(stopped).trouble == "The job was stopped in Nomad."
    assert cell(live_of(listed(status="dead"), recorded())).trouble == "Nothing of the job runs."
    gone = live_of(None, None)
    assert cell(gone).trouble == "The job is not in Nomad any more."
    assert cell(gone, running=None).trouble == ""


def test_of_a_silent_cluster_nothing_is_said() -> None:
    unknown = cell(Live(health=Health.UNKNOWN))
    assert (unknown.trouble, unknown.deploy_id) == ("", 1)
    assert cell(None).trouble == ""
    assert cell(None, running=None).deploy_id is None


def test_what_can_be_promoted_is_what_the_message_offers() -> None:
    assert cell(None, running=a_deploy(1, Status.SUCCEEDED, offers=("production",))).promotes_to == ("production",)
    assert cell(None, running=None).promotes_to == ()


# --- the pipeline ----------------------------------------------------------------------------------------------------


def test_the_environments_come_in_the_order_of_after() -> None:
    names = {"production": ("canary",), "other": (), "canary": ("staging",), "staging": ()}
    known = {
        name: an_environment(name, after=tuple(After(environment=each) for each in before))
        for name, before in names.items()
    }
    services = {"checkout": a_service(placements={name: a_placement(name) for name in ("staging", "canary", "other")})}
    catalog = a_catalog(environments=known, services=services)

    assert pipeline(catalog) == ("other", "staging", "canary", "production")
    assert neighbours(catalog, "checkout") == (("staging", "canary"),)
