"""Filter expressions of lists, the part of Nomad's that people use: comparisons, `and`, `or`, `not` and brackets."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from sandbox.nomad.refusals import Refused

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox.nomad.records import Json

    Test = Callable[[Json], bool]

_TOKEN: Final = re.compile(r'\s*(?:(?P<text>"[^"]*"|`[^`]*`)|(?P<mark>[()]|==|!=)|(?P<word>[^\s()=!"`]+))')


def filter_of(text: str) -> Test:
    """Whether a record passes the filter; every record passes an empty one. Raises Refused with 400 if it is wrong."""
    if not text:
        return lambda _: True
    reader = _Reader(_tokens(text))
    test = reader.either()
    if reader.left:
        raise _wrong(f"no match found at {reader.left[0]}")
    return test


def _wrong(why: str) -> Refused:
    return Refused(400, f"failed to create result paginator: failed to read filter expression: {why}")


def _tokens(text: str) -> list[str]:
    found, at = [], 0
    text = text.rstrip()
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            raise _wrong(f"1:{at + 1} ({at}): no match found")
        found.append(match[match.lastgroup or 0])
        at = match.end()
    return found


@dataclass
class _Reader:
    """Reads what is left of an expression from the front."""

    left: list[str]

    def either(self) -> Test:
        """Parts with `or` between them."""
        test = self.both()
        while self._took("or"):
            test = _either(test, self.both())
        return test

    def both(self) -> Test:
        """Parts with `and` between them."""
        test = self.one()
        while self._took("and"):
            test = _both(test, self.one())
        return test

    def one(self) -> Test:
        """A comparison, an expression in brackets, or `not` in front of either."""
        if self._took("not"):
            return _opposite(self.one())
        if self._took("("):
            test = self.either()
            if not self._took(")"):
                raise _wrong("no match found, expected: )")
            return test
        selector, operator = self._next(), self._next()
        if operator == "is":
            empty = not self._took("not")
            if self._next() != "empty":
                raise _wrong("no match found, expected: empty")
            return lambda record: (not _field(record, selector)) is empty
        value = _value(self._next())
        if operator in {"==", "!="}:
            return lambda record: (_text(_field(record, selector)) == value) is (operator == "==")
        if operator == "contains":
            return lambda record: value in (_field(record, selector) or ())
        if operator == "matches":
            return lambda record: re.search(value, _text(_field(record, selector))) is not None
        raise _wrong(f"no match found at {operator}")

    def _took(self, word: str) -> bool:
        if self.left[:1] != [word]:
            return False
        del self.left[0]
        return True

    def _next(self) -> str:
        if not self.left:
            raise _wrong("no match found at the end")
        return self.left.pop(0)


def _either(one: Test, other: Test) -> Test:
    return lambda record: one(record) or other(record)


def _both(one: Test, other: Test) -> Test:
    return lambda record: one(record) and other(record)


def _opposite(test: Test) -> Test:
    return lambda record: not test(record)


def _value(token: str) -> str:
    """The value in its quotes: as it is between back-ticks, with escapes between double quotes, or without any."""
    if token.startswith("`"):
        return token.strip("`")
    if not token.startswith('"'):
        return token
    try:
        return str(json.loads(token))
    except ValueError:
        # not even an escaped quote can be between double quotes
        raise _wrong('rule "string": invalid syntax') from None


def _field(record: Json, selector: str) -> Any:
    """The field of a record. Raises Refused with 400 for a name that the record does not have."""
    found: Any = record
    for place, name in enumerate(selector.split(".")):
        if not isinstance(found, dict) or name not in found:
            raise Refused(
                400,
                f"failed to read result page: error finding value in datum: /{selector.replace('.', '/')} at part "
                f'{place}: couldn\'t find struct field with name "{name}"',
            )
        found = found[name]
    return found


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
