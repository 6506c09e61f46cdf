from __future__ import annotations

import pytest

from bot.domain.access import Group
from bot.domain.audit.evidence import HIDDEN, membership_of, settings_of
from tests.builders import ALICE, BOB, DEVELOPERS, GUS, a_catalog, a_membership


def test_people_are_named_once_with_the_groups_that_were_asked_for_and_fixed_lists_by_their_name():
    listed = a_catalog(groups={**a_catalog().groups, "on-call": Group("on-call", users=frozenset({BOB.id}))})
    found = membership_of([BOB.id, None, GUS.id, BOB.id], listed, a_membership(usergroups={DEVELOPERS: [BOB.id]}))

    assert found == {"people": {BOB.id: [DEVELOPERS, "on-call"]}, "uncounted": {GUS.id: "person-guest"}}


def test_one_whom_nobody_asked_about_is_not_counted():
    nobody = membership_of(["U0UNKNOWN1", ALICE.id], a_catalog(), a_membership(usergroups={}))

    assert nobody == {"people": {ALICE.id: []}, "uncounted": {"U0UNKNOWN1": "person-unknown"}}


@pytest.mark.parametrize(
    ("value", "said"),
    [("3", "count=3"), (3, "count=3"), (True, "count=true"), (1.5, "count=1.5"), ({"a": [1]}, 'count={"a": [1]}')],
)
def test_values_are_text_as_they_were_asked_for(value, said: str):
    assert settings_of({"count": value}) == [said]


@pytest.mark.parametrize("secret", [{"db_password": "hunter2"}, {"url": "postgres://u:hunter2@db"}])
def test_what_looks_like_a_secret_by_name_or_value_is_hidden(secret: dict[str, str]):
    (name,) = secret

    assert settings_of(secret) == [f"{name}={HIDDEN}"]
