"""Values as JSON texts, as Go's library writes them."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any, Final

from jobspec.values import number_text

_ESCAPED: Final = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"}


def json_text(value: Any) -> str:
    """Compact JSON with sorted keys; what HTML would mistake for markup is escaped."""
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
    # as Terraform users know it from jsonencode
    for char, escape in _ESCAPED.items():
        written = written.replace(char, escape)
    return written
