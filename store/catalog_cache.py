"""A cache of parsed catalogs by fingerprint: every click reads the catalog, which changes a few times a day."""

from __future__ import annotations

import json
from collections import OrderedDict

from bot.domain.catalog.catalog import Catalog
from bot.domain.documents import document_of, record_from


def text_of(catalog: Catalog) -> str:
    """The text that stores a catalog, with its files in their order."""
    return json.dumps(document_of(catalog), separators=(",", ":"))


class CatalogCache:
    """The last ``size`` catalogs that were read. Entries never expire, because a fingerprint identifies the content."""

    def __init__(self, size: int = 16) -> None:
        self._size = size
        self._catalogs: OrderedDict[str, Catalog] = OrderedDict()

    def get(self, fingerprint: str) -> Catalog | None:
        """The catalog with that fingerprint if it is in the cache, otherwise None."""
        found = self._catalogs.get(fingerprint)
        if found is not None:
            self._catalogs.move_to_end(fingerprint)
        return found

    def read(self, fingerprint: str, text: str) -> Catalog:
        """Parse a text that ``text_of`` made, and keep the catalog in the cache."""
        catalog = record_from(Catalog, json.loads(text))
        self._catalogs[fingerprint] = catalog
        while len(self._catalogs) > self._size:
            self._catalogs.popitem(last=False)
        return catalog
