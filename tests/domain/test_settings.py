"""Settings of a request: plain values of the declared type, and never a secret."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.audit.evidence import settings_of
from bot.domain.catalog.variable import Bound, Declaration, Setting
from bot.domain.decision import Allowed, Refused
from bot.domain.settings import MOST_SETTINGS, check_settings, settings_for, typed_settings
from tests.builders import a_catalog, a_placement, a_release, a_service, a_template

COUNT = Declaration(
    type="number", default=2, description="How many\n run.", whole=True, bounds=(Bound(">=", 1), Bound("<=", 10))
)
DECLARED = {
    "version": Declaration(type="string"),
    "count": COUNT,
    "flag": Declaration(type="bool"),
    "greeting": Declaration(type="string", default="hello"),
    "zones": Declaration(type="list(string)"),
    "labels": Declaration(type="map(string)"),
    "token_limit": Declaration(type="number"),
    "free": Declaration(),
}
NAMES = frozenset(DECLARED) - {"version"}
UUID = "0c8a4f2e-1111-2222-3333-444455556666"
COMMIT = "4f2a9c01" * 5
DIGEST = "sha256:" + "0a1b2c3d" * 8
TAKES_TEXT = "takes text of at most 200 characters on one line, without `${`, `%{` and `{{`."


def catalog_with(*, patterns: dict[str, str] | None = None, **changes: Any):
    template = a_template(declared=frozenset(DECLARED), declarations=DECLARED)
    service = a_service(settable=NAMES, patterns=patterns or {}, **changes)
    return a_catalog(templates={"web": template}, services={"checkout": service})


def judged(overrides: dict[str, Any], *, patterns: dict[str, str] | None = None) -> tuple[dict[str, Any], Any]:
    """The values as they would be recorded, and the decision, for a request of a new version."""
    catalog = catalog_with(patterns=patterns)
    plain = check_settings(catalog, "checkout", "staging", overrides)
    release = a_release(declared=frozenset(DECLARED), declarations=DECLARED)
    typed, fits = typed_settings(catalog, release, "staging", overrides)
    return typed, plain if isinstance(plain, Refused) else fits


def refused(overrides: dict[str, Any], **more: Any) -> list[tuple[str, str, str]]:
    _, decision = judged(overrides, **more)
    assert isinstance(decision, Refused)
    return [(reason.code, reason.setting, reason.text) for reason in decision.reasons]


def test_values_that_fit_are_recorded_in_the_declared_type():
    values = {"count": "3", "flag": "True", "greeting": 7, "zones": '["a","b"]', "free": "é ü, 日本 🎉"}

    assert judged(values) == (
        {"count": 3, "flag": True, "greeting": "7", "zones": ["a", "b"], "free": "é ü, 日本 🎉"},
        Allowed(),
    )
    assert judged({}) == ({}, Allowed())


@pytest.mark.parametrize(
    ("name", "value", "takes"),
    [
        ("count", "lots", "takes a whole number from 1 to 10."),
        ("count", "1.5", "takes a whole number from 1 to 10."),
        ("count", 11, "takes a whole number from 1 to 10."),
        ("flag", "maybe", "takes `true` or `false`."),
        ("zones", "a,b", 'takes a value of type `list(string)`, written as JSON such as `["a","b"]`.'),
    ],
)
def test_a_value_of_another_type_is_refused_with_what_is_allowed(name: str, value: Any, takes: str):
    assert refused({name: value}) == [("setting-value", name, f"`{name}` {takes}")]


@pytest.mark.parametrize(
    "value",
    ['hello {{ with nomadVar "nomad/jobs" }}x{{ end }}', "a\nADMIN=1", "a\rb", "a\tb", "a\x00b", "a\x85b", "a\u2028b",
     "a\u202eb", "a\u200bb", "${attr.cpu}", "$${x}", "%{ if true }", "x" * 201, "x" * 100 + "{{ x }}", "a\ud800b"],
)  # fmt: skip
def test_a_value_that_is_not_plain_is_refused(value: str):
    assert refused({"greeting": value}) == [("setting-value", "greeting", f"`greeting` {TAKES_TEXT}")]


def test_two_hundred_characters_are_plain():
    assert judged({"greeting": "x" * 200})[1] == Allowed()


@pytest.mark.parametrize(
    "value", [r'["a\nb"]', r'["\u007b{ x }}"]', r'["\u0024{x}"]', '["a\u200bb"]', '["${x}"]', r'["\ud800"]']
)
def test_neither_is_what_the_json_of_a_list_hides(value: str):
    ((code, name, _),) = refused({"zones": value})

    assert (code, name) == ("setting-value", "zones")
    assert refused({"labels": json.dumps({"a\nb": "x"})})[0][0] == "setting-value"


def test_a_list_or_a_mapping_that_is_no_text_is_judged_by_all_its_texts():
    assert judged({"zones": ["a"], "labels": {"a": "b"}})[1] == Allowed()
    assert refused({"zones": ["a", "{{"]})[0][0] == "setting-value"
    assert refused({"labels": {"a": "${x}"}})[0][0] == "setting-value"


def test_a_pattern_allows_longer_text_and_only_what_matches():
    pattern = {"greeting": r"^[\w ,.!-]{1,400}$"}

    assert judged({"greeting": "Hello, you there! " * 20}, patterns=pattern)[1] == Allowed()
    assert judged({"greeting": 123}, patterns={"greeting": r"\d{3}"}) == ({"greeting": "123"}, Allowed())
    ((code, _, text),) = refused({"greeting": "(hello)"}, patterns=pattern)
    assert code == "setting-value"
    assert text.startswith(r"`greeting` takes text that matches `^[\w ,.!-]{1,400}$`: at most 1000 characters on one")
    assert refused({"greeting": "x" * 1001}, patterns={"greeting": ".*"})[0][0] == "setting-value"
    assert refused({"greeting": "x{{"}, patterns={"greeting": ".*"})[0][0] == "setting-value"
    assert refused({"greeting": "x\ny"}, patterns={"greeting": r"[\s\S]*"})[0][0] == "setting-value"


patterns = st.sampled_from([".*", r"[\s\S]*", r"[^x]*", r"(.|\s)*", "[{%$ -z]*", r"\W*", r"[\x00-\uffff]*", ""])
texts = st.one_of(
    st.text(max_size=30),
    st.text(alphabet='{}%$\n\r\t\\u007b0"[]: a,', max_size=30),
    st.lists(st.text(alphabet="{}%$\nab", max_size=4), max_size=3).map(json.dumps),
    st.dictionaries(st.text(alphabet="{%$\na", max_size=3), st.text(max_size=3), max_size=2).map(json.dumps),
)


@given(overrides=st.dictionaries(st.sampled_from(sorted(NAMES)), texts, min_size=1), pattern=patterns)
def test_no_value_that_is_accepted_hides_anything_or_runs_whatever_the_pattern(overrides: dict[str, str], pattern: str):
    typed, decision = judged(overrides, patterns=dict.fromkeys(overrides, pattern))
    if isinstance(decision, Refused):
        return
    said = json.dumps(list(typed.items()), ensure_ascii=False)
    assert not any(mark in said for mark in ("{{", "${", "%{"))
    # json.dumps writes control characters as escapes, and a backslash as two
    said = said.replace("\\\\", "")
    assert not any(mark in said for mark in ("\\n", "\\r", "\\t", "\\u00", "\\b", "\\f", "\x7f", "\x85", "\u2028"))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("token", "s.Zk9hunter2secret"),
        ("password", 12345),
        ("apiKey", "x"),
        ("greeting", "postgres://deployer:Sup3rHidden@db/x"),
        ("greeting", "password: hunter2"),
        ("greeting", "hvs.CAESIJ1234567890"),
        ("token_limit", "token=s.Zk9hunter2"),
        ("password", UUID),
        ("apiKey", COMMIT),
        ("token", DIGEST),
        ("greeting", f"token={UUID}"),
        ("greeting", f"{UUID} {UUID}"),
        ("password", json.dumps([UUID])),
        ("greeting", json.dumps([UUID, "hvs.CAESIJ1234567890"])),
        ("greeting", json.dumps([UUID, f"token={UUID}"])),
        ("greeting", COMMIT[:-1]),
        ("greeting", "a1B2c3D4e5F6a7B8c9D0e1F2a3B4c5D6e7F8a9B0"),
        ("greeting", DIGEST.removeprefix("sha256:")),
    ],
)
def test_a_secret_is_refused_with_where_it_belongs_and_without_its_value(name: str, value: Any):
    ((code, setting, text),) = refused({name: value})

    assert (code, setting) == ("setting-secret", name)
    assert "Put it into Nomad Variables" in text
    assert str(value) not in text


@pytest.mark.parametrize(
    "value",
    [UUID, UUID.upper(), COMMIT, DIGEST, json.dumps([UUID]), json.dumps([DIGEST, COMMIT, UUID])],
)
def test_an_id_is_a_plain_value_under_a_plain_name(value: str):
    assert judged({"greeting": value}) == ({"greeting": value}, Allowed())
    assert settings_of({"greeting": value}) == [f"greeting={value}"]
    assert settings_of({"password": value}) == ["password=(hidden)"]
    declared = {"greeting": Declaration(type="string", default=value)}
    catalog, release = catalog_with(), a_release(declared=frozenset(declared), declarations=declared)
    assert [each.otherwise for each in settings_for(catalog, release, ["staging"]) if each.name == "greeting"] == [
        value
    ]


def test_a_number_is_no_secret_whatever_its_name():
    assert judged({"token_limit": 5})[1] == Allowed()
    assert judged({"token_limit": "5"})[1] == Allowed()


def test_what_may_not_be_set_is_named_with_what_may():
    catalog = a_catalog()
    none = a_catalog(services={"checkout": a_service(settable=frozenset())})

    two = check_settings(catalog, "checkout", "staging", {"b": 1, "a": 1})
    one = check_settings(none, "checkout", "staging", {"count": 1})

    assert isinstance(two, Refused)
    assert isinstance(one, Refused)
    assert [(each.code, each.text, each.setting) for each in (*two.reasons, *one.reasons)] == [
        ("not-settable", "`a`, `b` aren't settings of checkout. Settings: count.", ""),
        ("not-settable", "`count` isn't a setting of checkout. Settings: none.", "count"),
    ]


def test_a_request_sets_ten_values_at_most():
    names = frozenset(f"v{number}" for number in range(MOST_SETTINGS + 1))
    catalog = a_catalog(services={"checkout": a_service(settable=names)})

    ten = check_settings(catalog, "checkout", "staging", dict.fromkeys(sorted(names)[:10], 1))
    eleven = check_settings(catalog, "checkout", "staging", dict.fromkeys(names, 1))

    assert ten == Allowed()
    assert isinstance(eleven, Refused)
    assert eleven.codes == ("too-many-settings",)


def test_every_fault_is_said_at_once():
    found = refused({"greeting": "{{", "count": "{{", "token": "x", "other": 1})

    assert [(code, name) for code, name, _ in found] == [
        ("setting-secret", "token"),
        ("not-settable", "other"),
        ("setting-value", "count"),
        ("setting-value", "greeting"),
    ]


def test_a_release_without_declarations_takes_the_catalogs_if_the_text_is_the_same():
    catalog = catalog_with()
    same, older = a_release(), a_release(template="older")

    typed, fits = typed_settings(catalog, same, "staging", {"count": "lots"})
    left_to_nomad = typed_settings(catalog, older, "staging", {"count": "lots"})

    assert isinstance(fits, Refused)
    assert typed == {}
    assert left_to_nomad == ({"count": "lots"}, Allowed())


def test_a_form_is_told_what_each_setting_takes_and_is_otherwise():
    placed = {
        "staging": a_placement("staging", variables={"count": 1}),
        "production": a_placement("production", variables={"count": 6}),
    }
    catalog = catalog_with(placements=placed, variables={"free": "password=hunter2", "labels": {"a": "b"}})
    release = a_release(declared=frozenset(DECLARED), declarations=DECLARED)

    one = {each.name: each for each in settings_for(catalog, release, ["production"])}
    both = {each.name: each for each in settings_for(catalog, release, ["staging", "production"])}

    assert list(one) == sorted(NAMES)
    assert one["count"] == Setting(
        name="count", takes="a whole number from 1 to 10", longest=200, description="How many run.", otherwise="6"
    )
    assert both["count"].otherwise == ""
    assert (one["greeting"].otherwise, both["greeting"].otherwise) == ("hello", "hello")
    assert (one["flag"].otherwise, one["free"].otherwise, one["labels"].otherwise) == ("", "", '{"a": "b"}')
