"""Parse: Nomad's own parser, on every Nomad."""

from __future__ import annotations

import json

import pytest

from bot.domain.catalog.environment import Value  # noqa: TC001 -- the only import for types
from bot.domain.deploy.plan import SERVER_FIELDS
from bot.errors import NomadRefused
from bot.gateways.nomad.parse import diagnostics, variables_text
from tests.gateways.nomad.worlds import hcl
from tests.recorded import answer

NUMBER = 'variable "count" {\n  type    = number\n  default = 1\n}\n'


async def refused(world, text, **variables) -> tuple[str, ...]:
    with pytest.raises(NomadRefused) as caught:
        await world.nomad.parse(text, variables, world.namespace)
    return caught.value.lines


def task_of(job):
    return job["TaskGroups"][0]["Tasks"][0]


async def test_a_template_and_its_variables_become_a_job(world):
    job = await world.nomad.parse(hcl(world.job_id), {"tag": "v1"}, world.namespace)
    assert job["ID"] == world.job_id
    assert task_of(job)["Config"]["args"] == ["v1"]


async def test_defaults_are_filled_in_and_nomads_own_fields_are_not_there(world):
    job = await world.nomad.parse(hcl(world.job_id), {"tag": "v1"}, world.namespace)
    assert (job["Type"], job["Priority"]) == ("service", 50)
    assert job["TaskGroups"][0]["Update"]["MaxParallel"] == 1
    assert not SERVER_FIELDS & job.keys()


@pytest.mark.parametrize("value", ['a${b}"c\n', "%{if}", "1.10", "ключ", "\\n"])
async def test_strings_arrive_unchanged(world, value):
    job = await world.nomad.parse(hcl(world.job_id), {"tag": value}, world.namespace)
    assert task_of(job)["Config"]["args"] == [value]


async def test_a_missing_variable_is_named(world):
    (line,) = await refused(world, hcl(world.job_id))
    assert line == 'Unset variable "tag": A used variable must be set or have a default value'


async def test_a_fault_has_its_line(world):
    (line,) = await refused(world, hcl(world.job_id).replace("driver =", "drover ="), tag="v1")
    assert line.startswith("line 9: ")
    assert "drover" in line


async def test_a_wrong_type_says_what_is_required(world):
    said = " ".join(await refused(world, hcl(world.job_id, NUMBER), tag="v1", count="many"))
    assert "a number is required" in said


async def test_a_function_that_wants_a_disk_is_explained(world):
    said = " ".join(await refused(world, hcl(world.job_id).replace("var.tag", 'file("x")'), tag="v1"))
    assert "pass the content in a variable instead" in said


async def test_nothing_to_parse(world):
    assert await refused(world, "") == ("Job spec is empty",)


def in_region(jobspec: str, region: str) -> str:
    return jobspec.replace('  group "web"', f'  region = "{region}"\n  group "web"')


async def test_a_region_that_nobody_knows_is_refused_in_nomads_words(world):
    (line,) = await refused(world, in_region(hcl(world.job_id), "elsewhere"), tag="v1")
    assert line.startswith("No path to region `elsewhere`, which the jobspec names. Remove `region`")


async def test_the_agents_own_region_may_be_named(world):
    own = (await world.call("GET", "agent/self"))["config"]["Region"]
    job = await world.nomad.parse(in_region(hcl(world.job_id), own), {"tag": "v1"}, world.namespace)
    assert job["Region"] == own


def test_variables_are_one_line_of_json():
    text = variables_text({"a": "x\ny", "b": [1, {"c": None}], "d": True})
    assert text.startswith("{")
    assert "\n" not in text
    assert json.loads(text) == {"a": "x\ny", "b": [1, {"c": None}], "d": True}


@pytest.mark.parametrize(
    ("said", "lines"),
    [
        (
            "Failed to parse job: input.hcl:2,3-9: Bad argument; No.\ninput.hcl:4,5-10: Bad argument; No.",
            ("line 2: Bad argument: No.", "line 4: Bad argument: No."),
        ),
        (
            "Failed to parse job: input.hcl:1,22-30: Invalid; Small or large.\n\nThis was checked at input.hcl:9,3-13.",
            ("line 1: Invalid: Small or large. This was checked at line 9.",),
        ),
        ("Failed to parse job: input.hcl:3,1-4,2: Spans lines; Yes", ("line 3: Spans lines: Yes",)),
        ("something else\nand more", ("something else and more",)),
        ("", ("Nomad refused the jobspec and gave no reason",)),
    ],
)
def test_diagnostics(said, lines):
    assert diagnostics(said) == lines


@pytest.mark.parametrize(
    ("name", "first"),
    [
        ("parse_wrong_type", 'variable "count": Invalid value for variable: The value for count is not compatible'),
        ("parse_validation", 'variable "size": Invalid value for varfile variable: The size must be small or large.'),
    ],
)
def test_a_value_that_a_real_agent_refuses_is_named_and_not_a_line_that_nobody_wrote(name, first):
    recorded = answer(name)
    sent = recorded["request"]["body"]

    (line,) = diagnostics(recorded["body"], sent["JobHCL"], json.loads(sent["Variables"]))

    assert line.startswith(first)
    assert "input.hcl" not in line


def test_each_variable_is_found_by_its_column_whatever_stands_before_it():
    values: dict[str, Value] = {"a": 'é", "b": "x', "b": [1, {"c": "medium"}], "c": None}
    text = variables_text(values)
    for name, value in values.items():
        at = text.index(json.dumps(value), text.index(f'"{name}": ')) + 1
        said = f"input.hcl:1,{at}-{at + 1}: Invalid value for variable; No."
        assert diagnostics(said, "", values) == (f'variable "{name}": Invalid value for variable: No.',)
    beyond = f"input.hcl:1,{len(text) + 9}-{len(text) + 10}: Invalid value for variable; No."
    assert diagnostics(beyond, "", values) == ("a variable: Invalid value for variable: No.",)


def test_a_wrong_default_names_its_variable_and_its_line():
    jobspec = 'variable "a" {\n  default = 1\n}\nvariable "count" {\n  type = number\n  default = "x"\n}\n'
    said = "input.hcl:6,13-16: Invalid default value for variable; This default value is not compatible."
    assert diagnostics(said, jobspec) == (
        'line 6 (variable "count"): Invalid default value for variable: This default value is not compatible.',
    )


async def test_a_wrong_value_names_its_variable(world):
    (line,) = await refused(world, hcl(world.job_id, NUMBER), tag="v1", count="many")
    assert line.startswith('variable "count": ')
