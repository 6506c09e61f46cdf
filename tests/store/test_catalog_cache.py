"""Parsed catalogs, a few of them."""

from __future__ import annotations

from store.catalog_cache import CatalogCache, text_of
from tests.builders import a_catalog


def test_what_was_read_is_found_again_and_is_the_same_object():
    cache, catalog = CatalogCache(), a_catalog()
    assert cache.get(catalog.fingerprint) is None
    read = cache.read(catalog.fingerprint, text_of(catalog))
    assert read == catalog
    assert cache.get(catalog.fingerprint) is read


def test_only_the_last_used_ones_are_kept():
    cache = CatalogCache(size=2)
    for name in ("a", "b"):
        cache.read(name, text_of(a_catalog(timezone=name)))
    assert cache.get("a")
    cache.read("c", text_of(a_catalog(timezone="c")))
    assert [name for name in "abc" if cache.get(name)] == ["a", "c"]
