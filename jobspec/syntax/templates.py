"""Parses quoted strings and heredocs: their texts, escapes, interpolations and directives."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from jobspec.syntax.masking import end_of_interpolation, heredoc_body
from jobspec.syntax.nodes import Literal, Node, Template, TemplateFor, TemplateIf, Wrapped
from jobspec.syntax.source import InvalidHclError

if TYPE_CHECKING:
    from jobspec.syntax.source import Source

ReadExpression = Callable[[int, int], Node]

_ESCAPE: Final = re.compile(r'\\(?:u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|[nrt"\\])')
_SIMPLE: Final = {"n": "\n", "r": "\r", "t": "\t", '"': '"', "\\": "\\"}
_DIRECTIVE: Final = re.compile(r"\s*(if|else|endif|for|endfor)\b\s*")
_FOR: Final = re.compile(r"([^\W\d][\w-]*)\s*(?:,\s*([^\W\d][\w-]*)\s*)?\bin\b")


@dataclass(slots=True)
class _Text:
    """A piece of literal text; in a heredoc, each line is one piece."""

    value: str


@dataclass(slots=True)
class _Sequence:
    """`${...}` (with an empty word), or a directive with its word, such as `if`."""

    word: str
    start: int
    end: int
    node: Node | None = None
    names: tuple[str | None, str] | None = None


@dataclass
class _Reader:
    source: Source
    read: ReadExpression
    quoted: bool
    pieces: list[_Text | _Sequence] = field(default_factory=list)
    trim_next: bool = False

    def run(self, place: int, end: int) -> None:
        """Split the text into pieces and sequences, and apply the `~` markers."""
        text, begun = self.source.text, place
        while place < end:
            char = text[place]
            if char in "$%" and text.startswith(char + char + "{", place):
                place += 3
            elif char in "$%" and text.startswith(char + "{", place):
                self._text(begun, place)
                place = begun = self._sequence(place)
            elif char == "\\" and self.quoted:
                place += 2
            else:
                place += 1
                # each line of a heredoc is trimmed and indented separately
                if char == "\n" and not self.quoted:
                    self._text(begun, place)
                    begun = place
        self._text(begun, place)

    def _text(self, start: int, end: int) -> None:
        if start == end:
            return
        value = self.source.text[start:end]
        value = self._unescaped(value, start) if self.quoted else value
        # after the escapes: a backslash cannot make a doubled sign
        value = value.replace("$${", "${").replace("%%{", "%{")
        self.pieces.append(_Text(value.lstrip() if self.trim_next else value))
        self.trim_next = False

    def _unescaped(self, value: str, start: int) -> str:
        def one(found: re.Match[str]) -> str:
            body = found[0][1:]
            return _SIMPLE[body] if body in _SIMPLE else chr(int(body[1:], 16))

        if "\\" in _ESCAPE.sub("", value):
            place = start + value.index("\\")
            detail = "The symbol after the backslash is not a valid escape sequence selector."
            raise InvalidHclError(self.source.problem(place, place + 2, "Invalid escape sequence", detail))
        return _ESCAPE.sub(one, value)

    def _sequence(self, place: int) -> int:
        """Read the sequence that opens at `place`; returns the offset after it."""
        text = self.source.text
        closed = end_of_interpolation(self.source, place + 2)
        start, end = place + 2, closed
        if text[start : start + 1] == "~":
            start += 1
            # trims only the piece directly before it, as HCL does
            if self.pieces and isinstance(before := self.pieces[-1], _Text):
                before.value = before.value.rstrip()
        trims = end > start and text[end - 1] == "~"
        end -= trims
        take = self._interpolation if text[place] == "$" else self._directive
        self.pieces.append(take(start, end))
        self.trim_next = trims
        return closed + 1

    def _interpolation(self, start: int, end: int) -> _Sequence:
        return _Sequence("", start, end, self.read(start, end))

    def _directive(self, start: int, end: int) -> _Sequence:
        opened = _DIRECTIVE.match(self.source.text, start, end)
        if not opened:
            detail = "A template directive keyword is required here."
            raise InvalidHclError(self.source.problem(start, end, "Invalid template directive", detail))
        word, place = opened[1], opened.end()
        if word == "if":
            return _Sequence(word, start, end, self.read(place, end))
        if word == "for":
            names = _FOR.match(self.source.text, place, end)
            if not names:
                detail = "For directive requires variable name after 'for'."
                raise InvalidHclError(self.source.problem(place, end, "Invalid 'for' directive", detail))
            bound = (names[1], names[2]) if names[2] else (None, names[1])
            return _Sequence(word, start, end, self.read(names.end(), end), bound)
        return _Sequence(word, start, end)


def string(source: Source, start: int, end: int, read: ReadExpression) -> Node:
    """The quoted string from `start` to `end`, quotes included."""
    reader = _Reader(source, read, quoted=True)
    reader.run(start + 1, end - 1)
    return _node(source, reader.pieces, start, end)


def heredoc(source: Source, start: int, end: int, read: ReadExpression) -> Node:
    """The heredoc that opens at `start`; its last line break is part of it."""
    body = heredoc_body(source, start)
    if not body:  # the caller has seen `<<`, which is nothing else in HCL
        raise InvalidHclError(source.problem(start, end, "Invalid expression", "Expected the start of a heredoc."))
    reader = _Reader(source, read, quoted=False)
    reader.run(body[0], body[1])
    if source.text.startswith("<<-", start):
        _flush(reader.pieces)
    return _node(source, reader.pieces, start, end)


def _flush(pieces: list[_Text | _Sequence]) -> None:
    """Remove the indentation that all lines share; blank lines do not count and keep theirs."""
    least: int | None = None
    adjusted: list[_Text] = []
    line_begins = True
    for piece in pieces:
        if line_begins:
            line_begins = False
            indent: int | None = 0
            if isinstance(piece, _Text):
                stripped = piece.value.lstrip()
                # a blank line does not count for the common indentation
                indent = len(piece.value) - len(stripped) if stripped or not piece.value.endswith("\n") else None
                adjusted += [piece] if indent is not None else []
            if indent is not None:
                least = indent if least is None else min(least, indent)
        line_begins = (isinstance(piece, _Text) and piece.value.endswith("\n")) or line_begins
    for text in adjusted:
        text.value = text.value[least or 0 :]


def _node(source: Source, pieces: list[_Text | _Sequence], start: int, end: int) -> Node:
    # a template with only an interpolation keeps the type of its value: a list stays a list
    if len(pieces) == 1 and isinstance(only := pieces[0], _Sequence) and not only.word and only.node:
        return Wrapped(start, end, only.node)
    parts, rest = _assemble(source, pieces, 0, ())
    if rest < len(pieces):
        raise _unexpected(source, pieces[rest])
    if all(isinstance(part, str) for part in parts):
        return Literal(start, end, "".join(parts))
    return Template(start, end, parts)


def _assemble(
    source: Source, pieces: list[_Text | _Sequence], place: int, until: tuple[str, ...]
) -> tuple[list[Any], int]:
    """The parts up to one of the directives in `until`, and the index of that directive."""
    parts: list[Any] = []
    while place < len(pieces):
        piece = pieces[place]
        if isinstance(piece, _Text):
            parts.append(piece.value)
        elif piece.word in until:
            return parts, place
        elif not piece.word:
            parts.append(piece.node)
        else:
            made, place = _directive(source, pieces, place)
            parts.append(made)
        place += 1
    return parts, place


def _directive(source: Source, pieces: list[_Text | _Sequence], place: int) -> tuple[Node, int]:
    opened = pieces[place]
    if not isinstance(opened, _Sequence) or opened.node is None:
        raise _unexpected(source, opened)
    closer = "endif" if opened.word == "if" else "endfor"
    until = ("else", closer) if opened.word == "if" else (closer,)
    first, place = _assemble(source, pieces, place + 1, until)
    second: list[Any] = []
    if place < len(pieces) and getattr(pieces[place], "word", "") == "else":
        second, place = _assemble(source, pieces, place + 1, (closer,))
    if place >= len(pieces):
        raise _unexpected(source, opened)
    if opened.names:
        return TemplateFor(opened.start, opened.end, *opened.names, opened.node, first), place
    return TemplateIf(opened.start, opened.end, opened.node, first, second), place


def _unexpected(source: Source, piece: _Text | _Sequence) -> InvalidHclError:
    start, end = (piece.start, piece.end) if isinstance(piece, _Sequence) else (0, 0)
    detail = "The control directives within this template are unbalanced: each if needs an endif, each for an endfor."
    return InvalidHclError(source.problem(start, end, "Unexpected template directive", detail))
