"""What of a plan may be seen."""

from __future__ import annotations

import pytest

from bot.domain.jobdiff.fields import FieldPath, field_path
from bot.domain.jobdiff.redaction import HIDDEN, Redactor, is_mark

REDACTOR = Redactor()
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
        (config("mounts[0][volume_options][0][driver_config][0][options][0][o]"), "username=me,pw=hunter2"),
        (field_path("task", ("Config", "mount", "VolumeOptions"), "o"), HUNTER),
        (field_path("task", ("Config", "mount"), "options"), HUNTER),
        (field_path("task", ("Vault",), "Role"), HUNTER),
        (field_path("job", (), "Payload"), HUNTER),
        (field_path("group", ("Service", "Tags"), "Tags"), HUNTER),
        (field_path("group", ("Service", "Check", "Header"), "Authorization"), HUNTER),
        (field_path("task", ("Config", "Resources"), "pin"), "1234"),
        (field_path("task", ("SomethingNew",), "Value"), HUNTER),
        (field_path("group", ("Scaling", "Policy", "Update"), "Secret"), HUNTER),
        (field_path("job", ("Constraint",), "RTarget"), "token=abc"),
        (config("image"), "4f2a9c01" * 5),
    ],
)
def test_everything_else_is_hidden(at, value):
    assert REDACTOR.pair(at, "", value) == ("", HIDDEN)
    assert REDACTOR.pair(at, value, value + "1") == (HIDDEN, HIDDEN)
    assert is_mark(HIDDEN)


def test_a_mark_of_an_earlier_release_is_a_mark():
    assert is_mark("(hmac 3f9a1b2c…)")
    assert not is_mark("(hmac of mine)")
    assert not is_mark("debug")


SOURCE = field_path("task", ("Artifact",), "GetterSource")


@pytest.mark.parametrize(
    ("at", "value", "said"),
    [
        (SOURCE, "https://releases.example/x.zip?sig=abc", "https://releases.example/x.zip?(hidden)"),
        (SOURCE, "https://me@releases.example/x.zip", "https://(hidden)@releases.example/x.zip"),
        (
            SOURCE,
            "git::https://bot:pw@git.example/x.git//app?ref=v1.4.2&sshkey=QUJD",
            "git::https://(hidden)@git.example/x.git//app?ref=v1.4.2&(hidden)",
        ),
        (SOURCE, "git@git.example:team/x.git", "git@git.example:team/x.git"),
        (config("image"), "https://me:pw@registry.example/checkout", "https://(hidden)@registry.example/checkout"),
        (config("image"), "me:hunter2@registry.example/checkout:v1", "(hidden)@registry.example/checkout:v1"),
        (config("image"), "redis:" + "4f2a9c01" * 5, "redis:" + "4f2a9c01" * 5),
        (config("volumes[0]"), "//me:pw@nas.example/share:/data", "//(hidden)@nas.example/share:/data"),
        (config("mounts[0][source]"), "/srv/data", "/srv/data"),
        (config("mount[0][target]"), "/data", "/data"),
        (field_path("task", ("Config", "mount"), "source"), "/srv/data", "/srv/data"),
        (field_path("group", ("Service", "Check"), "Path"), "/health?token=abc", "/health?(hidden)"),
        (field_path("group", ("Service", "Check"), "Path"), "/hooks/hunter2/x", "/hooks/(hidden)"),
        (field_path("group", ("Volume",), "Source"), "0c8a4f2e-1111-2222-3333-444455556666", "0c8a4f2e…"),
    ],
)
def test_of_an_address_only_the_secret_part_is_hidden(at, value, said):
    assert REDACTOR.pair(at, "", value) == ("", said)


def test_two_addresses_that_differ_never_look_the_same():
    old, new = REDACTOR.pair(SOURCE, "https://x.example/a?sig=1", "https://x.example/a?sig=2")
    assert (old, new) == ("https://x.example/a?(hidden)", "https://x.example/a?(hidden) (its hidden part changed)")
    assert REDACTOR.pair(SOURCE, "https://x.example/a?sig=1", "https://x.example/a?sig=1")[1] == old


@pytest.mark.parametrize(
    ("show", "at", "value"),
    [
        ("LOG_LEVEL", field_path("task", (), "Env[LOG_LEVEL]"), "debug"),
        ("owner", field_path("job", (), "Meta[owner]"), "alice"),
        ("args", config("args[1]"), "--verbose"),
        ("EmbeddedTmpl", field_path("task", ("Template",), "EmbeddedTmpl"), "a\nb"),
        ("templates", field_path("task", ("Template",), "EmbeddedTmpl"), "a\nb"),
        ("data", field_path("task", ("Template",), "EmbeddedTmpl"), "a\nb"),
    ],
)
def test_a_service_shows_what_it_names(show, at, value):
    assert Redactor(frozenset({show})).pair(at, "", value) == ("", value)
    assert is_mark(REDACTOR.pair(at, "", value)[1])


def test_an_object_is_called_by_what_may_be_seen():
    assert REDACTOR.label("group", ("Service",), {"Name": "checkout"}) == "checkout"
    assert REDACTOR.label("task", ("Template",), {"Name": HUNTER, "DestPath": "local/a"}) == "local/a"
    assert REDACTOR.label("task", ("SomethingNew",), {"Name": HUNTER}) == ""
    assert REDACTOR.label("job", ("Constraint",), {}) == ""
    assert REDACTOR.label("task", ("Template",), {"DestPath": "local/a?key=hunter2"}) == "local/a?(hidden)"


def test_naming_an_env_key_shows_no_other_field_of_that_name():
    at = field_path("task", (), "Env[Count]")
    assert not Redactor(frozenset({"Env"})).shows(at, "1")


def test_durations_have_units():
    at = field_path("group", ("Update",), "MinHealthyTime")
    assert REDACTOR.pair(at, "10000000000", "") == ("10s", "")


def test_the_versions_that_a_plan_is_about_are_shown_wherever_they_stand():
    redactor = Redactor(plain=frozenset({"v1.4.1", "v1.4.2"}))
    at = field_path("task", (), "Env[VERSION]")
    assert redactor.pair(at, "v1.4.1", "v1.4.2") == ("v1.4.1", "v1.4.2")
    assert redactor.pair(at, "", "v1.4.2") == ("", "v1.4.2")
    assert not redactor.shows(at, "v1.4.1", "v1.4.2-with-more")
    assert not redactor.shows(at, "", "")
