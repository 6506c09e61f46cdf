"""Functions on texts."""

from __future__ import annotations

import re
from typing import Any, Final

from jobspec.errors import NotSimulated
from jobspec.evaluation.functions.calling import FunctionError, Implementation, taking
from jobspec.evaluation.functions.formatting import format_text
from jobspec.values import ANY, NUMBER, STRING, ListOf, Type, text_of

_STRINGS: Final = Type("list", STRING)
_PLAIN_PATTERN: Final = re.compile(r"[\w\s\-./:,;@=+*?|^$()\[\]\\]*\Z", re.ASCII)


@taking(STRING)
def _title(text: str) -> str:
    return re.sub(r"(?<![\w])(\w)", lambda found: found[1].upper(), text)


@taking(STRING, STRING)
def _trim(text: str, characters: str) -> str:
    return text.strip(characters) if characters else text


@taking(STRING, NUMBER, NUMBER)
def _substr(text: str, offset: int, length: int) -> str:
    start = offset if offset >= 0 else len(text) + offset
    return text[max(start, 0) :] if length < 0 else text[max(start, 0) : max(start, 0) + length]


@taking(NUMBER, STRING)
def _indent(spaces: int, text: str) -> str:
    return text.replace("\n", "\n" + " " * spaces)


@taking(STRING, rest=_STRINGS)
def _join(separator: str, *lists: list[str]) -> str:
    if not lists:
        raise FunctionError("at least one list is required")
    if any(each is None for values in lists for each in values):
        raise FunctionError("element is null; cannot concatenate null values")
    return separator.join(each for values in lists for each in values)


@taking(STRING, STRING)
def _split(separator: str, text: str) -> ListOf:
    return ListOf(text.split(separator) if separator else list(text))


@taking(STRING, STRING, STRING)
def _regex_replace(text: str, pattern: str, replacement: str) -> str:
    """Replace by a regular expression; supports only expressions that mean the same in Go and in Python."""
    if not _PLAIN_PATTERN.match(pattern) or "(?" in pattern or re.search(r"\\[^dwsDWS.\-/\\\[\]()*+?|^$]", pattern):
        raise NotSimulated(f"the function regex_replace() with the expression {pattern!r}")
    # Go refers to groups as $1, Python as \\1
    by_number = re.sub(r"\$\{?(\d+)\}?", r"\\g<\1>", replacement.replace("\\", r"\\"))
    if "$" in by_number:
        raise NotSimulated(f"the function regex_replace() with the replacement {replacement!r}")
    try:
        return re.sub(pattern, by_number, text, flags=re.ASCII)
    except re.error as error:
        raise FunctionError(f"error parsing regexp: {error}") from error


@taking(STRING, rest=ANY)
def _format(pattern: str, *values: Any) -> str:
    return format_text(pattern, list(values))


@taking(STRING, rest=ANY)
def _formatlist(pattern: str, *values: Any) -> ListOf:
    lengths = {len(value) for value in values if isinstance(value, list)}
    if len(lengths) > 1:
        raise FunctionError("arguments of different lengths cannot be taken together")
    rows = range(lengths.pop() if lengths else 1)
    return ListOf(
        format_text(pattern, [value[row] if isinstance(value, list) else value for value in values]) for row in rows
    )


def _one(change: Implementation) -> Implementation:
    return taking(STRING)(change)


def _two(change: Implementation) -> Implementation:
    return taking(STRING, STRING)(change)


FUNCTIONS: Final[dict[str, Implementation]] = {
    "upper": _one(str.upper),
    "lower": _one(str.lower),
    "title": _title,
    "trimspace": _one(str.strip),
    "trim": _trim,
    "trimprefix": _two(lambda text, prefix: text.removeprefix(prefix)),
    "trimsuffix": _two(lambda text, suffix: text.removesuffix(suffix)),
    "chomp": _one(lambda text: text.rstrip("\r\n")),
    "strlen": _one(len),
    # both names reverse a text, and neither reverses a list
    "strrev": _one(lambda text: text[::-1]),
    "reverse": _one(lambda text: text[::-1]),
    "replace": taking(STRING, STRING, STRING)(lambda text, old, new: text.replace(old, new)),
    "regex_replace": _regex_replace,
    "substr": _substr,
    "indent": _indent,
    "join": _join,
    "split": _split,
    "format": _format,
    "formatlist": _formatlist,
}

__all__ = ["FUNCTIONS", "text_of"]
