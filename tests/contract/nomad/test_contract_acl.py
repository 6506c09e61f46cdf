"""Check 47 and least privilege: on an agent with ACLs on, and on a simulated one that pretends to have them."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

import pytest

from tests.contract.nomad import jobs, policies
from tests.contract.nomad.waiting import deploy_job, deployment_of, eventually, healthy_canary, register_job

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.contract.nomad.callers import Rights
    from tests.contract.nomad.client import Nomad, Reply

FORBIDDEN = 403
DENIED = "Permission denied"
GRACE_S = 1.0
REAL_TOKENS = pytest.mark.agent_only("it pretends rights for everybody, and never looks at a token")
SILENT_STREAMS = pytest.mark.agent_only("it refuses a stream with a 403, and is never silent")
ORDER_OF_CHECKS = pytest.mark.agent_only("it looks at rights before everything else")
RIGHTS_TO_WRITE = pytest.mark.agent_only("of the rights to write it knows `register-job` alone")

EVENT_TOPICS = ("Job", "Deployment", "Evaluation", "Allocation")


def reads(nomad: Nomad, caller: Nomad, job_id: str, deployment: str) -> dict[str, Reply]:
    """Everything Nomatron reads, tried by the caller, by what it is for."""
    alloc = nomad.allocations(job_id).ok()[0]["ID"]
    return {
        "parse": caller.parse(jobs.hcl(job_id), json.dumps({"tag": "1"})),
        "plan": caller.plan(jobs.service(job_id, env={"A": "1"})),
        "job": caller.job(job_id),
        "versions": caller.versions(job_id, diffs=True),
        "submission": caller.submission(job_id, 0),
        "evaluations": caller.evaluations(job_id),
        "allocations": caller.allocations(job_id),
        "deployments": caller.deployments_of(job_id),
        "deployment": caller.deployment(deployment),
        "list": caller.get("jobs", params={"prefix": job_id}),
        "logs": caller.logs(alloc, jobs.TASK),
    }


NEEDED_TO_READ = {
    "parse-job": {"parse"},
    "plan-job": {"plan"},
    "list-jobs": {"list"},
    "read-logs": {"logs"},
    "read-job": {"job", "versions", "submission", "evaluations", "allocations", "deployments", "deployment"},
}


@pytest.fixture
def shop(nomad: Nomad, job_id: str) -> tuple[str, str]:
    """A deployed job that has a submission, and its deployment."""
    sent = {"Source": "# anything\n", "Format": "hcl2"}
    register_job(nomad, jobs.service(job_id), Submission=sent)
    job = deploy_job(nomad, jobs.service(job_id))
    return job_id, deployment_of(nomad, job)["ID"]


def denials(replies: dict[str, Reply]) -> set[str]:
    return {name for name, reply in replies.items() if reply.status == FORBIDDEN}


def test_c47_unknown_token_is_denied_like_any_other(rights: Rights, job_id: str) -> None:
    stranger = rights.stranger()
    for reply in (stranger.job(job_id), stranger.register(jobs.service(job_id)), stranger.get("acl", "token", "self")):
        assert (reply.status, reply.text) == (FORBIDDEN, DENIED)
        assert reply.headers["Content-Type"].startswith("text/plain")


@REAL_TOKENS
def test_c47_token_that_is_no_uuid_is_refused(nomad: Nomad, rights: Rights, job_id: str) -> None:
    caller = nomad.twin(token="nonsense")
    reply = caller.job(job_id)
    assert (reply.status, reply.text) == (FORBIDDEN, DENIED)
    assert caller.parse(jobs.hcl(job_id)).status in {FORBIDDEN, 500}


def test_c47_missing_token_is_denied(rights: Rights, job_id: str) -> None:
    reply = rights.anonymous().job(job_id)
    assert (reply.status, reply.text) == (FORBIDDEN, DENIED)


def test_c47_token_without_the_capability_is_denied(rights: Rights, job_id: str) -> None:
    caller = rights.caller_with("list-jobs")
    for reply in (caller.job(job_id), caller.register(jobs.service(job_id))):
        assert (reply.status, reply.text) == (FORBIDDEN, DENIED)


@REAL_TOKENS
def test_c47_bearer_is_read_too(nomad: Nomad, rights: Rights) -> None:
    caller = nomad.twin(token="")
    caller.header("Authorization", f"Bearer {nomad.token}")
    assert caller.get("acl", "token", "self").ok()["Type"] == "management"


def test_c47_health_and_leader_need_no_token(rights: Rights) -> None:
    anyone = rights.anonymous()
    anyone.get("agent", "health").ok()
    anyone.get("status", "leader").ok()


@SILENT_STREAMS
@pytest.mark.since("1.11.2")
@pytest.mark.parametrize("token", ["", "nonsense", "00000000-0000-4000-8000-000000000000"])
def test_c47_refused_event_stream_is_a_200_without_a_line(nomad: Nomad, rights: Rights, token: str) -> None:
    stranger = nomad.twin(token=token)
    with stranger.events("Job") as refused, nomad.events("Job") as witness:
        eventually(lambda: witness.lines, bool, "the first line of a stream that is allowed")
        time.sleep(GRACE_S)
        assert refused.answer.status_code == 200
        assert refused.lines == []


def test_c47_who_am_i_tells_a_bad_token_from_a_weak_one(rights: Rights) -> None:
    assert rights.caller_with("list-jobs").get("acl", "token", "self").ok()["Type"] == "client"
    assert rights.anonymous().get("acl", "token", "self").ok()["AccessorID"] == "anonymous"
    assert rights.stranger().get("acl", "token", "self").status == FORBIDDEN


@ORDER_OF_CHECKS
def test_c47_validation_is_seen_before_permission(rights: Rights, job_id: str) -> None:
    invalid = {**jobs.service(job_id), "Priority": 1_000_000}
    rights.anonymous().register(invalid).refused(500, "job priority")


@ORDER_OF_CHECKS
def test_c47_what_may_not_be_read_does_not_exist(nomad: Nomad, rights: Rights, shop: tuple[str, str]) -> None:
    alloc = nomad.allocations(shop[0]).ok()[0]["ID"]
    rights.caller_with("list-jobs").allocation(alloc).refused(500, "Unknown allocation")


@pytest.mark.since("1.11.2")
def test_read_policy_is_enough_to_read(nomad: Nomad, rights: Rights, shop: tuple[str, str]) -> None:
    replies = reads(nomad, rights.caller_with(*policies.READ), *shop)
    assert {name: reply.text for name, reply in replies.items() if reply.status != 200} == {}


@pytest.mark.since("1.11.2")
@pytest.mark.parametrize("without", policies.READ)
def test_read_policy_has_nothing_to_spare(nomad: Nomad, rights: Rights, shop: tuple[str, str], without: str) -> None:
    rest = [one for one in policies.READ if one != without]
    assert denials(reads(nomad, rights.caller_with(*rest), *shop)) == NEEDED_TO_READ[without]


@SILENT_STREAMS
@pytest.mark.since("1.11.2")
@pytest.mark.parametrize("without", policies.READ)
def test_event_stream_takes_read_job_and_nothing_else(
    nomad: Nomad, rights: Rights, shop: tuple[str, str], without: str
) -> None:
    caller = rights.caller_with(*(one for one in policies.READ if one != without))
    topics = [f"{topic}:{shop[0]}" for topic in EVENT_TOPICS]
    # the witness, who may read everything and asks later, says from when on silence is a refusal
    with caller.events(*topics) as stream, nomad.events(*topics) as witness:
        eventually(lambda: witness.batches, bool, "events of the job")
        time.sleep(GRACE_S)
        assert bool(stream.batches) == (without != "read-job")


@pytest.mark.since("1.11.2")
def test_read_policy_changes_nothing(rights: Rights, shop: tuple[str, str]) -> None:
    job_id, deployment = shop
    caller = rights.caller_with(*policies.READ)
    refusals = [
        caller.register(jobs.service(job_id, env={"A": "1"})),
        caller.stop(job_id),
        caller.revert(job_id, 0),
        caller.evaluate(job_id),
        caller.scale(job_id, jobs.GROUP, 2),
        caller.promote(deployment),
        caller.fail(deployment),
        caller.pause(deployment, pause=True),
    ]
    assert {(one.status, one.text) for one in refusals} == {(FORBIDDEN, DENIED)}


@pytest.fixture
def writes(nomad: Nomad, new_id: Callable[[], str]) -> Callable[[Nomad], dict[str, Reply]]:
    """Everything Nomatron changes, tried by a caller, by the capability it needs."""
    form, fresh, canaried = new_id(), new_id(), new_id()

    def attempt(caller: Nomad) -> dict[str, Reply]:
        register_job(nomad, jobs.parameterized(form))
        waiting = healthy_canary(nomad, canaried)["ID"]
        pause, resume = (caller.pause(waiting, pause=on) for on in (True, False))
        assert pause.status == resume.status
        promote = caller.promote(waiting)
        undecided = deployment_of(nomad, register_job(nomad, jobs.undecided_service(canaried)))["ID"]
        return {
            "register-job": caller.register(jobs.service(fresh, count=0), enforce=0),
            "dispatch-job": caller.dispatch(form, {"target": "a"}, once="token-1"),
            "pause-deployment": pause,
            "promote-deployment": promote,
            "fail-deployment": caller.fail(undecided),
            "deregister-job": caller.stop(canaried),
        }

    return attempt


@RIGHTS_TO_WRITE
@pytest.mark.since("1.11.2")
def test_write_policy_is_enough_to_write(rights: Rights, writes: Callable[[Nomad], dict[str, Reply]]) -> None:
    replies = writes(rights.caller_with(*policies.WRITE))
    assert {name: reply.text for name, reply in replies.items() if reply.status != 200} == {}


@RIGHTS_TO_WRITE
@pytest.mark.since("1.11.2")
@pytest.mark.parametrize("without", policies.WRITE)
def test_write_policy_has_nothing_to_spare(
    rights: Rights, writes: Callable[[Nomad], dict[str, Reply]], without: str
) -> None:
    rest = [one for one in policies.WRITE if one != without]
    assert denials(writes(rights.caller_with(*rest))) == {without}


@RIGHTS_TO_WRITE
def test_submit_job_stands_for_all_of_the_write_policy_but_dispatch(
    rights: Rights, writes: Callable[[Nomad], dict[str, Reply]]
) -> None:
    assert denials(writes(rights.caller_with("submit-job"))) == {"dispatch-job"}


@pytest.mark.since("1.11.2")
def test_write_policy_reads_and_purges_nothing(rights: Rights, shop: tuple[str, str]) -> None:
    job_id, deployment = shop
    caller = rights.caller_with(*policies.WRITE)
    for reply in (
        caller.job(job_id),
        caller.deployment(deployment),
        caller.plan(jobs.service(job_id)),
        caller.stop(job_id, purge=True),
    ):
        assert (reply.status, reply.text) == (FORBIDDEN, DENIED)


@REAL_TOKENS
@pytest.mark.since("1.11.2")
def test_registrant_is_named_on_the_job(nomad: Nomad, rights: Rights, job_id: str) -> None:
    caller = rights.caller_with(*policies.WRITE)
    caller.register(jobs.service(job_id, count=0)).ok()
    myself = caller.get("acl", "token", "self").ok()
    assert nomad.job(job_id).ok()["NomadTokenID"] == myself["AccessorID"]


@REAL_TOKENS
def test_same_spec_by_another_token_is_a_new_version(nomad: Nomad, rights: Rights, job_id: str) -> None:
    job = jobs.service(job_id, count=0)
    before = register_job(nomad, job)
    rights.caller_with("submit-job").register(job).ok()
    assert nomad.job(job_id).ok()["Version"] == before["Version"] + 1


@REAL_TOKENS
def test_plan_of_the_same_spec_under_acls_claims_updates_without_a_diff(
    nomad: Nomad, rights: Rights, job_id: str
) -> None:
    job = jobs.service(job_id)
    deploy_job(nomad, job)
    plan = nomad.plan(job).ok()
    assert plan["Diff"]["Type"] == "None"
    assert plan["Annotations"]["DesiredTGUpdates"][jobs.GROUP]["InPlaceUpdate"] == 1
