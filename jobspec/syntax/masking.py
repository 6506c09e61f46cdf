"""Masks strings, heredocs and comments in HCL text, character for character.

python-hcl2's grammar reads blocks and expressions well, but reads some templates, end markers and line breaks in
another way than HCL. So `templates` parses strings from the original text, and the grammar gets a plain string of the
same length: every offset in the masked text is the same in the original. If HCL treats a line break as a space (in
parentheses, brackets and `for` braces), the masked text has a space.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from jobspec.syntax.source import InvalidHclError

if TYPE_CHECKING:
    from jobspec.syntax.source import Source

# with a space after the opening marker it is not a heredoc, in HCL too
_HEREDOC: Final = re.compile(r"<<-?([^\W\d][\w-]*)\r?\n")
_FOR: Final = re.compile(r"\{\s*for\s+[^\W\d]")
_STOPS: Final = re.compile(r'["#/<(){}\[\]\n]')
_CLOSERS: Final = {"(": ")", "[": "]", "{": "}"}


def mask(source: Source, start: int = 0, end: int | None = None) -> str:
    """The masked text from `start` to `end`, of the same length.

    Raises `InvalidHclError` for an unclosed block, string or heredoc.
    """
    scanner = _Scanner(source)
    stop = len(source.text) if end is None else end
    scanner.code(start, stop)
    return "".join(scanner.out)


def end_of_interpolation(source: Source, start: int) -> int:
    """The offset of the closing brace of a template sequence whose content starts at `start`."""
    return _Scanner(source).code(start, len(source.text), until_brace=True)


def end_of_string(source: Source, start: int) -> int:
    """The offset after the closing quote of the string that starts at `start`."""
    text, place = source.text, start + 1
    while place < len(text):
        char = text[place]
        if char == '"':
            return place + 1
        if char == "\n":
            detail = "Quoted strings may not be split over multiple lines. To produce a multi-line string, either use "
            detail += 'the \\n escape to represent a newline character or use the "heredoc" multi-line template syntax.'
            raise InvalidHclError(source.problem(start, place, "Invalid multi-line string", detail))
        # a backslash escapes the next character, even a quote
        place = place + 2 if char == "\\" else after_sequence(source, place)
    raise _unterminated(source, start)


def after_sequence(source: Source, place: int) -> int:
    """The offset after the character, escape sequence or whole template sequence at `place`."""
    text = source.text
    if text[place] not in "$%":
        return place + 1
    opener = text[place] + "{"
    # a doubled sign is text, whatever follows in braces
    if text.startswith(text[place] + opener, place):
        return place + 3
    if text.startswith(opener, place):
        return end_of_interpolation(source, place + 2) + 1
    return place + 1


def heredoc_body(source: Source, start: int) -> tuple[int, int, int] | None:
    """The start and end of a heredoc's body, and the end of its marker; None if no heredoc starts at `start`."""
    opened = _HEREDOC.match(source.text, start)
    if not opened:
        return None
    place = opened.end()
    while place < len(source.text):
        line_end = source.text.find("\n", place)
        line_end = len(source.text) if line_end < 0 else line_end
        line = source.text[place:line_end]
        # the end marker may have spaces on both sides, but a line break must follow
        if line.strip() == opened[1] and line_end < len(source.text):
            marker = place + len(line) - len(line.lstrip()) + len(opened[1])
            return opened.end(), place, marker
        place = _next_line(source, place)
    raise _unterminated(source, start)


def _next_line(source: Source, place: int) -> int:
    """The start of the next line; a template sequence in the line may span several lines."""
    while place < len(source.text):
        if source.text[place] == "\n":
            return place + 1
        place = after_sequence(source, place)
    return place


def _unterminated(source: Source, start: int) -> InvalidHclError:
    detail = "No closing marker was found for the string."
    return InvalidHclError(source.problem(start, start + 1, "Unterminated template string", detail))


class _Scanner:
    """Scans code and collects its masked form in `out`."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.out: list[str] = []
        self.open: list[tuple[str, int]] = []

    def code(self, place: int, end: int, *, until_brace: bool = False) -> int:
        """Scan up to `end`, or with `until_brace` up to an unmatched closing brace; returns the offset reached."""
        text = self.source.text
        while place < end:
            found = _STOPS.search(text, place, end)
            stop = found.start() if found else end
            self.out.append(text[place:stop])
            if stop == end:
                break
            # this brace was opened before the scanned text: it ends the template sequence
            if until_brace and text[stop] == "}" and not self.open:
                return stop
            place = self._special(stop)
        if until_brace or self.open:
            raise self._unclosed(end)
        return end

    def _special(self, place: int) -> int:
        text, char = self.source.text, self.source.text[place]
        if char == '"':
            return self._blot(place, end_of_string(self.source, place))
        if char == "<" and (body := heredoc_body(self.source, place)):
            return self._blot(place, body[2])
        if char == "#" or text.startswith("//", place):
            line_end = text.find("\n", place)
            return self._blank(place, len(text) if line_end < 0 else line_end)
        if text.startswith("/*", place):
            closed = text.find("*/", place + 2)
            return self._blank(place, len(text) if closed < 0 else closed + 2)
        self._bracket(char, place)
        # the innermost bracket decides: within braces, line breaks count again
        self.out.append(" " if char == "\n" and self.open and self.open[-1][0] != "{" else char)
        return place + 1

    def _bracket(self, char: str, place: int) -> None:
        if char in _CLOSERS:
            # HCL treats the braces of a `for` expression like brackets
            kind = "for" if char == "{" and _FOR.match(self.source.text, place) else char
            self.open.append((kind, place))
        # the grammar reports a closing bracket without an opening one
        elif char in ")]}" and self.open and _CLOSERS.get(self.open[-1][0], "}") == char:
            self.open.pop()

    def _blot(self, start: int, end: int) -> int:
        """Replace a literal with a plain string of the same length."""
        self.out.append('"' + "_" * (end - start - 2) + '"')
        return end

    def _blank(self, start: int, end: int) -> int:
        self.out.append(" " * (end - start))
        return end

    def _unclosed(self, end: int) -> InvalidHclError:
        if not self.open:
            detail = "There is no closing brace for this interpolation sequence before the end of the file. This might "
            detail += "be caused by incorrect nesting inside the given expression."
            problem = self.source.problem(end, end, "Unclosed template interpolation sequence", detail)
            return InvalidHclError(problem)
        kind, place = self.open[-1]
        if kind == "{":
            detail = "There is no closing brace for this block before the end of the file. This may be caused by "
            detail += "incorrect brace nesting elsewhere in this file."
            return InvalidHclError(self.source.problem(place, place + 1, "Unclosed configuration block", detail))
        detail = "There is no corresponding closing bracket before the end of the file."
        return InvalidHclError(self.source.problem(place, place + 1, "Unterminated expression", detail))
