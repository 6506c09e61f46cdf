"""What of a plan may be seen."""

from __future__ import annotations

import pytest

from bot.domain.jobdiff.fields import FieldPath, field_path
from bot.domain.jobdiff.redaction import Redactor, is_mark, looks_secret

KEY = b"0123456789abcdef0123456789abcdef"
REDACTOR = Redactor(KEY)
HUNTER = "hunter2"


def config(name: str) -> FieldPath:
    return field_path("task", ("Config",), name)


@pytest.mark.parametrize(
    ("at", "value"),
    [
        (config("image"), "registry.example/checkout:v1.4.2"),
        (config("image"), "registry.example/checkout@sha256:" + "0a1b2c3d" * 8),
        (config("ports[0]"), "http"),
        (config("command"), "/bin/sleep"),
        (config("command"), ""),
        (config("privileged"), "true"),
        (config("some_future_switch"), "false"),
        (field_path("group", (), "Count"), "6"),
        (field_path("task", ("Resources",), "MemoryMB"), "256"),
        (field_path("job", ("Constraint",), "RTarget"), "linux"),
        (field_path("group", ("Network", "Static Port"), "Value"), "8080"),
        (field_path("group", ("Service", "Check"), "Path"), "/health"),
        (field_path("task", ("Artifact",), "GetterSource"), "https://releases.example/checkout/v1.zip"),
        (field_path("task", ("Artifact",), "GetterSource"), ""),
        (field_path("task", ("Vault",), "Env"), "true"),
    ],
)
def test_what_is_known_to_be_harmless_is_shown(at, value):
    assert REDACTOR.pair(at, "", value) == ("", value)


@pytest.mark.parametrize(
    ("at", "value"),
    [
        (field_path("task", (), "Env[DB_PASSWORD]"), HUNTER),
        (field_path("task", (), "Env[FEATURE]"), "true"),
        (field_path("job", (), "Meta[owner]"), HUNTER),
        (field_path("task", ("Template",), "EmbeddedTmpl"), f"password={HUNTER}\n"),
        (config("args[0]"), HUNTER),
        (config("command"), f"sh -c {HUNTER}"),
        (config("auth[0][password]"), HUNTER),
        (config("logging"), HUNTER),
        (field_path("task", ("Artifact", "GetterOptions"), "sshkey"), HUNTER),
        (field_path("task", ("Artifact", "GetterHeaders"), "Authorization"), HUNTER),
        (field_path("task", ("Artifact",), "GetterSource"), "https://releases.example/x.zip?sig=abc"),
        (field_path("task", ("Artifact",), "GetterSource"), "https://me@releases.example/x.zip"),
        (field_path("task", ("Vault",), "Role"), HUNTER),
        (field_path("job", (), "Payload"), HUNTER),
        (field_path("group", ("Service", "Tags"), "Tags"), HUNTER),
        (field_path("group", ("Service", "Check", "Header"), "Authorization"), HUNTER),
        (field_path("task", ("Config", "Resources"), "pin"), "1234"),
        (field_path("task", ("SomethingNew",), "Value"), HUNTER),
        (field_path("group", ("Scaling", "Policy", "Update"), "Secret"), HUNTER),
        (field_path("job", ("Constraint",), "RTarget"), "token=abc"),
        (config("image"), "https://me:pw@registry.example/checkout"),
    ],
)
def test_everything_else_is_a_mark(at, value):
    old, new = REDACTOR.pair(at, "", value)
    assert old == ""
    assert is_mark(new)
    assert value not in new


def test_a_mark_tells_a_change_from_a_return_and_nothing_without_the_key():
    at = field_path("task", (), "Env[DB_PASSWORD]")
    one, two = REDACTOR.pair(at, "one", "two")
    assert one != two
    assert REDACTOR.mark(at, "one") == one
    assert Redactor(b"another installation's own secret").mark(at, "one") != one
    assert REDACTOR.mark(field_path("task", (), "Env[OTHER]"), "one") != one


@pytest.mark.parametrize(
    ("show", "at", "value"),
    [
        ("LOG_LEVEL", field_path("task", (), "Env[LOG_LEVEL]"), "debug"),
        ("owner", field_path("job", (), "Meta[owner]"), "alice"),
        ("args", config("args[1]"), "--verbose"),
        ("EmbeddedTmpl", field_path("task", ("Template",), "EmbeddedTmpl"), "a\nb"),
        ("data", field_path("task", ("Template",), "EmbeddedTmpl"), "a\nb"),
    ],
)
def test_a_service_shows_what_it_names(show, at, value):
    assert Redactor(KEY, frozenset({show})).pair(at, "", value) == ("", value)
    assert is_mark(REDACTOR.pair(at, "", value)[1])


def test_an_object_is_called_by_what_may_be_seen():
    assert REDACTOR.label("group", ("Service",), {"Name": "checkout"}) == "checkout"
    assert REDACTOR.label("task", ("Template",), {"Name": HUNTER, "DestPath": "local/a"}) == "local/a"
    assert REDACTOR.label("task", ("SomethingNew",), {"Name": HUNTER}) == ""
    assert REDACTOR.label("job", ("Constraint",), {}) == ""


def test_naming_an_env_key_shows_no_other_field_of_that_name():
    at = field_path("task", (), "Env[Count]")
    assert not Redactor(KEY, frozenset({"Env"})).shows(at, "1")


def test_durations_have_units():
    at = field_path("group", ("Update",), "MinHealthyTime")
    assert REDACTOR.pair(at, "10000000000", "") == ("10s", "")


@pytest.mark.parametrize(
    "value",
    [
        "postgres://me:pw@db/x",
        "-----BEGIN RSA PRIVATE KEY-----",
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abc",
        "AKIAIOSFODNN7EXAMPLE",
        "ghp_0123456789abcdef",
        "password: abc",
        "0c8a4f2e-1111-2222-3333-444455556666",
        "a1B2c3D4e5F6a7B8c9D0e1F2a3B4c5D6",
    ],
)
def test_shapes_of_credentials(value):
    assert looks_secret(value)


@pytest.mark.parametrize(
    "value", ["linux", "registry.example/a/very/long/path/of/words/and/more/words:v1", "dc1", "/health"]
)
def test_ordinary_values_are_no_credentials(value):
    assert not looks_secret(value)
