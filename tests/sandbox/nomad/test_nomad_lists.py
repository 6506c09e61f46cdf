"""Lists of the simulated Nomad: filters and pages."""

from __future__ import annotations

import pytest

from sandbox.nomad.refusals import Refused
from sandbox.nomad.wire.filters import filter_of
from tests.sandbox.nomad.agent import Agent, a_job

JOB = {
    "ID": 'che"ck out',
    "ParentID": "",
    "Stop": False,
    "Priority": 50,
    "Meta": {"team": "shop"},
    "Datacenters": ["*"],
}


@pytest.mark.parametrize(
    ("expression", "passes"),
    [
        ("", True),
        ('ID != "che\\u0022ck"', True),
        ('ID == `che"ck out`', True),
        ('ID != "cart"', True),
        ('ID == "cart" or ParentID == ""', True),
        ('ID == "cart" and ParentID == "" or Stop == false', True),
        ('ID == "cart" and (ParentID == "" or Stop == false)', False),
        ("not Stop == true", True),
        ("ParentID is empty", True),
        ("ParentID is not empty", False),
        ("Priority==50", True),
        ('Meta.team == "shop"', True),
        ('Datacenters contains "*"', True),
        ('Datacenters contains "dc1"', False),
        ('ID matches "^che"', True),
    ],
)
def test_a_filter_says_which_records_pass(expression: str, *, passes: bool):
    assert filter_of(expression)(JOB) is passes


@pytest.mark.parametrize(
    "wrong",
    [
        "ID",
        "ID ==",
        'ID = "a"',
        "(ID == a",
        "ID == a b",
        "ID is full",
        "ID foo a",
        'ID == "a',
        "ID == a or",
        'ID == "a\\"b"',
    ],
)
def test_a_filter_that_cannot_be_read_is_refused(wrong: str):
    with pytest.raises(Refused, match="failed to read filter expression") as refusal:
        filter_of(wrong)
    assert refusal.value.status == 400


@pytest.mark.parametrize("unknown", ["Nmae == a", "Meta.colour == a", "ID.length == 1"])
def test_a_field_that_a_record_does_not_have_is_refused(unknown: str):
    with pytest.raises(Refused, match="failed to read result page"):
        filter_of(unknown)(JOB)


async def test_a_page_ends_with_the_token_of_the_next(agent: Agent):
    for name in ("a", "b", "c"):
        await agent.register(a_job(name))
    first = await agent.get("/v1/jobs", per_page="2")
    assert [each["ID"] for each in first.body] == ["a", "b"]
    assert first.headers["X-Nomad-NextToken"] == "default.c"
    last = await agent.get("/v1/jobs", per_page="2", next_token="default.c")
    assert [each["ID"] for each in last.body] == ["c"]
    assert "X-Nomad-NextToken" not in last.headers


async def test_a_page_is_cut_from_what_passes_the_filter(agent: Agent):
    for name in ("a", "b", "c"):
        await agent.register(a_job(name))
    only = await agent.get("/v1/jobs", per_page="1", filter='ID != "a"')
    assert [each["ID"] for each in only.body] == ["b"]
    assert only.headers["X-Nomad-NextToken"] == "default.c"


@pytest.mark.parametrize("length", ["two", "1.5", "99999999999"])
async def test_a_page_has_a_number_of_records(agent: Agent, length: str):
    refused = await agent.get("/v1/jobs", per_page=length)
    assert (refused.status, "Expect a number" in refused.text) == (400, True)
