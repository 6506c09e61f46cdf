"""What a declaration takes, in words and in deed, and names that look like secrets."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bot.domain.catalog.kind import Mismatch
from bot.domain.catalog.variable import Bound, Declaration, is_secret_name, shown

if TYPE_CHECKING:
    from bot.domain.catalog.environment import Value

ONE_TO_TEN = (Bound(">=", 1), Bound("<=", 10))
COUNT = Declaration(type="number", whole=True, bounds=ONE_TO_TEN)
LEVEL = Declaration(type="string", choices=("info", "warn"))


@pytest.mark.parametrize(
    ("declared", "value", "read"),
    [
        (COUNT, "3", 3),
        (COUNT, 10, 10),
        (COUNT, "3.0", 3),
        (COUNT, None, None),
        (Declaration(), "x", "x"),
        (Declaration(whole=True), "3", 3),
        (Declaration(type="string", whole=True), "3", 3),
        (Declaration(type="number", bounds=(Bound(">", 0), Bound("<", 1))), "0.5", 0.5),
        (LEVEL, "warn", "warn"),
        (Declaration(type="list(string)"), '["a","b"]', ["a", "b"]),
        (Declaration(type="map(number)"), '{"a":1}', {"a": 1}),
        (Declaration(type="list(string)"), ["a"], ["a"]),
    ],
)
def test_a_value_that_fits_is_read_in_the_declared_type(declared: Declaration, value, read):
    assert declared.read(value) == read


@pytest.mark.parametrize(
    ("declared", "value"),
    [
        (COUNT, "lots"),
        (COUNT, 1.5),
        (COUNT, "1.5"),
        (COUNT, 0),
        (COUNT, 11),
        (COUNT, True),
        (Declaration(whole=True), "lots"),
        (Declaration(type="string", whole=True), "lots"),
        (Declaration(type="number", bounds=(Bound(">", 0), Bound("<", 1))), 0),
        (Declaration(type="number", bounds=(Bound(">", 0), Bound("<", 1))), 1),
        (LEVEL, "trace"),
        (Declaration(type="bool"), "maybe"),
        (Declaration(type="list(string)"), "a,b"),
        (Declaration(type="list(number)"), "[NaN]"),
        (Declaration(type="list(number)"), "[" * 100_000),
        (Declaration(type="list(string)"), '{"a":1}'),
    ],
)
def test_a_value_that_does_not_fit_is_a_mismatch(declared: Declaration, value):
    with pytest.raises(Mismatch):
        declared.read(value)


@pytest.mark.parametrize(
    ("declared", "words"),
    [
        (COUNT, "a whole number from 1 to 10"),
        (Declaration(whole=True), "a whole number"),
        (Declaration(type="number", whole=True, bounds=(Bound(">", 0), Bound("<", 11))), "a whole number from 1 to 10"),
        (Declaration(type="number", whole=True, bounds=(Bound(">", 0.5),)), "a whole number of more than 0.5"),
        (Declaration(type="number", bounds=(Bound(">", 0), Bound("<=", 1))), "a number of more than 0 and at most 1"),
        (Declaration(type="number", bounds=(*ONE_TO_TEN, Bound(">=", 3))), "a number from 3 to 10"),
        (Declaration(type="number", bounds=(Bound("<", 5),)), "a number of less than 5"),
        (Declaration(type="number"), "a number"),
        (Declaration(type="bool"), "`true` or `false`"),
        (LEVEL, "one of `info`, `warn`"),
        (Declaration(type="number", choices=(1, 2)), "one of `1`, `2`"),
        (Declaration(type="list(string)"), 'a value of type `list(string)`, written as JSON such as `["a","b"]`'),
        (Declaration(type="map(number)"), 'a value of type `map(number)`, written as JSON such as `{"a":1}`'),
        (Declaration(type="string"), ""),
        (Declaration(), ""),
    ],
)
def test_what_it_takes_is_said_in_words(declared: Declaration, words: str):
    assert declared.takes == words


def test_values_are_shown_as_they_are_typed():
    values: list[Value] = ["é", 3, True, ["é"]]

    assert [shown(each) for each in values] == ["é", "3", "true", '["é"]']


@pytest.mark.parametrize(
    "name",
    ["password", "db_password", "dbPassword", "DB_PASSWORD", "db-passwd", "token", "auth_token", "authtoken", "secret",
     "client_secret", "credentials", "api_key", "apiKey", "apikey", "private_key", "access_keys", "db_pass", "pwd"],
)  # fmt: skip
def test_a_name_can_look_like_a_secret(name: str):
    assert is_secret_name(name)


@pytest.mark.parametrize("name", ["count", "max_tokens", "sort_key", "keyboard", "passenger", "pass_rate", "x", "_"])
def test_other_names_do_not(name: str):
    assert not is_secret_name(name)
