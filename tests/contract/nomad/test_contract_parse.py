"""Checks 1 to 7: POST /v1/jobs/parse."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.contract.nomad import jobs

if TYPE_CHECKING:
    from tests.contract.nomad.client import Json, Nomad


def args_of(job: Json) -> list[str]:
    return job["TaskGroups"][0]["Tasks"][0]["Config"]["args"]


def test_c01_parse_answers_the_job_itself_with_the_value_inside(nomad: Nomad) -> None:
    job = nomad.parse(jobs.hcl("parsed"), json.dumps({"tag": "1.2.3"})).ok()
    assert job["ID"] == "parsed"
    assert "Job" not in job
    assert args_of(job) == ["1.2.3"]


def test_c01_variables_may_be_hcl_too(nomad: Nomad) -> None:
    job = nomad.parse(jobs.hcl("parsed"), 'tag = "1.2.3"\n').ok()
    assert args_of(job) == ["1.2.3"]


def test_c01_json_variables_behind_a_newline_are_read_as_hcl(nomad: Nomad) -> None:
    variables = "\n" + json.dumps({"tag": "1.2.3"})
    nomad.parse(jobs.hcl("parsed"), variables).refused(400, "Failed to parse job:")


def test_c02_missing_variable_is_named(nomad: Nomad) -> None:
    reply = nomad.parse(jobs.hcl("parsed"))
    reply.refused(400, 'Unset variable "tag"')
    assert reply.text.startswith("Failed to parse job:")
    assert reply.headers["Content-Type"].startswith("text/plain")


def test_c03_unknown_variable_is_ignored(nomad: Nomad) -> None:
    job = nomad.parse(jobs.hcl("parsed"), json.dumps({"tag": "1", "tga": "2"})).ok()
    assert args_of(job) == ["1"]


def test_c04_wrong_type_is_refused(nomad: Nomad) -> None:
    hcl = jobs.hcl("parsed", extra=jobs.NUMBER_VARIABLE)
    variables = json.dumps({"tag": "1", "count": "many"})
    nomad.parse(hcl, variables).refused(400, "type constraint: a number is required")


def test_c04_failed_validation_gives_its_authors_message(nomad: Nomad) -> None:
    hcl = jobs.hcl("parsed", extra=jobs.VALIDATED_VARIABLE)
    variables = json.dumps({"tag": "1", "size": "medium"})
    nomad.parse(hcl, variables).refused(400, "The size must be small or large.")


def test_c05_json_values_arrive_verbatim(nomad: Nomad) -> None:
    value = 'a${b}"c\n%{d}'
    job = nomad.parse(jobs.hcl("parsed"), json.dumps({"tag": value})).ok()
    assert args_of(job) == [value]


def test_c05_runtime_references_stay_as_they_are_written(nomad: Nomad) -> None:
    hcl = jobs.hcl("parsed").replace("var.tag", '"${attr.kernel.name}"')
    job = nomad.parse(hcl, json.dumps({"tag": "1"})).ok()
    assert args_of(job) == ["${attr.kernel.name}"]


def test_c06_functions_that_read_files_are_refused(nomad: Nomad) -> None:
    hcl = jobs.hcl("parsed").replace("var.tag", 'file("x")')
    reply = nomad.parse(hcl, json.dumps({"tag": "1"}))
    reply.refused(400, "filesystem function disabled")


def test_c06_empty_jobspec_is_refused(nomad: Nomad) -> None:
    nomad.parse("").refused(400, "Job spec is empty")


def test_c06_syntax_error_says_where(nomad: Nomad) -> None:
    nomad.parse('job "x" {\n  group "g" {\n').refused(400, "input.hcl:")


def test_c07_canonicalize_fills_the_defaults(nomad: Nomad) -> None:
    job = nomad.parse(jobs.hcl("parsed"), json.dumps({"tag": "1"}), canonicalize=True).ok()
    assert job["Priority"] == 50
    assert job["Type"] == "service"
    assert job["TaskGroups"][0]["Update"]["MaxParallel"] == 1


@pytest.mark.parametrize("field", ["Priority", "Type", "Update", "Region", "Namespace"])
def test_c07_without_canonicalize_they_are_null(nomad: Nomad, field: str) -> None:
    variables = json.dumps({"tag": "1"})
    job = nomad.parse(jobs.hcl("parsed"), variables, canonicalize=False).ok()
    assert job[field] is None
