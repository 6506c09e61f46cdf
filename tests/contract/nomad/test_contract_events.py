"""Check 42: the event stream."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.contract.nomad import jobs
from tests.contract.nomad.waiting import deploy_job, deployment_of, eventually, final_deployment, register_job

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.contract.nomad.client import EventStream, Json, Nomad


def about(topic: str, job_id: str) -> Callable[[Json], bool]:
    """Picks the events of a topic that belong to a job, by its id or by its filter keys."""

    def ours(event: Json) -> bool:
        keys = [event["Key"], *(event["FilterKeys"] or [])]
        return event["Topic"] == topic and job_id in keys

    return ours


def wait_for_events(stream: EventStream, wanted: Callable[[Json], bool], what: str) -> list[Json]:
    return eventually(lambda: stream.events(wanted), bool, what)


def test_c42_stream_starts_with_an_empty_line(nomad: Nomad, job_id: str) -> None:
    with nomad.events(f"Job:{job_id}") as stream:
        assert stream.answer.status_code == 200
        assert stream.answer.headers["Content-Type"].startswith("application/json")
        eventually(lambda: stream.lines, bool, "the first line")
        assert stream.lines[0] == {}


def test_c42_register_shows_as_a_job_event(nomad: Nomad, job_id: str) -> None:
    with nomad.events(f"Job:{job_id}") as stream:
        job = register_job(nomad, jobs.service(job_id, count=0))
        event = wait_for_events(stream, about("Job", job_id), "the job's event")[0]
    assert event["Type"] == "JobRegistered"
    assert event["Key"] == job_id
    assert event["Namespace"] == nomad.namespace
    payload = event["Payload"]["Job"]
    assert payload["JobModifyIndex"] == job["JobModifyIndex"] == event["Index"]


def test_c42_deployment_events_carry_the_deployment(nomad: Nomad, job_id: str) -> None:
    with nomad.events("Deployment") as stream:
        job = deploy_job(nomad, jobs.service(job_id))
        deployment = deployment_of(nomad, job)["ID"]

        def succeeded(event: Json) -> bool:
            payload = event["Payload"].get("Deployment", {})
            return payload.get("ID") == deployment and payload["Status"] == "successful"

        event = wait_for_events(stream, succeeded, "the deployment's success")[0]
    assert event["Key"] == deployment
    assert job_id in event["FilterKeys"]


def test_c42_deployments_allocations_and_evaluations_are_found_by_their_job(nomad: Nomad, job_id: str) -> None:
    topics = ("Deployment", "Allocation", "Evaluation")
    with nomad.events(*(f"{topic}:{job_id}" for topic in topics)) as stream:
        deploy_job(nomad, jobs.service(job_id))
        for topic in topics:
            wait_for_events(stream, about(topic, job_id), f"a {topic} event")
        events = stream.events(lambda _: True)
    assert {event["Topic"] for event in events} == set(topics)
    for event in events:
        payload = event["Payload"][event["Topic"]]
        assert payload["JobID"] == job_id


def test_c42_allocation_events_carry_no_job(nomad: Nomad, job_id: str) -> None:
    with nomad.events(f"Allocation:{job_id}") as stream:
        deploy_job(nomad, jobs.service(job_id))
        events = wait_for_events(stream, about("Allocation", job_id), "an allocation event")
    assert all(event["Payload"]["Allocation"].get("Job") is None for event in events)


def test_c42_other_jobs_are_filtered_out(nomad: Nomad, new_id: Callable[[], str]) -> None:
    ours, other = new_id(), new_id()
    with nomad.events(f"Job:{ours}") as stream:
        register_job(nomad, jobs.service(other, count=0))
        register_job(nomad, jobs.service(ours, count=0))
        wait_for_events(stream, about("Job", ours), "our job's event")
        assert not stream.events(about("Job", other))


def test_c42_resuming_at_the_last_index_gives_nothing_older(nomad: Nomad, job_id: str) -> None:
    first = register_job(nomad, jobs.service(job_id, count=0))["JobModifyIndex"]
    second = register_job(nomad, jobs.service(job_id, count=0, env={"A": "1"}))["JobModifyIndex"]
    with nomad.events(f"Job:{job_id}", index=second) as stream:
        third = register_job(nomad, jobs.service(job_id, count=0, env={"A": "2"}))["JobModifyIndex"]
        eventually(
            lambda: [batch["Index"] for batch in stream.batches], lambda indexes: third in indexes, "the third version"
        )
        indexes = [batch["Index"] for batch in stream.batches]
    assert first not in indexes
    assert min(indexes) >= second


def test_c42_resuming_gives_the_last_index_again(nomad: Nomad, job_id: str) -> None:
    last = register_job(nomad, jobs.service(job_id, count=0))["JobModifyIndex"]
    with nomad.events(f"Job:{job_id}", index=last) as stream:
        wait_for_events(stream, about("Job", job_id), "the event at the index itself")
        assert stream.batches[0]["Index"] == last


def test_c42_index_zero_replays_what_is_still_buffered(nomad: Nomad, job_id: str) -> None:
    job = register_job(nomad, jobs.service(job_id, count=0))
    with nomad.events(f"Job:{job_id}", index=0) as stream:
        event = wait_for_events(stream, about("Job", job_id), "the replay")[0]
    assert event["Payload"]["Job"]["JobModifyIndex"] == job["JobModifyIndex"]


def test_c42_no_index_replays_too(nomad: Nomad, job_id: str) -> None:
    job = register_job(nomad, jobs.service(job_id, count=0))
    with nomad.events(f"Job:{job_id}") as stream:
        event = wait_for_events(stream, about("Job", job_id), "the replay")[0]
    assert event["Payload"]["Job"]["JobModifyIndex"] == job["JobModifyIndex"]


@pytest.mark.since("1.11.3")
def test_c42_purge_is_an_event_marked_deleted(nomad: Nomad, job_id: str) -> None:
    register_job(nomad, jobs.service(job_id, count=0))
    with nomad.events(f"Job:{job_id}") as stream:
        nomad.stop(job_id, purge=True).ok()

        def deregistered(event: Json) -> bool:
            return event["Type"] == "JobDeregistered" and event["Key"] == job_id

        event = wait_for_events(stream, deregistered, "the purge")[0]
    assert event["Payload"]["Deleted"] is True


def test_c42_idle_stream_beats(nomad: Nomad, job_id: str) -> None:
    with nomad.events(f"Job:{job_id}") as stream:
        eventually(lambda: stream.heartbeats, lambda beats: beats >= 2, "a second heartbeat")


@pytest.mark.since("1.11.3")
def test_c42_stream_is_closed_not_chunked(nomad: Nomad, job_id: str) -> None:
    with nomad.events(f"Job:{job_id}") as stream:
        assert "Transfer-Encoding" not in stream.answer.headers
        assert stream.answer.headers["Connection"] == "close"


def test_c42_bad_index_is_refused(nomad: Nomad) -> None:
    nomad.get("event", "stream", params={"index": "x"}).refused(400, "Unable to parse index")


def test_c42_promotion_is_seen_on_the_stream(nomad: Nomad, job_id: str) -> None:
    deploy_job(nomad, jobs.service(job_id))
    update = {"Canary": 1, "AutoPromote": True}
    with nomad.events(f"Deployment:{job_id}") as stream:
        job = register_job(nomad, jobs.service(job_id, env={"A": "1"}, update=update))
        final_deployment(nomad, deployment_of(nomad, job)["ID"])

        def promoted(event: Json) -> bool:
            return event["Payload"]["Deployment"]["TaskGroups"][jobs.GROUP]["Promoted"]

        wait_for_events(stream, promoted, "the promotion")
