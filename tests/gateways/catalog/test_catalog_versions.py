"""The patterns of versions that an environment takes."""

from __future__ import annotations

import pytest

from bot.domain.catalog.catalog import Catalog
from bot.domain.catalog.environment import Versions
from bot.domain.documents import document_of, record_from


def given(folder, value: str) -> str:
    """Write the key into production; returns its line as issues name it."""
    folder.change("    reason: required\n", f"    reason: required\n    versions: {value}  # here\n")
    return str(folder.here()[0])


def test_the_patterns_are_kept_and_stored_with_the_catalog(folder):
    given(folder, r"{allow: ['v\d+', '^\d+$'], deny: ['latest|main']}")
    catalog = folder.read().catalog

    assert catalog is not None, folder.errors()
    assert catalog.environments["production"].versions == Versions(allow=(r"v\d+", r"^\d+$"), deny=("latest|main",))
    assert catalog.environments["staging"].versions == Versions()
    assert record_from(Catalog, document_of(catalog)) == catalog


def test_a_catalog_that_was_stored_without_patterns_has_none(folder):
    document = document_of(folder.read().catalog)
    del document["environments"]["production"]["versions"]

    assert record_from(Catalog, document) == folder.read().catalog


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("{allow: ['(']}", "`allow`: the pattern '(' has a `(` that nothing closes; write one such as `v\\d+\\.\\d+"),
        ("{deny: ['(?i)latest']}", "`deny`: the pattern '(?i)latest' repeats nothing at `?`; write one such as"),
        ("{deny: ['v(?=1)']}", "`deny`: the pattern 'v(?=1)' repeats nothing at `?`; write one such as"),
        ("{allow: [1.4]}", "`allow`: 1.4 must be text; put it in quotes"),
        ("{allow: latest}", "`allow`: 'latest' must be a list; write `- ` before each item, or [a, b]"),
        ("{allow: []}", "`allow`: must not be empty; add an entry, or remove the key"),
        (f"{{deny: [{', '.join(['a'] * 21)}]}}", "`deny`: has more than 20 entries; remove some"),
        ("{}", "`versions`: `versions` needs `allow` or `deny`; write one of them, or remove the key"),
        ("{denied: ['latest']}", "unknown key `denied` in `versions`; did you mean `deny`?"),
        ("['latest']", "`versions`: must be a mapping; write `key: value` lines below it"),
    ],
)
def test_what_cannot_be_used_is_refused_at_its_line(folder, value, expected):
    place = given(folder, value)
    found = folder.errors()

    assert any(each.startswith(f"{place}: {expected}") for each in found), found
