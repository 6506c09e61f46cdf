"""Reads the caller's values for a jobspec's variables: a JSON object in one line, or the text of a var-file."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from jobspec.evaluation.evaluate import Scope, evaluate
from jobspec.syntax.bodies import read
from jobspec.syntax.source import InvalidHclError, Source
from jobspec.values import tidy

_BLANK: Final = re.compile(r"[ \t\r\n]*")


@dataclass(frozen=True)
class Setting:
    """A value, and its range in the source."""

    value: Any
    where: str


class UnreadableVariablesError(Exception):
    """The text with the values cannot be parsed; the message is Nomad's."""


def is_json(text: str) -> bool:
    """Whether Nomad treats a text as JSON: it starts with a brace after optional spaces."""
    # Nomad treats a text with a line break before the brace as HCL
    return text.lstrip(" ").startswith("{")


def settings(text: str) -> dict[str, Setting]:
    """The values by variable; raises `UnreadableVariablesError`, or `InvalidHclError` for single values."""
    source = Source(text)
    if not text:
        return {}
    try:
        if is_json(text):
            return _from_json(source)
        body = read(source)
    except InvalidHclError as error:
        raise UnreadableVariablesError(error.brief()) from error
    if body.blocks:
        raise InvalidHclError(*(_block(source, block.kind, block.start) for block in body.blocks))
    scope = Scope(source, open_ended=False)
    return {
        name: Setting(evaluate(each.value, scope), source.span(each.value.start, each.value.end))
        for name, each in body.attributes.items()
    }


def _block(source: Source, kind: str, start: int) -> str:
    if kind == "variable":
        detail = (
            "A .var file is used to assign values to variables that have already been declared in job files, not to "
        )
        detail += "declare new variables."
        return source.problem(start, start + len(kind), "Variable declaration in a .var file", detail)
    return source.problem(start, start + len(kind), f'Unexpected "{kind}" block', "Blocks are not allowed here.")


def _from_json(source: Source) -> dict[str, Setting]:
    """The members of the JSON object, each with its range, because Nomad's errors point at them."""
    decoder, text = json.JSONDecoder(parse_float=Decimal), source.text
    found: dict[str, Setting] = {}
    place = _after_blanks(text, text.index("{") + 1)
    try:
        while text[place : place + 1] != "}":
            name, place = decoder.raw_decode(text, place)
            place = _expect(source, ":", place)
            value, end = decoder.raw_decode(text, place)
            if not isinstance(name, str):
                raise _invalid(source, place)
            # Nomad reserves this key for comments in JSON
            if name != "//":
                found[name] = Setting(_tidy_value(value), source.span(place, end))
            place = _after_blanks(text, end)
            if text[place : place + 1] != "}":
                place = _expect(source, ",", place)
    except json.JSONDecodeError as error:
        raise _invalid(source, error.pos) from error
    if text[place + 1 :].strip():
        raise _invalid(source, place + 1)
    return found


def _after_blanks(text: str, place: int) -> int:
    blanks = _BLANK.match(text, place)
    return blanks.end() if blanks else place


def _expect(source: Source, char: str, place: int) -> int:
    place = _after_blanks(source.text, place)
    if source.text[place : place + 1] != char:
        raise _invalid(source, place)
    return _after_blanks(source.text, place + 1)


def _invalid(source: Source, place: int) -> InvalidHclError:
    detail = "The JSON of the variables ends early or is malformed here."
    return InvalidHclError(source.problem(place, place + 1, "Invalid JSON", detail))


def _tidy_value(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _tidy_value(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_tidy_value(each) for each in value]
    return tidy(value) if isinstance(value, Decimal) else value
