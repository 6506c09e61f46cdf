"""Patterns for the values of settings: they match as Python's do, but never take long."""

from __future__ import annotations

import contextlib
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.catalog.pattern import LONGEST_PATTERN, PatternError, compiled, matches

PATTERNS = [
    "a", "", ".", "^ab$", "[ab]{1,3}", "a*b+c?", "(?:a|b)*c", "(a|bc|)d", "a{2}", "a{2,}", "(ab?){1,2}", r"\w+", r"\d",
    "[^a]", r"\.", "[]a]", r"[\w ,.!-]{1,400}", "(a*)*b", "(a+)+b", "((a?){0,3}b){2}", "a|b|c", "()", "(|a){3}",
    r"\u0061", r"\x61", "[a-c]+", r"[^\s]", "a}b", "a]b", "{",
]  # fmt: skip


@pytest.mark.parametrize("pattern", PATTERNS)
@given(text=st.text(alphabet="abcd1. {}]", max_size=8))
def test_they_match_what_python_matches(pattern: str, text: str):
    assert matches(pattern, text) == (re.fullmatch(pattern, text) is not None)


pieces = st.recursive(
    st.sampled_from(["a", "b", "[ab]", ".", r"\w"]),
    lambda inner: st.one_of(
        st.tuples(inner, inner).map("".join),
        st.tuples(inner, inner).map(lambda two: f"(?:{two[0]}|{two[1]})"),
        st.tuples(inner, st.sampled_from(["*", "+", "?", "{2}", "{0,2}", "{1,}"])).map(
            lambda two: f"({two[0]}){two[1]}"
        ),
    ),
    max_leaves=6,
)


@given(pattern=pieces, text=st.text(alphabet="abc", max_size=7))
def test_whatever_is_put_together_matches_what_python_matches(pattern: str, text: str):
    assert matches(pattern, text) == (re.fullmatch(pattern, text) is not None)


@pytest.mark.parametrize("pattern", ["(a+)+b", "(a|a)*b", "(a|aa)+b", "(a*)*b", "a*a*a*a*a*a*b", "(.*)(.*)(.*)(.*)b"])
def test_a_pattern_that_would_never_end_in_python_ends(pattern: str):
    assert not matches(pattern, "a" * 1000)
    assert matches(pattern, "a" * 999 + "b")


def test_the_whole_text_has_to_match_with_its_line_feeds():
    assert not matches("a", "ba")
    assert not matches("a", "a\n")
    assert not matches("^a$", "a\n")
    assert not matches("a.b", "a\nb")


@pytest.mark.parametrize(
    ("pattern", "words"),
    [
        ("a" * (LONGEST_PATTERN + 1), "longer than 500"),
        ("(a", "`(` that nothing closes"),
        ("a)", "`)` that nothing opens"),
        ("*a", "repeats nothing at `*`"),
        ("a|{2}", "repeats nothing at `{2}`"),
        ("a*?", "repeats a repeat at `*?`"),
        ("a{3,2}", "begins with the larger number"),
        ("(?=a)", "repeats nothing at `?`"),
        (r"(a)\1", r"uses `\1`"),
        (r"\bword", r"uses `\b`"),
        ("a^b", "uses `^`"),
        ("a$b", "uses `$`"),
        ("a\\", "uses `\\`"),
        ("[ab", "uses `[`"),
        ("[z-a]", "cannot be read"),
        ("[[:alpha:]]", "ambiguous set"),
        ("[a--b]", "ambiguous set"),
        ("a{2501}", "more than 2500 steps"),
        ("((){9999}){9999}", "more than 2500 steps"),
        ("(a{1,99}){1,99}", "more than 2500 steps"),
        ("(" * 21 + ")" * 21, "more than 20 groups"),
    ],
)
def test_a_pattern_that_cannot_be_used_is_refused_in_words(pattern: str, words: str):
    with pytest.raises(PatternError) as refused:
        compiled(pattern)
    assert words in str(refused.value)


@given(pattern=st.text(alphabet="ab*+?{}()[]|\\^$.,12", max_size=12), text=st.text(alphabet="ab", max_size=5))
def test_any_text_is_a_pattern_or_is_refused_as_one(pattern: str, text: str):
    with contextlib.suppress(PatternError):
        assert matches(pattern, text) in {True, False}
