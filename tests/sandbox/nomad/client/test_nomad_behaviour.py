"""How a task's life goes, by what it runs."""

from __future__ import annotations

from typing import Any

import pytest

from sandbox.nomad.client.behaviour import Course, course_of, image_of
from sandbox.nomad.switches import mentions


def a_task(lifecycle: dict[str, Any] | None = None, **config: Any) -> dict[str, Any]:
    return {"Name": "app", "Config": config, "Env": {"MODE": "calm"}, "Lifecycle": lifecycle}


@pytest.mark.parametrize(
    ("config", "job_type", "course"),
    [
        ({"image": "shop:1"}, "service", Course.RUN),
        ({"image": "shop:1"}, "batch", Course.COMPLETE_SOON),
        ({"command": "/bin/sleep", "args": ["3600"]}, "service", Course.RUN),
        ({"command": "/bin/sleep", "args": ["3600"]}, "batch", Course.RUN),
        ({"command": "/bin/echo", "args": ["said"]}, "batch", Course.COMPLETE),
        ({"command": "/bin/false"}, "service", Course.FAIL),
        ({"command": "/bin/sh", "args": ["-c", "exit 3"]}, "service", Course.FAIL),
        ({"command": "/bin/sh", "args": ["-c", "exit 0"]}, "service", Course.RUN),
        ({}, "service", Course.RUN),
    ],
)
def test_a_task_runs_ends_or_fails_by_what_it_is(config: dict[str, Any], job_type: str, course: Course):
    assert course_of(a_task(**config), job_type, told_to_fail=False) is course


def test_a_task_that_is_told_to_fail_fails():
    assert course_of(a_task(image="shop:1"), "service", told_to_fail=True) is Course.FAIL


@pytest.mark.parametrize(("sidecar", "course"), [(False, Course.COMPLETE_SOON), (True, Course.RUN)])
def test_a_prestart_task_ends_unless_it_is_a_sidecar(sidecar: bool, course: Course):  # noqa: FBT001 - a table
    task = a_task({"Hook": "prestart", "Sidecar": sidecar}, image="migrate:1")
    assert course_of(task, "service", told_to_fail=False) is course


def test_a_task_is_shown_by_its_image_or_its_command():
    assert image_of(a_task(image="a:1")) == "a:1"
    assert image_of(a_task(command="/bin/x")) == "/bin/x"
    assert image_of(a_task()) == ""


def test_a_text_is_looked_for_in_config_and_environment():
    task = a_task(image="shop:v1.4.3")
    assert [mentions(task, text) for text in ("v1.4.3", "calm", "v1.4.2")] == [True, True, False]
