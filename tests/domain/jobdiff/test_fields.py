"""Where a field of a Diff is, and what it is called."""

from __future__ import annotations

import pytest

from bot.domain.jobdiff.fields import FieldPath, field_path, word


@pytest.mark.parametrize(
    ("level", "objects", "name", "expected", "words"),
    [
        ("group", (), "Count", FieldPath("group", (), "Count"), "count"),
        ("task", (), "Env[LOG_LEVEL]", FieldPath("task", (), "Env", ("LOG_LEVEL",)), "env LOG_LEVEL"),
        ("job", (), "Meta[a][b]", FieldPath("job", (), "Meta", ("a][b",)), "meta a][b"),
        ("task", ("Config",), "labels[0][a]", FieldPath("task", ("Config",), "labels", ("0", "a")), "labels a"),
        ("task", ("Config",), "imageTag", FieldPath("task", ("Config",), "imageTag"), "imageTag"),
        ("group", ("Update",), "MaxParallel", FieldPath("group", ("Update",), "MaxParallel"), "max_parallel"),
    ],
)
def test_places(level, objects, name, expected, words):
    found = field_path(level, objects, name)
    assert found == expected
    assert found.words == words


def test_a_place_belongs_to_its_innermost_object():
    assert FieldPath("group", ("Service", "Check"), "Path").owner == "Check"
    assert FieldPath("group", (), "Count").owner == "group"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("MaxParallel", "max_parallel"),
        ("EmbeddedTmpl", "data"),
        ("CPU", "cpu"),
        ("Dynamic Port", "dynamic port"),
        ("LTarget", "attribute"),
    ],
)
def test_words_of_the_jobspec(name, expected):
    assert word(name) == expected
