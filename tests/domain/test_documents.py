from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.access import Grant, Permission
from bot.domain.canonical import canonical
from bot.domain.catalog.catalog import Catalog
from bot.domain.catalog.environment import Environment, Rule, Value
from bot.domain.catalog.service import Placement
from bot.domain.deploy.message import Note
from bot.domain.deploy.plan import Change
from bot.domain.deploy.rollout import GroupHealth, Rollout, TaskFailure
from bot.domain.documents import document_of, record_from
from tests.builders import a_catalog, a_rollout, a_service, an_environment

NAMES = st.text(st.characters(max_codepoint=127), min_size=1, max_size=8)
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
VALUES: st.SearchStrategy[Value] = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.floats(allow_nan=False) | TEXT,
    lambda children: st.lists(children, max_size=3) | st.dictionaries(NAMES, children, max_size=3),
    max_leaves=6,
)
SECONDS = st.integers(0, 10**6).map(lambda seconds: timedelta(seconds=seconds))
INSTANTS = st.datetimes(timezones=st.just(UTC))
RULES = st.lists(st.builds(Rule, TEXT, st.integers(1, 9)), max_size=3).map(tuple)
ENVIRONMENTS = st.builds(
    Environment,
    name=TEXT,
    cluster=TEXT,
    channel=TEXT,
    variables=st.dictionaries(NAMES, VALUES, max_size=3),
    approvals=RULES,
    expires=SECONDS,
)
GRANTS = st.builds(
    Grant, TEXT, st.frozensets(st.sampled_from(Permission)), st.none() | st.frozensets(TEXT, max_size=2), st.none()
)
FAILURES = st.builds(
    TaskFailure, allocation=TEXT, group=TEXT, task=TEXT, event=TEXT, message=TEXT, exit_code=st.none() | st.integers()
)
ROLLOUTS = st.builds(
    a_rollout,
    groups=st.lists(st.builds(GroupHealth, name=TEXT, desired=st.integers(0, 9)), max_size=2).map(tuple),
    failure=st.none() | FAILURES,
    ended_at=st.none() | INSTANTS,
    job_version=st.none() | st.integers(0, 99),
)
CHANGES = st.builds(Change, path=st.lists(TEXT).map(tuple), kind=TEXT, old=TEXT, new=TEXT)
NOTES = st.builds(Note, text=TEXT, mention=st.lists(TEXT).map(tuple), action=st.none() | st.tuples(TEXT, TEXT, TEXT))
PLACEMENTS = st.builds(Placement, environment=TEXT, variables=st.dictionaries(NAMES, VALUES, max_size=3))


@given(st.one_of(ENVIRONMENTS, GRANTS, ROLLOUTS, CHANGES, PLACEMENTS))
def test_a_record_comes_back_from_its_document_as_it_was(record: Any):
    document = json.loads(json.dumps(document_of(record)))

    assert record_from(type(record), document) == record


@given(ENVIRONMENTS, GRANTS)
def test_a_catalog_comes_back_as_it_was_with_the_same_fingerprint(environment: Environment, grant: Grant):
    catalog = a_catalog(environments={"staging": environment}, grants=(grant,))

    back = record_from(Catalog, json.loads(canonical(document_of(catalog))))

    assert back == catalog
    assert back.fingerprint == catalog.fingerprint


@given(VALUES)
def test_a_value_of_any_form_comes_back_with_its_type(value: Value):
    service = a_service(variables={"given": value})

    back = record_from(type(service), json.loads(canonical(document_of(service)))).variables["given"]

    assert json.dumps(back, sort_keys=True) == json.dumps(value, sort_keys=True)


def test_forms():
    at = datetime(2026, 11, 21, 12, 0, 0, 5, tzinfo=UTC)

    assert document_of({"at": at, "for": timedelta(hours=1), "share": 0.1}) == {
        "at": "2026-11-21T12:00:00.000005Z",
        "for": 3600,
        "share": {"$float": "0.1"},
    }
    assert document_of(frozenset({Permission.STOP, Permission.LOCK})) == ["lock", "stop"]
    assert document_of({"b", "a"}) == ["a", "b"]
    assert document_of((1, [True, None])) == [1, [True, None]]


def test_a_button_of_a_note_is_a_list_and_three_words_again():
    note = Note(text="x", action=("Again", "deploy.again", "D-1:1"))

    assert document_of(note)["action"] == ["Again", "deploy.again", "D-1:1"]
    assert record_from(Note, document_of(note)) == note


def test_a_document_of_an_older_release_takes_the_defaults():
    document = document_of(an_environment())
    del document["expires"], document["self_approval"]

    assert record_from(Environment, document) == an_environment()


@pytest.mark.parametrize(
    ("kind", "document"),
    [(Rule, {}), (Rule, None), (Grant, {"group": "a", "may": ["fly"]}), (Environment, {"name": "x", "expires": "1h"})],
)
def test_what_is_no_document_of_the_record_is_an_error(kind: type, document: Any):
    with pytest.raises((TypeError, ValueError, KeyError)):
        record_from(kind, document)


def test_a_rollout_is_rebuilt_field_by_field():
    back = record_from(Rollout, document_of(a_rollout()))

    assert back == a_rollout()
    assert isinstance(back.groups[0], GroupHealth)
