"""Parsed catalogs by fingerprint: a catalog is read at every click and changes a few times a day."""

from __future__ import annotations

import json
from collections import OrderedDict

from bot.domain.catalog.catalog import Catalog
from bot.domain.documents import document_of, record_from


def text_of(catalog: Catalog) -> str:
    """A catalog's text as it is stored; the order of the files stays."""
    return json.dumps(document_of(catalog), separators=(",", ":"))


class CatalogCache:
    """The last ``size`` catalogs that were read. A fingerprint says what a catalog is, so nothing here grows old."""

    def __init__(self, size: int = 16) -> None:
        self._size = size
        self._catalogs: OrderedDict[str, Catalog] = OrderedDict()

    def get(self, fingerprint: str) -> Catalog | None:
        """A catalog that was read lately."""
        found = self._catalogs.get(fingerprint)
        if found is not None:
            self._catalogs.move_to_end(fingerprint)
        return found

    def read(self, fingerprint: str, text: str) -> Catalog:
        """The catalog that ``text_of`` wrote."""
        catalog = record_from(Catalog, json.loads(text))
        self._catalogs[fingerprint] = catalog
        while len(self._catalogs) > self._size:
            self._catalogs.popitem(last=False)
        return catalog
