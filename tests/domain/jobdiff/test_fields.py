"""Where a field of a Diff is, and what it is called."""

from __future__ import annotations

import pytest

from bot.domain.jobdiff.fields import Place, place, word


@pytest.mark.parametrize(
    ("level", "objects", "name", "expected", "words"),
    [
        ("group", (), "Count", Place("group", (), "Count"), "count"),
        ("task", (), "Env[LOG_LEVEL]", Place("task", (), "Env", ("LOG_LEVEL",)), "env LOG_LEVEL"),
        ("job", (), "Meta[a][b]", Place("job", (), "Meta", ("a][b",)), "meta a][b"),
        ("task", ("Config",), "labels[0][a]", Place("task", ("Config",), "labels", ("0", "a")), "labels a"),
        ("task", ("Config",), "imageTag", Place("task", ("Config",), "imageTag"), "imageTag"),
        ("group", ("Update",), "MaxParallel", Place("group", ("Update",), "MaxParallel"), "max_parallel"),
    ],
)
def test_places(level, objects, name, expected, words):
    found = place(level, objects, name)
    assert found == expected
    assert found.words == words


def test_a_place_belongs_to_its_innermost_object():
    assert Place("group", ("Service", "Check"), "Path").owner == "Check"
    assert Place("group", (), "Count").owner == "group"


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
