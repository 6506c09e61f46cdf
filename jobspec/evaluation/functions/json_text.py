"""Writes values as JSON, as Go's library does."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any, Final

from jobspec.values import number_text

_ESCAPED: Final = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"}


def json_text(value: Any) -> str:
    """Compact JSON with sorted keys, and with the characters of HTML markup escaped."""
    if isinstance(value, dict):
        return "{" + ",".join(f"{_string(key)}:{json_text(value[key])}" for key in sorted(value)) + "}"
    if isinstance(value, list):
        return "[" + ",".join(json_text(each) for each in value) + "]"
    if isinstance(value, str):
        return _string(value)
    if isinstance(value, int | Decimal) and not isinstance(value, bool):
        return number_text(value)
    return json.dumps(value)


def _string(text: str) -> str:
    written = json.dumps(text, ensure_ascii=False)
    # the same result as Terraform's jsonencode
    for char, escape in _ESCAPED.items():
        written = written.replace(char, escape)
    return written
