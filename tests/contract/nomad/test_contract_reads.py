"""Check 43 and the small endpoints: blocking reads, lists, logs, and what is not there."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

import pytest

from tests.contract.nomad import jobs
from tests.contract.nomad.waiting import eventually, register_job

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.contract.nomad.client import Nomad, Reply


def idle_index(nomad: Nomad, job_id: str) -> int:
    """Register an idle job and answer the index its reads settle at."""
    register_job(nomad, jobs.idle_service(job_id))
    done = eventually(
        lambda: nomad.evaluations(job_id).ok(),
        lambda every: every and all(one["Status"] == "complete" for one in every),
        "the evaluation",
    )
    assert done
    return nomad.job(job_id).index


@pytest.mark.realtime
def test_c43_blocking_read_of_an_unchanged_job_returns_after_its_wait(nomad: Nomad, job_id: str) -> None:
    index = idle_index(nomad, job_id)
    started = time.monotonic()
    reply = nomad.job(job_id, {"index": index, "wait": "2s"})
    assert time.monotonic() - started >= 2
    assert reply.index == index
    assert reply.ok()["ID"] == job_id


def test_c43_blocking_read_answers_the_same_index_when_nothing_happens(nomad: Nomad, job_id: str) -> None:
    index = idle_index(nomad, job_id)
    reply = nomad.job(job_id, {"index": index, "wait": "1s"})
    assert reply.index == index
    assert reply.ok()["Version"] == 0


def test_c43_blocking_read_wakes_when_the_job_changes(nomad: Nomad, job_id: str) -> None:
    index = idle_index(nomad, job_id)
    replies: list[Reply] = []

    def read() -> None:
        replies.append(nomad.twin().job(job_id, {"index": index, "wait": "4m"}, timeout=270))

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    nomad.register(jobs.idle_service(job_id, A="1")).ok()
    eventually(lambda: replies, bool, "the blocking read to wake")
    assert replies[0].index > index
    assert replies[0].ok()["Version"] == 1


def test_c43_index_in_the_past_answers_at_once(nomad: Nomad, job_id: str) -> None:
    index = idle_index(nomad, job_id)
    assert nomad.job(job_id, {"index": index - 1, "wait": "4m"}).index == index


def test_c43_wait_has_to_be_a_duration(nomad: Nomad, job_id: str) -> None:
    nomad.job(job_id, {"index": 1, "wait": "2x"}).refused(400, "Invalid wait time")


def test_agent_says_it_is_healthy(nomad: Nomad) -> None:
    health = nomad.get("agent", "health").ok()
    assert health["server"]["ok"] is True


def test_leader_is_an_address(nomad: Nomad) -> None:
    leader = nomad.get("status", "leader").ok()
    assert ":" in leader


def test_regions_and_namespaces_are_listed(nomad: Nomad) -> None:
    assert nomad.get("regions").ok()
    assert "default" in {one["Name"] for one in nomad.get("namespaces").ok()}


def test_jobs_are_listed_by_prefix(nomad: Nomad, job_id: str) -> None:
    register_job(nomad, jobs.idle_service(job_id))
    stub = nomad.get("jobs", params={"prefix": job_id}).ok()
    assert [one["ID"] for one in stub] == [job_id]
    assert {"JobModifyIndex", "ModifyIndex", "Status", "Type"} <= set(stub[0])


def test_logs_are_plain_text(nomad: Nomad, job_id: str) -> None:
    register_job(nomad, jobs.batch(job_id, jobs.Command("/bin/echo", ("said",))))
    [alloc] = eventually(
        lambda: nomad.allocations(job_id).ok(),
        lambda every: every and every[0]["ClientStatus"] == "complete",
        "the batch to end",
    )
    eventually(lambda: nomad.logs(alloc["ID"], jobs.TASK), lambda reply: reply.text == "said\n", "the log")


def test_unknown_ids_are_404s(nomad: Nomad, new_id: Callable[[], str]) -> None:
    unknown = "00000000-0000-4000-8000-000000000000"
    nomad.evaluation(unknown).refused(404, "eval not found")
    nomad.allocation(unknown).refused(404, "alloc not found")
    nomad.job(new_id()).refused(404, "job not found")


def test_unknown_region_is_a_500(nomad: Nomad, job_id: str) -> None:
    nomad.job(job_id, {"region": "nowhere"}).refused(500, "No path to region")


def test_wrong_method_is_a_405(nomad: Nomad) -> None:
    nomad.call("DELETE", "jobs", "parse").refused(405, "Invalid method")
