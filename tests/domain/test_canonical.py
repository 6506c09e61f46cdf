from __future__ import annotations

from typing import Any

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.canonical import LARGEST_INTEGER, canonical

TEXT = st.text(st.characters(exclude_categories=["Cs"]))
KEYS = st.text(st.characters(max_codepoint=127))
DOCUMENTS = st.recursive(
    st.none() | st.booleans() | st.integers(-LARGEST_INTEGER, LARGEST_INTEGER) | TEXT,
    lambda children: st.lists(children, max_size=5) | st.dictionaries(KEYS, children, max_size=5),
    max_leaves=20,
)


@given(DOCUMENTS)
def test_the_bytes_are_those_of_rfc_8785(document: Any):
    assert canonical(document) == rfc8785.dumps(document)


@given(st.dictionaries(KEYS, DOCUMENTS, max_size=8))
def test_the_order_of_keys_does_not_matter(document: dict[str, Any]):
    assert canonical(dict(reversed(document.items()))) == canonical(document)


def test_it_is_utf_8_without_spaces_and_tuples_are_lists():
    assert canonical({"b": ("é", 1), "a": None}) == '{"a":null,"b":["é",1]}'.encode()


@pytest.mark.parametrize(
    "wrong",
    [
        1.0,
        float("nan"),
        LARGEST_INTEGER + 1,
        -LARGEST_INTEGER - 1,
        {"é": 1},
        {1: 1},
        {"a": [{"b": 0.5}]},
        b"bytes",
        {"a", "b"},
        object(),
    ],
)
def test_what_has_no_one_form_is_refused(wrong: Any):
    with pytest.raises(ValueError, match="canonical"):
        canonical(wrong)
