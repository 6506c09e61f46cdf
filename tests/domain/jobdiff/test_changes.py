"""Nomad's Diff as changes."""

from __future__ import annotations

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.jobdiff.changes import changes, split_image
from bot.domain.jobdiff.redaction import Redactor, is_mark

REDACTOR = Redactor(b"0123456789abcdef0123456789abcdef", frozenset({"LOG_LEVEL"}))


def a_field(name, old, new, kind="Edited", annotations=None):
    return {"Name": name, "Type": kind, "Old": old, "New": new, "Annotations": annotations}


def an_object(name, *fields, kind="Edited", objects=None):
    return {"Name": name, "Type": kind, "Fields": list(fields), "Objects": objects}


def a_task_diff(*fields, kind="Edited", objects=None, annotations=None):
    return {"Name": "app", "Type": kind, "Fields": list(fields), "Objects": objects, "Annotations": annotations}


def a_diff(*tasks, fields=(), objects=None, group_fields=(), group_kind="Edited"):
    group = {"Name": "web", "Type": group_kind, "Fields": list(group_fields), "Objects": None, "Tasks": list(tasks)}
    return {"ID": "checkout", "Type": "Edited", "Fields": list(fields), "Objects": objects, "TaskGroups": [group]}


def only(diff):
    found = changes(diff, REDACTOR)
    assert len(found) == 1
    return found[0]


def test_nothing_changed():
    assert changes({"Type": "None", "Fields": None, "Objects": None, "TaskGroups": None}, REDACTOR) == ()


def test_an_image_is_its_repository_and_the_tags():
    image = an_object("Config", a_field("image", "registry.example/checkout:v1", "registry.example/checkout:v2"))
    change = only(a_diff(a_task_diff(objects=[image], annotations=["forces create/destroy update"])))
    assert change.path == ("group web", "task app", "image registry.example/checkout")
    assert (change.kind, change.old, change.new) == ("Edited", "v1", "v2")
    assert change.effect == "forces create/destroy update"


def test_another_registry_shows_both_references_whole():
    image = an_object("Config", a_field("image", "a.example/checkout:v1", "b.example/checkout:v1"))
    change = only(a_diff(a_task_diff(objects=[image])))
    assert change.path[-1] == "image"
    assert (change.old, change.new) == ("a.example/checkout:v1", "b.example/checkout:v1")


def test_unchanged_context_is_left_out():
    update = an_object("Update", a_field("Canary", "0", "1"), a_field("MaxParallel", "1", "1", kind="None"))
    diff = a_diff()
    diff["TaskGroups"][0]["Objects"] = [
        update,
        an_object("Migrate", a_field("MaxParallel", "1", "1", "None"), kind="None"),
    ]
    change = only(diff)
    assert change.path == ("group web", "update", "canary")


def test_env_values_are_hidden_but_those_that_are_shown():
    found = changes(
        a_diff(a_task_diff(a_field("Env[DB_PASSWORD]", "one", "two"), a_field("Env[LOG_LEVEL]", "info", "debug"))),
        REDACTOR,
    )
    hidden, shown = found
    assert hidden.path[-1] == "env DB_PASSWORD"
    assert is_mark(hidden.old)
    assert is_mark(hidden.new)
    assert (shown.old, shown.new) == ("info", "debug")


def test_objects_of_a_kind_are_told_apart_but_never_by_something_secret():
    def a_service(name):
        return an_object("Service", a_field("Name", name, name, kind="None"), a_field("PortLabel", "a", "b"))

    assert only(a_diff(a_task_diff(objects=[a_service("checkout")]))).path[-2] == "service checkout"
    assert only(a_diff(a_task_diff(objects=[a_service("token=abc")]))).path[-2] == "service"
    header = an_object("Header", a_field("Name", "hunter2", "hunter2", kind="None"), a_field("Value", "a", "b"))
    assert only(a_diff(a_task_diff(objects=[header]))).path[-2] == "header"


def test_a_change_deep_in_what_is_called_unchanged_counts():
    inner = an_object("Check", a_field("Path", "/", "/health"))
    assert only(a_diff(a_task_diff(objects=[an_object("Service", kind="None", objects=[inner])]))).new == "/health"


def test_a_list_is_named_once():
    centres = an_object("Datacenters", a_field("Datacenters", "", "dc2", kind="Added"))
    assert only(a_diff(objects=[centres])).path == ("datacenters",)


def test_what_comes_or_goes_without_a_field_is_a_change():
    vault = an_object("Vault", kind="Added")
    assert only(a_diff(a_task_diff(objects=[vault]))).path == ("group web", "task app", "vault")
    gone = only(a_diff(a_task_diff(kind="Deleted")))
    assert (gone.path, gone.kind, gone.old, gone.new) == (("group web", "task app"), "Deleted", "", "")


def test_a_job_without_a_field_of_its_own_is_no_change():
    assert changes({"Type": "Added", "Fields": [], "Objects": [], "TaskGroups": []}, REDACTOR) == ()


def test_the_telling_ones_come_first():
    config = an_object(
        "Config", a_field("force_pull", "", "false", "Added"), a_field("image", "", "a:v1", "Added"), kind="Added"
    )
    task = a_task_diff(a_field("Driver", "", "docker", "Added"), kind="Added", objects=[config])
    diff = a_diff(task, group_fields=[a_field("Count", "", "2", "Added", ["forces create"])], group_kind="Added")
    diff["Fields"] = [a_field("Priority", "50", "70")]
    names = [change.path[-1] for change in changes(diff, REDACTOR)]
    assert names == ["image", "count", "priority", "driver", "force_pull"]


@pytest.mark.parametrize(
    ("reference", "parts"),
    [
        ("redis:7", ("redis", "7")),
        ("localhost:5000/redis", ("localhost:5000/redis", "")),
        ("redis", ("redis", "")),
        ("redis@sha256:abc", ("redis", "sha256:abc")),
    ],
)
def test_images_are_split(reference, parts):
    assert split_image(reference) == parts


names = st.text("abcdefgmnortuvABCDEFGMNORTUV_[]0", min_size=1, max_size=12)
secrets = st.text(string.ascii_letters + string.digits, min_size=8, max_size=40).map(lambda text: f"zq{text}")


@st.composite
def objects_of_no_known_kind(draw, depth=2):
    """Objects as a newer Nomad might have them, with secrets in every field."""
    fields = [a_field(draw(names), draw(secrets), draw(secrets)) for _ in range(draw(st.integers(0, 3)))]
    inner = [draw(objects_of_no_known_kind(depth - 1)) for _ in range(draw(st.integers(0, depth)))]
    return an_object(
        "New" + draw(names), *fields, kind=draw(st.sampled_from(["Added", "Edited", "None"])), objects=inner
    )


@given(objects_of_no_known_kind())
def test_what_nobody_knows_yet_is_hidden(found):
    for change in changes(a_diff(a_task_diff(objects=[found])), REDACTOR):
        assert "zq" not in str((change.old, change.new))
        assert "zq" not in " ".join(change.path[:-1])
