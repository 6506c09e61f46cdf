"""Patterns for versions and for the values of settings: regular expressions that always match in bounded time.

Python's own engine backtracks and cannot be stopped: with a pattern such as ``(a+)+b``, one value could block the
process for hours. Here all ways through the pattern are followed at once, one character after the other.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

LONGEST_PATTERN = 500
DEEPEST = 20
MOST_STEPS = 2500
"""The most steps that a pattern may have after its counted repeats are written out: ``a{400}`` has 400."""

_TOKEN = re.compile(
    r"\\u[0-9a-fA-F]{4}|\\x[0-9a-fA-F]{2}|\\."
    r"|\[\^?\]?(?:\\.|[^\]\\])*\]"
    r"|\(\?:|\{[0-9]{1,4}(?:,(?:[0-9]{1,4})?)?\}"
    r"|.",
    re.DOTALL,
)
_AMBIGUOUS = re.compile(r"^\[\^?\[|--|&&|~~|\|\|")
_SIMPLE = {"*": (0, None), "+": (1, None), "?": (0, 1)}


class PatternError(ValueError):
    """The pattern cannot be used; the text says why, in words that follow the pattern."""


@dataclass(frozen=True, slots=True)
class _Character:
    regex: re.Pattern[str]


@dataclass(frozen=True, slots=True)
class _Sequence:
    parts: tuple[_Part, ...]


@dataclass(frozen=True, slots=True)
class _Choice:
    parts: tuple[_Part, ...]


@dataclass(frozen=True, slots=True)
class _Repeat:
    part: _Part
    least: int
    most: int | None


_Part = _Character | _Sequence | _Choice | _Repeat
_Step = re.Pattern[str] | tuple[int, ...]
"""A character to read, or the steps to go on with instead."""


def matches(pattern: str, text: str) -> bool:
    """Whether the whole text matches; ``PatternError`` for a pattern that cannot be used."""
    steps = compiled(pattern)
    active = _reachable(steps, [0])
    for character in text:
        active = _reachable(steps, [at + 1 for at in active if _reads(steps, at, character)])
    return len(steps) in active


def _reads(steps: tuple[_Step, ...], at: int, character: str) -> bool:
    step = steps[at] if at < len(steps) else ()
    return isinstance(step, re.Pattern) and step.fullmatch(character) is not None


def _reachable(steps: tuple[_Step, ...], starts: list[int]) -> set[int]:
    """All steps that can be reached without reading a character; the end of the pattern is one more step."""
    found: set[int] = set()
    while starts:
        at = starts.pop()
        if at not in found:
            found.add(at)
            step = steps[at] if at < len(steps) else ()
            starts += step if isinstance(step, tuple) else ()
    return found


@lru_cache(maxsize=256)
def compiled(pattern: str) -> tuple[_Step, ...]:
    """The pattern as steps, ready to match; ``PatternError`` if it cannot be used."""
    if len(pattern) > LONGEST_PATTERN:
        raise PatternError(f"is longer than {LONGEST_PATTERN} characters")
    # both are implied, because a pattern always matches the whole value
    tokens = _TOKEN.findall(pattern.removeprefix("^"))
    reader = _Reader(tokens[:-1] if tokens[-1:] == ["$"] else tokens)
    found = reader.choice()
    if reader.tokens:
        raise PatternError("has a `)` that nothing opens")
    steps: list[_Step] = []
    _write(found, steps)
    return tuple(steps)


def _write(part: _Part, steps: list[_Step]) -> None:
    """Append the steps of a part."""
    if len(steps) > MOST_STEPS:
        raise PatternError(f"has more than {MOST_STEPS} steps when its counts are written out")
    match part:
        case _Character():
            steps.append(part.regex)
        case _Sequence():
            # one step even if it is empty: otherwise `((){9999}){9999}` would never reach the limit
            steps.append((len(steps) + 1,))
            for each in part.parts:
                _write(each, steps)
        case _Choice():
            _write_choice(part.parts, steps)
        case _:
            _write_repeat(part, steps)


def _write_choice(parts: Iterable[_Part], steps: list[_Step]) -> None:
    fork = len(steps)
    steps.append(())
    begins, ends = [], []
    for each in parts:
        begins.append(len(steps))
        _write(each, steps)
        ends.append(len(steps))
        steps.append(())
    steps[fork] = tuple(begins)
    for end in ends:
        steps[end] = (len(steps),)


def _write_repeat(repeat: _Repeat, steps: list[_Step]) -> None:
    for _ in range(repeat.least):
        _write(repeat.part, steps)
    forks = []
    for _ in range(1 if repeat.most is None else repeat.most - repeat.least):
        forks.append(len(steps))
        steps.append(())
        _write(repeat.part, steps)
    if repeat.most is None:
        steps.append((forks[0],))
    for fork in forks:
        steps[fork] = (fork + 1, len(steps))


@dataclass(slots=True)
class _Reader:
    """Reads the parts of a pattern from its tokens."""

    tokens: list[str]
    depth: int = 0

    def choice(self) -> _Part:
        parts = [self._sequence()]
        while self.tokens[:1] == ["|"]:
            self.tokens.pop(0)
            parts.append(self._sequence())
        return parts[0] if len(parts) == 1 else _Choice(tuple(parts))

    def _sequence(self) -> _Part:
        parts: list[_Part] = []
        while self.tokens and self.tokens[0] not in {"|", ")"}:
            parts.append(self._repeated(self._atom(self.tokens.pop(0))))
        return _Sequence(tuple(parts))

    def _atom(self, token: str) -> _Part:
        if token in {"(", "(?:"}:
            self.depth += 1
            if self.depth > DEEPEST:
                raise PatternError(f"has groups in more than {DEEPEST} groups")
            found = self.choice()
            self.depth -= 1
            if self.tokens[:1] != [")"]:
                raise PatternError("has a `(` that nothing closes")
            self.tokens.pop(0)
            return found
        if _counts(token) is not None:
            raise PatternError(f"repeats nothing at `{token}`")
        if token in {"^", "$", "\\", "["} or _is_special(token):
            raise PatternError(f"uses `{token}`, which patterns cannot have")
        # Python warns that it may read these otherwise one day
        if token.startswith("[") and _AMBIGUOUS.search(token):
            raise PatternError(f"has an ambiguous set, `{token}`; put a backslash before each sign in it")
        is_character = len(token) == 1 and token != "."  # noqa: S105 - no password
        try:
            return _Character(re.compile(re.escape(token) if is_character else token))
        except re.error as error:
            raise PatternError(f"has a part that cannot be read, `{token}` ({error})") from None

    def _repeated(self, part: _Part) -> _Part:
        counts = _counts(self.tokens[0]) if self.tokens else None
        if counts is None:
            return part
        token = self.tokens.pop(0)
        least, most = counts
        if most is not None and least > most:
            raise PatternError(f"has `{token}`, which begins with the larger number")
        # engines differ in what `a*?`, `a*+` and `a{2}{3}` mean
        if self.tokens and _counts(self.tokens[0]) is not None:
            raise PatternError(f"repeats a repeat at `{token}{self.tokens[0]}`")
        return _Repeat(part, least, most)


def _is_special(token: str) -> bool:
    r"""Whether it is an escape that is no character: ``\b``, ``\1``, ``\Z``."""
    return len(token) == 2 and token[0] == "\\" and token[1].isalnum() and token[1] not in "wWdDsS"


def _counts(token: str) -> tuple[int, int | None] | None:
    """The least and the most repeats (None: no limit) that a token asks for; None for any other token."""
    if token in _SIMPLE:
        return _SIMPLE[token]
    if not token.startswith("{") or len(token) == 1:
        return None
    least, comma, most = token[1:-1].partition(",")
    return int(least), (int(most) if most else None) if comma else int(least)
