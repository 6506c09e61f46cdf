"""The audit log's bytes: one canonical form, the same as RFC 8785 for what is allowed in it."""

from __future__ import annotations

import json
from typing import Any

LARGEST_INTEGER = 2**53 - 1


def canonical(document: Any) -> bytes:
    """UTF-8 JSON with sorted keys and no spaces.

    For what is allowed here, the bytes are those of RFC 8785. ``ValueError`` for a float, an integer of 2^53 or more,
    or a key that is not ASCII: the two forms would differ there.
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
                    raise ValueError(f"a canonical key must be ASCII text, not {key!r}")
                _check(each)
        case _:
            raise ValueError(f"{value!r} has no canonical form here: write it as text")
