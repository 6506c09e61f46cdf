"""Nomad's objects as records, some of them as a real agent wrote them."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from bot.domain.jobdiff.placement import unplaced
from bot.domain.masking import scrub
from bot.gateways.nomad.errors import refusal
from bot.gateways.nomad.parse import diagnostics
from bot.gateways.nomad.register import interpret
from bot.gateways.nomad.reply import Reply
from bot.gateways.nomad.rollouts.allocations import allocation_state
from bot.gateways.nomad.rollouts.deployments import nomad_deployment
from bot.gateways.nomad.rollouts.logs import LONGEST, tail
from tests.recorded import answer


def reply_of(name: str) -> Reply:
    exchange = answer(name)
    body = exchange["body"]
    text = body if isinstance(body, str) else json.dumps(body)
    return Reply(exchange["status"], exchange["headers"].get("Content-Type", "").casefold(), text.encode())


def an_event(kind, **changes):
    return {"Type": kind, "Time": 1, "DisplayMessage": f"{kind} happened", "ExitCode": 0, "Signal": 0, **changes}


def an_allocation(*events, failed=True, restarts=0, **changes):
    state = {"State": "dead", "Failed": failed, "Restarts": restarts, "Events": list(events)}
    return {
        "ID": "a1", "TaskGroup": "web", "JobVersion": 4, "ClientStatus": "failed", "DesiredStatus": "run",
        "DeploymentStatus": {"Healthy": False}, "TaskStates": {"app": state}, **changes,
    }  # fmt: skip


def failure_of(*events, **changes):
    return allocation_state(an_allocation(*events, **changes)).failure


def test_the_earliest_cause_is_the_failure():
    failure = failure_of(
        an_event("Received"),
        an_event("Alloc Unhealthy", Time=2),
        an_event("Driver Failure", Time=9),
        an_event("Terminated", Time=5, ExitCode=137, DisplayMessage="Exit Code: 137"),
    )
    assert (failure.event, failure.message, failure.exit_code) == ("Terminated", "Exit Code: 137", 137)
    assert (failure.allocation, failure.group, failure.task) == ("a1", "web", "app")


ALIVE = {"Name": "web", "Checks": [{"Name": "alive", "Type": "http", "Path": "/nope"}]}
READY = {"Name": "web", "Checks": [{"Name": "", "Type": "tcp"}]}


def a_spec(*services, **task):
    of_task = {"Name": "app", "Services": services[1:], **task}
    return {"TaskGroups": [{"Name": "log"}, {"Name": "web", "Services": services[:1], "Tasks": [of_task]}]}


SAID = "Task not running for min_healthy_time of 1s by healthy_deadline of 8s"
"""What a 2.0.6 agent says of a task that runs and whose check fails."""


@pytest.mark.parametrize(
    ("events", "spec", "task", "message"),
    [
        (
            [],
            a_spec(ALIVE),
            "",
            "not healthy by its deadline; it runs, but its check has not passed: alive (http /nope)",
        ),
        ([], a_spec(), "", "not healthy by its deadline"),
        ([], None, "", "not healthy by its deadline"),
        ([SAID], a_spec(ALIVE), "app", f"{SAID}; it runs, but its check has not passed: alive (http /nope)"),
        (
            [SAID],
            a_spec(ALIVE, READY),
            "app",
            f"{SAID}; it runs, but not all of its checks have passed: alive (http /nope), web (tcp)",
        ),
        ([SAID], a_spec(), "app", SAID),
    ],
)
def test_an_allocation_whose_check_never_passes(events, spec, task, message):
    told = [an_event("Alloc Unhealthy", DisplayMessage=each) for each in events]
    found = an_allocation(an_event("Started"), *told, failed=False, ClientStatus="running")
    found["TaskStates"]["app"]["State"] = "running"
    failure = allocation_state(found, spec=spec).failure
    assert (failure.event, failure.task, failure.allocation) == ("Alloc Unhealthy", task, "a1")
    assert failure.message == message
    assert not failure.names_a_cause


def test_checks_that_do_not_count_for_its_health_are_not_named():
    found = an_allocation(an_event("Alloc Unhealthy", DisplayMessage=SAID), failed=False)
    found["TaskStates"]["app"]["State"] = "running"
    spec = a_spec(ALIVE)
    spec["TaskGroups"][1]["Update"] = {"HealthCheck": "task_states"}
    assert allocation_state(found, spec=spec).failure.message == SAID


@pytest.mark.parametrize("healthy", [True, None])
def test_an_allocation_that_is_not_unhealthy_has_no_failure(healthy):
    found = an_allocation(an_event("Started"), failed=False, DeploymentStatus={"Healthy": healthy})
    assert allocation_state(found, spec=a_spec(ALIVE)).failure is None


def test_a_poststop_sidecar_keeps_its_allocation_from_being_healthy():
    found = an_allocation(an_event("Alloc Unhealthy", DisplayMessage=SAID), failed=False, ClientStatus="running")
    found["TaskStates"]["app"]["State"] = "running"
    late = "Task not running by healthy_deadline of 8s"
    event = an_event("Alloc Unhealthy", DisplayMessage=late, Time=2)
    found["TaskStates"]["cleanup"] = {"State": "pending", "Failed": False, "Restarts": 0, "Events": [event]}
    spec = a_spec(ALIVE)
    spec["TaskGroups"][1]["Tasks"].append({"Name": "cleanup", "Lifecycle": {"Hook": "poststop", "Sidecar": True}})

    why = "; a poststop task starts after all others have ended, so as a sidecar it is never healthy"
    failure = allocation_state(found, spec=spec).failure
    assert (failure.task, failure.message) == ("cleanup", late + why)
    assert allocation_state(found, spec=a_spec()).failure.message == late


def test_a_cause_without_an_exit_code():
    failure = failure_of(an_event("Driver Failure", DisplayMessage="", Message="no such image"))
    assert (failure.message, failure.exit_code) == ("no such image", None)


@pytest.mark.parametrize(
    ("event", "failed", "restarts"),
    [
        (an_event("Killing"), True, 0),
        (an_event("Terminated"), False, 0),
        (an_event("Terminated", ExitCode=0), True, 0),
        (an_event("Terminated", ExitCode=143), False, 0),
    ],
)
def test_events_that_are_not_failures(event, failed, restarts):
    assert failure_of(event, failed=failed, restarts=restarts) is None


@pytest.mark.parametrize("event", [an_event("Terminated", ExitCode=1), an_event("Terminated", Signal=9)])
def test_a_task_that_is_restarted_has_failed(event):
    assert failure_of(event, failed=False, restarts=2) is not None


@pytest.mark.parametrize(
    ("changes", "replaced"),
    [({}, False), ({"NextAllocation": "a2"}, True), ({"FollowupEvalID": "e2"}, True), ({"NextAllocation": ""}, False)],
)
def test_an_allocation_that_is_run_again(changes, replaced):
    assert allocation_state(an_allocation(**changes)).replaced is replaced


@pytest.mark.parametrize(
    ("status", "healthy"),
    [(None, None), ({"Healthy": None}, None), ({"Healthy": True}, True), ({"Healthy": False}, False)],
)
def test_health(status, healthy):
    assert allocation_state(an_allocation(DeploymentStatus=status, TaskStates=None)).healthy is healthy


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        (None, None),
        ("0001-01-01T00:00:00Z", None),
        ("2026-11-22T03:28:33.481839271Z", datetime(2026, 11, 22, 3, 28, 33, 481839, tzinfo=UTC)),
    ],
)
def test_a_deployments_deadline(text, instant):
    found = {
        "ID": "d1",
        "Status": "running",
        "JobVersion": 4,
        "JobSpecModifyIndex": 47,
        "TaskGroups": {"web": {"RequireProgressBy": text}},
    }
    assert nomad_deployment(found).require_progress_by == instant


# --- the end of a log ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "lines", "shown"),
    [
        (b"", 5, ""),
        (b"\n \n", 5, ""),
        (b"one\ntwo\n\nthree\n", 2, "two\nthree"),
        (b"\x1b[31mred\x1b[0m\r\nbell\x07\tand tab\n", 5, "red\nbell\tand tab"),
        (b"caf\xc3\xa9 \xff\n", 5, "café \ufffd"),
        (b"token=Zk9hunter2secret\n", 5, "token=(hidden)"),
        (b"x" * 20_000, 5, ""),
        (b"x " * 8000 + b"\n" + b"y\n" * 3, 2, "y\ny"),
    ],
)
def test_the_end_of_a_log(body, lines, shown):
    assert tail(body, lines, scrub) == shown


def test_a_long_log_ends_with_whole_lines():
    body = "".join(f"line {number} {'ab ' * 30}\n" for number in range(100)).encode()
    shown = tail(body, 100, scrub)
    assert len(shown) <= LONGEST
    first, *_, last = shown.splitlines()
    assert (first.startswith("line "), last.startswith("line 99")) == (True, True)


def test_of_one_long_line_the_end_stays():
    shown = tail(b"begin " + b"ab " * 3000 + b"end", 3, scrub)
    assert (len(shown), shown[0], shown[-3:]) == (LONGEST, "…", "end")


# --- as a real agent wrote them --------------------------------------------------------------------------------------


def test_a_recorded_failure():
    (found, *_) = answer("allocations_failed")["body"]
    failure = allocation_state(found).failure
    assert failure is not None
    assert (failure.event, failure.message, failure.exit_code) == ("Terminated", "Exit Code: 1", 1)


def test_a_recorded_driver_failure():
    failure = allocation_state(answer("allocation_driver_failure")["body"] | {"JobVersion": 0}).failure
    assert failure is not None
    assert failure.event == "Driver Failure"
    assert "no/such/file" in failure.message


def test_a_recorded_canary():
    found = nomad_deployment(answer("deployment_rollback_waits_for_promotion")["body"])
    assert found.description == "Deployment is running but requires manual promotion"
    assert (found.job_version, found.job_spec_modify_index) == (2, 3380)
    assert [(each.name, each.canaries, each.healthy, each.promoted) for each in found.groups] == [("web", 1, 2, False)]


def test_recorded_words_of_no_room():
    metric = answer("evaluation_not_placed")["body"]["FailedTGAllocs"]["web"]
    spec = {"TaskGroups": [{"Name": "web", "Tasks": [{"Resources": {"MemoryMB": 2**30}}]}]}
    assert unplaced("web", metric, spec) == f"web: 1 cannot be placed: needs {2**30} MB memory; 1 of 1 node exhausted"


@pytest.mark.parametrize(
    ("name", "answer"),
    [
        ("register_ok", "landed"),
        ("register_same_spec", "no-op"),
        ("register_parameterized", "landed"),
        ("cas_exists", "conflict"),
        ("cas_conflict", "conflict"),
        ("cas_missing", "conflict"),
        ("register_invalid", "denied"),
        ("register_unknown_namespace", "denied"),
        ("register_type_change", "denied"),
        ("acl_weak_register", "forbidden"),
    ],
)
def test_recorded_answers_to_a_register(name, answer):
    assert interpret(reply_of(name)).answer == answer


@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("acl_unknown_token", "NomadForbidden"),
        ("acl_malformed_token_parse", "NomadForbidden"),
        ("plan_path_mismatch", "NomadRefused"),
        ("unknown_region", "NomadUnavailable"),
        ("blocking_bad_wait", "NomadRefused"),
    ],
)
def test_recorded_refusals(name, error):
    assert type(refusal(reply_of(name))).__name__ == error


def test_recorded_diagnostics():
    assert diagnostics(answer("parse_two_errors")["body"]) == (
        'line 2: Unsupported argument: An argument named "colour" is not expected here.',
        'line 4: Unsupported argument: An argument named "smell" is not expected here.',
    )
    (line,) = diagnostics(answer("parse_missing_variable")["body"])
    assert line.startswith('Unset variable "tag": ')
    (line,) = diagnostics(answer("parse_file_function")["body"])
    assert "pass the content in a variable instead" in line
