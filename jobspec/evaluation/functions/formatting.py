"""The function `format` and its verbs."""

from __future__ import annotations

import json
import re
from decimal import Decimal
from typing import Any, Final

from jobspec.errors import NotSimulated
from jobspec.evaluation.functions.calling import FunctionError
from jobspec.evaluation.functions.json_text import json_text
from jobspec.values import NUMBER, STRING, convert, kind_of, text_of

_VERB: Final = re.compile(r"%(?:%|([-+0 #]*)(\d+)?(?:\.(\d+))?(?:\[(\d+)\])?([a-zA-Z]))")


def format_text(pattern: str, values: list[Any]) -> str:
    """Replace the pattern's verbs with the values; the pattern must use every value."""
    used = 0
    out: list[str] = []
    place = 0
    for found in _VERB.finditer(pattern):
        out.append(pattern[place : found.start()])
        place = found.end()
        if found[0] == "%%":
            out.append("%")
            continue
        index = int(found[4]) - 1 if found[4] else used
        if index >= len(values):
            raise FunctionError(f'not enough arguments for "{found[0]}" at {found.start()}: need index {index + 1} but '
                                f"have {len(values)} total")  # fmt: skip
        used = index + 1
        out.append(_one(found, values[index]))
    out.append(pattern[place:])
    if "%" in "".join(out[::2]):
        raise NotSimulated(f"the function format() with {pattern!r}")
    if used < len(values):
        raise FunctionError(f"too many arguments; only {used} used by format string")
    return "".join(out)


def _one(found: re.Match[str], value: Any) -> str:
    flags, width, precision, verb = found[1], found[2] or "", found[3], found[5]
    if verb == "v" and "#" not in flags:
        verb = {"number": "g", "string": "s", "bool": "t"}.get(kind_of(value), "j")
    if verb == "j" or (verb == "v" and "#" in flags):
        return _pad(json_text(value), flags, width)
    if verb == "t" and isinstance(value, bool):
        return _pad(text_of(value), flags, width)
    if verb in "sq":
        text = str(convert(value, STRING))
        text = text[: int(precision)] if precision else text
        return _pad(json.dumps(text, ensure_ascii=False) if verb == "q" else text, flags, width)
    if verb in "dfgebBoxX" and value is not None:
        return _number(found, convert(value, NUMBER))
    raise NotSimulated(f"the verb {found[0]} of format()")


def _number(found: re.Match[str], number: Any) -> str:
    flags, width, precision, verb = found[1], found[2] or "", found[3], found[5]
    if verb in "gv":
        if precision:
            raise NotSimulated(f"the verb {found[0]} of format()")
        return _pad(text_of(number), flags, width)
    if verb in "fe":
        text = f"{Decimal(number):.{precision or 6}{verb}}"
        return _add_sign(re.sub(r"e([+-])(\d)$", r"e\g<1>0\2", text), flags, width)
    if not isinstance(number, int):
        raise FunctionError(f'unsupported value for "{found[0]}" at {found.start()}: an integer is required')
    return _add_sign(format(number, {"d": "d", "b": "b", "o": "o", "x": "x", "X": "X"}.get(verb, "d")), flags, width)


def _add_sign(text: str, flags: str, width: str) -> str:
    if "+" in flags and not text.startswith("-"):
        text = "+" + text
    if "0" in flags and "-" not in flags and width:
        return text.zfill(int(width))
    return _pad(text, flags, width)


def _pad(text: str, flags: str, width: str) -> str:
    size = int(width or 0)
    return text.ljust(size) if "-" in flags else text.rjust(size)
