"""The types of a template's variables, and how Nomad converts a value to one of them."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from bot.domain.canonical import LARGEST_INTEGER
from bot.domain.catalog.environment import Value

_TOKEN = re.compile(r'[A-Za-z_][A-Za-z0-9_-]*|"[^"]*"|\S')
_NUMBER = re.compile(r"[+-]?[0-9]{1,20}(?:\.[0-9]{1,20})?(?:[eE][+-]?[0-9]{1,3})?")
_TRUTHS: Mapping[str, bool] = {"true": True, "1": True, "false": False, "0": False}


class Mismatch(ValueError):
    """A value that does not fit a type."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A type by its name, such as ``list``; a collection has ``parts``, and an object a name for each of them."""

    name: str
    parts: tuple[Kind, ...] = ()
    names: tuple[str, ...] = ()

    @property
    def is_collection(self) -> bool:
        """Whether a value is a list or a mapping."""
        return self.name in {"list", "set", "tuple", "map", "object"}


ANY, NUMBER = Kind("any"), Kind("number")


@lru_cache(maxsize=512)
def kind_of(text: str) -> Kind:
    """The type that an expression such as ``list(number)`` means; ``any`` for what we cannot read."""
    tokens = _TOKEN.findall(text)
    try:
        found = _kind(tokens)
    except (ValueError, IndexError, RecursionError):
        return ANY
    return ANY if tokens else found


def _kind(tokens: list[str]) -> Kind:
    word = tokens.pop(0)
    if word in {"string", "number", "bool", "any"}:
        return Kind(word)
    _take(tokens, "(")
    if word in {"list", "set", "map"}:
        found = Kind(word, (_kind(tokens),))
    elif word == "tuple":
        found = Kind(word, tuple(part for _, part in _parts(tokens, "[", "]")))
    elif word == "object":
        pairs = _parts(tokens, "{", "}")
        found = Kind(word, tuple(part for _, part in pairs), tuple(name for name, _ in pairs))
    else:
        raise ValueError(word)
    _take(tokens, ")")
    return found


def _parts(tokens: list[str], opening: str, closing: str) -> list[tuple[str, Kind]]:
    """The types between brackets, each with its key, which is empty in a tuple."""
    _take(tokens, opening)
    found: list[tuple[str, Kind]] = []
    while tokens[0] != closing:
        name = ""
        if opening == "{":
            name = tokens.pop(0).strip('"')
            _take(tokens, "=")
        found.append((name, _kind(tokens)))
        if tokens[0] == ",":
            tokens.pop(0)
    _take(tokens, closing)
    return found


def _take(tokens: list[str], expected: str) -> None:
    if tokens.pop(0) != expected:
        raise ValueError(expected)


def convert(kind: Kind, value: Value) -> Value:
    """The value in that type, converted where Nomad converts too; ``Mismatch`` if Nomad would refuse it."""
    if value is None or kind.name == "any":
        return value
    match kind.name:
        case "string":
            return text_of(value)
        case "number":
            return _number(value)
        case "bool":
            return _bool(value)
        case "map" | "object":
            return _mapping(kind, value)
        case _:
            return _sequence(kind, value)


def text_of(value: Value) -> str:
    """A text, number or truth value as text; ``Mismatch`` for anything else."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str | int | float):
        return str(value)
    raise Mismatch


def _number(value: Value) -> int | float:
    if isinstance(value, str) and _NUMBER.fullmatch(value):
        value = float(value) if not value.lstrip("+-").isdecimal() else int(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise Mismatch
    # a larger one has no exact form in JSON, and an infinite one has none at all
    if not math.isfinite(value) or abs(value) > LARGEST_INTEGER:
        raise Mismatch
    return int(value) if value == int(value) else value


def _bool(value: Value) -> bool:
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.casefold() in _TRUTHS:
        return _TRUTHS[value.casefold()]
    raise Mismatch


def _sequence(kind: Kind, value: Value) -> list[Value]:
    if not isinstance(value, list | tuple):
        raise Mismatch
    parts = kind.parts if kind.name == "tuple" else kind.parts * len(value)
    if len(parts) != len(value):
        raise Mismatch
    return [convert(part, each) for part, each in zip(parts, value, strict=True)]


def _mapping(kind: Kind, value: Value) -> dict[str, Value]:
    if not isinstance(value, Mapping):
        raise Mismatch
    if kind.name == "map":
        return {key: convert(kind.parts[0], each) for key, each in value.items()}
    # Nomad drops keys that an object does not have, so a typing error would be lost
    if set(kind.names) != set(value):
        raise Mismatch
    return {name: convert(part, value[name]) for name, part in zip(kind.names, kind.parts, strict=True)}
