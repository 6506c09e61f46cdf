"""The canonical JSON in which audit events are stored: a subset of RFC 8785."""

from __future__ import annotations

import json
from typing import Any

LARGEST_INTEGER = 2**53 - 1


def canonical(document: Any) -> bytes:
    """UTF-8 JSON with sorted keys and without spaces; the same bytes as RFC 8785.

    ``ValueError`` for a float, an integer of 2^53 or more, or a key that is not ASCII, because RFC 8785 would write
    those differently.
    """
    _check(document)
    return json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()


def _check(value: Any) -> None:
    match value:
        case bool() | str() | None:
            return
        case int() if abs(value) <= LARGEST_INTEGER:
            return
        case list() | tuple():
            for each in value:
                _check(each)
        case dict():
            for key, each in value.items():
                if not (isinstance(key, str) and key.isascii()):
                    raise ValueError(f"the key {key!r} is not ASCII text, so it has no canonical form")
                _check(each)
        case _:
            raise ValueError(f"{value!r} has no canonical form; write it as text")
