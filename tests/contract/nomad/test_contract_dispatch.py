"""Check 44: dispatching a parameterized job."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.contract.nomad import jobs
from tests.contract.nomad.waiting import register_job, running_allocations

if TYPE_CHECKING:
    from tests.contract.nomad.client import Nomad


@pytest.fixture
def form(nomad: Nomad, job_id: str) -> str:
    """A parameterized job."""
    register_job(nomad, jobs.parameterized(job_id))
    return job_id


def test_c44_dispatch_with_the_same_token_is_the_same_child(nomad: Nomad, form: str) -> None:
    first = nomad.dispatch(form, {"target": "a"}, once="token-1").ok()
    second = nomad.dispatch(form, {"target": "a"}, once="token-1").ok()
    third = nomad.dispatch(form, {"target": "a"}, once="token-2").ok()
    assert first["EvalID"]
    assert second["EvalID"] == ""
    assert second["DispatchedJobID"] == first["DispatchedJobID"] != third["DispatchedJobID"]


def test_c44_child_knows_its_parent(nomad: Nomad, form: str) -> None:
    child_id = nomad.dispatch(form, {"target": "a"}).ok()["DispatchedJobID"]
    assert child_id.startswith(f"{form}/dispatch-")
    child = nomad.job(child_id).ok()
    assert (child["ParentID"], child["Dispatched"]) == (form, True)
    assert child["Meta"]["target"] == "a"
    running_allocations(nomad, child_id, 1)


def test_c44_dispatch_is_refused(nomad: Nomad, form: str) -> None:
    missing = nomad.dispatch(form, {})
    missing.refused(500, "Dispatch did not provide required meta keys", "target")
    extra = nomad.dispatch(form, {"target": "a", "colour": "pink"})
    extra.refused(500, "Dispatch request included unpermitted metadata keys", "colour")


def test_c44_dispatch_of_what_takes_none_is_refused(nomad: Nomad, job_id: str) -> None:
    nomad.dispatch(job_id, {}).refused(500, "parameterized job not found")
    register_job(nomad, jobs.idle_service(job_id))
    nomad.dispatch(job_id, {}).refused(500, "is not a parameterized job")
