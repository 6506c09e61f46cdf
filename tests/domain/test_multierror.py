"""Nomad's nested multi-errors as sentences."""

from __future__ import annotations

import pytest

from bot.domain.multierror import flatten, one_line

# as an agent wrote it
NESTED = "1 error occurred:\n\t* Task group web validation failed: 1 error occurred:\n\t* Missing task driver\n\n\n"


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("Permission denied", ("Permission denied",)),
        (NESTED, ("Task group web validation failed: Missing task driver",)),
        ("2 errors occurred:\n\t* one\n\t* two\n\n", ("one", "two")),
        ("1 warning:\n\n* group has no shutdown_delay\n", ("group has no shutdown_delay",)),
        ("Task group web validation failed: 1 error occurred:\n", ("Task group web validation failed:",)),
        ("", ()),
        ("1 error occurred:\n", ()),
    ],
)
def test_sentences(text, sentences):
    assert flatten(text) == sentences


def test_on_one_line():
    assert one_line("2 errors occurred:\n\t* one\n\t* two") == "one; two"


def test_cut_where_it_is_too_long():
    said = one_line("word " * 100, limit=20)
    assert len(said) <= 20
    assert said.endswith("…")
