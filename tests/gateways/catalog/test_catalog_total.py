"""Whatever stands in a folder, the reading ends in a catalog that every replica can keep, or in errors."""

from __future__ import annotations

import copy
import json
import tempfile
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from bot.domain.catalog.catalog import Catalog
from bot.domain.documents import document_of, record_from
from bot.gateways.catalog import read

EXAMPLE = Path(__file__).parents[3] / "examples" / "catalog"
FILES = ("nomatron.yaml", "services/checkout.yaml")
DOCUMENTS = {file: YAML(typ="safe", pure=True).load((EXAMPLE / file).read_text(encoding="utf-8")) for file in FILES}


def paths(document: Any, here: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner = (
        document.items() if isinstance(document, dict) else enumerate(document) if isinstance(document, list) else ()
    )
    return [here, *(path for key, each in inner for path in paths(each, (*here, key)))]


PLACES = [(file, path) for file, document in DOCUMENTS.items() for path in paths(document)]

words = st.sampled_from(
    ["staging", "checkout", "web", "sre", "image_tag", "http://[", "{", "$float", "C0STAGING1", "é", ""]
)
keys = st.sampled_from(
    ["name", "from", "count", "variables", "approvals", "after", "environments", "file", "users", "x"]
)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | words | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys | words, inner, max_size=3),
    max_leaves=6,
)


def spoilt(document: Any, path: tuple[Any, ...], value: Any) -> Any:
    if not path:
        return value
    changed = copy.deepcopy(document)
    holder = changed
    for part in path[:-1]:
        holder = holder[part]
    holder[path[-1]] = value
    return changed


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(PLACES), values), min_size=1, max_size=2))
def test_a_spoilt_folder_is_read_to_its_end(changes):
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for template in EXAMPLE.glob("templates/*"):
            (folder / "templates").mkdir(exist_ok=True)
            (folder / "templates" / template.name).write_bytes(template.read_bytes())
        (folder / "services").mkdir()
        documents = dict(DOCUMENTS)
        for (file, path), value in changes:
            documents[file] = spoilt(DOCUMENTS[file], path, value)
        for file, document in documents.items():
            (folder / file).write_text(json.dumps(document), encoding="utf-8")
        reading = read(folder)

    assert (reading.catalog is None) == bool(reading.errors)
    assert list(reading.errors) == sorted(set(reading.errors))
    if reading.catalog:
        kept = json.loads(json.dumps(document_of(reading.catalog)))
        assert record_from(Catalog, kept).fingerprint == reading.catalog.fingerprint
