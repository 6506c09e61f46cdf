"""The shapes of which the limit tables consist: each checks a JSON value and words its problems as Slack does."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol


@dataclass(frozen=True)
class Problem:
    """One problem at a JSON pointer; blocks.validate also returns its `code`, `expected` and `got`."""

    pointer: str
    message: str
    code: str
    expected: Any = None
    got: Any = None

    def __str__(self) -> str:
        return f"{self.message} [json-pointer:{self.pointer}]"


class Shape(Protocol):
    """A shape that can check a value."""

    def check(self, value: Any, at: str) -> Iterator[Problem]:
        """All problems in `value`, which is at the JSON pointer `at`."""


def _wrong_type(at: str, wanted: str, value: Any) -> Problem:
    article = "an" if wanted[0] in "aeio" else "a"
    return Problem(at, f"must provide {article} {wanted}", "invalid_type", wanted, type(value).__name__)


@dataclass(frozen=True)
class Str:
    """A string with limits for its length in characters, and optionally a fixed choice or a pattern."""

    most: int | None = None
    least: int = 0
    one_of: frozenset[str] = frozenset()
    pattern: str = ""

    def check(self, value: Any, at: str) -> Iterator[Problem]:
        """Checks the type first; checks nothing else if the string is too long or too short."""
        if not isinstance(value, str):
            yield _wrong_type(at, "string", value)
        elif len(value) < self.least:
            yield Problem(at, f"must be more than {self.least - 1} characters", "too_short", self.least, len(value))
        elif self.most is not None and len(value) > self.most:
            yield Problem(at, f"must be less than {self.most + 1} characters", "too_long", self.most, len(value))
        elif self.one_of and value not in self.one_of:
            choice = ", ".join(sorted(self.one_of))
            yield Problem(at, f"must be one of: {choice}", "invalid_enum_value", choice, value)
        elif self.pattern and not re.fullmatch(self.pattern, value):
            yield Problem(at, f"must match the pattern {self.pattern}", "invalid_format", self.pattern, value)


@dataclass(frozen=True)
class Num:
    """A number, an integer unless `fractions` is set; `above` is an exclusive limit."""

    least: float | None = None
    most: float | None = None
    above: float | None = None
    fractions: bool = False

    def check(self, value: Any, at: str) -> Iterator[Problem]:
        """Checks the type, then the limits."""
        if isinstance(value, bool) or not isinstance(value, (int, float) if self.fractions else int):
            yield _wrong_type(at, "number" if self.fractions else "integer", value)
        elif self.above is not None and value <= self.above:
            yield Problem(at, f"must be greater than {self.above:g}", "too_small", self.above, value)
        elif self.least is not None and value < self.least:
            yield Problem(at, f"must be greater than or equal to {self.least:g}", "too_small", self.least, value)
        elif self.most is not None and value > self.most:
            yield Problem(at, f"must be less than or equal to {self.most:g}", "too_large", self.most, value)


@dataclass(frozen=True)
class Flag:
    """A boolean."""

    def check(self, value: Any, at: str) -> Iterator[Problem]:
        """Accepts only true and false."""
        if not isinstance(value, bool):
            yield _wrong_type(at, "boolean", value)


@dataclass(frozen=True)
class Anything:
    """A value that this simulation does not check."""

    def check(self, value: Any, at: str) -> Iterator[Problem]:
        """Accepts everything."""
        del value, at
        yield from ()


@dataclass(frozen=True)
class Arr:
    """An array of one kind of item."""

    item: Shape
    most: int | None = None
    least: int = 0

    def check(self, value: Any, at: str) -> Iterator[Problem]:
        """Checks the number of items, then each item, even if there are too many."""
        if not isinstance(value, list):
            yield _wrong_type(at, "array", value)
            return
        if self.most is not None and len(value) > self.most:
            yield Problem(at, f"no more than {self.most} items allowed", "too_many_items", self.most, len(value))
        if len(value) < self.least:
            yield Problem(at, f"no fewer than {self.least} items allowed", "too_few_items", self.least, len(value))
        for number, one in enumerate(value):
            yield from self.item.check(one, f"{at}/{number}")


Rule = Callable[[dict[str, Any], str], Iterator[Problem]]


@dataclass(frozen=True)
class Obj:
    """An object with known fields; `rules` check several fields together after each field is valid by itself."""

    fields: Mapping[str, Shape]
    needs: tuple[str, ...] = ()
    one_of: tuple[str, ...] = ()
    rules: tuple[Rule, ...] = field(default=())

    def check(self, value: Any, at: str) -> Iterator[Problem]:
        """Checks for missing and unknown fields, then the fields, then the rules."""
        if not isinstance(value, dict):
            yield _wrong_type(at, "object", value)
            return
        found = [*self._missing(value, at), *self._unknown(value, at)]
        for name, shape in self.fields.items():
            # Slack treats null for an optional field as a missing field.
            if value.get(name) is not None:
                found += shape.check(value[name], f"{at}/{name}")
        yield from found
        if not found:
            for rule in self.rules:
                yield from rule(value, at)

    def _missing(self, value: dict[str, Any], at: str) -> Iterator[Problem]:
        for name in self.needs:
            if value.get(name) is None:
                yield Problem(at, f"missing required field: {name}", "missing_required_field", name)
        if self.one_of and all(value.get(name) is None for name in self.one_of):
            choice = ", ".join(self.one_of)
            yield Problem(at, f"must define one of: {choice}", "missing_required_field", choice)

    def _unknown(self, value: dict[str, Any], at: str) -> Iterator[Problem]:
        for name in value.keys() - self.fields.keys():
            yield Problem(at, f"invalid additional property: {name}", "unknown_field", None, name)


@dataclass(frozen=True)
class Typed:
    """An object whose `type` names its shape in `table`; `allowed` limits the types."""

    table: Mapping[str, Shape]
    allowed: frozenset[str] | None = None

    def check(self, value: Any, at: str) -> Iterator[Problem]:
        """Checks the type, then the shape of that type."""
        if not isinstance(value, dict):
            yield _wrong_type(at, "object", value)
            return
        kind = value.get("type")
        if kind is None:
            yield Problem(at, "missing required field: type", "missing_required_field", "type")
        elif not isinstance(kind, str) or kind not in self.table:
            yield Problem(f"{at}/type", f"unsupported type: {kind}", "unsupported_type", None, kind)
        elif self.allowed is not None and kind not in self.allowed:
            yield Problem(f"{at}/type", f"unsupported type: {kind}", "unsupported_type", sorted(self.allowed), kind)
        else:
            yield from self.table[kind].check(value, at)
