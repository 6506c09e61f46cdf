"""HCL text made plain: strings, heredocs and comments blotted out, character for character.

python-hcl2's grammar reads blocks and expressions well, but not every template, end marker and line break as HCL does.
What is in quotes is therefore read by `templates`, from the text itself; the grammar sees a plain string of the same
length, so that every place in the masked text is the same place in the text. Where HCL takes a line break for a blank
(in parentheses, brackets and `for` braces) the masked text has a blank.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from jobspec.syntax.source import InvalidHclError

if TYPE_CHECKING:
    from jobspec.syntax.source import Source

# a blank after the opening marker makes it no heredoc, for HCL too
_HEREDOC: Final = re.compile(r"<<-?([^\W\d][\w-]*)\r?\n")
_FOR: Final = re.compile(r"\{\s*for\s+[^\W\d]")
_STOPS: Final = re.compile(r'["#/<(){}\[\]\n]')
_CLOSERS: Final = {"(": ")", "[": "]", "{": "}"}


def mask(source: Source, start: int = 0, end: int | None = None) -> str:
    """The text from `start` to `end` made plain, of the same length.

    Raises `InvalidHclError` for what is left open: a block, a string, a heredoc.
    """
    scanner = _Scanner(source)
    stop = len(source.text) if end is None else end
    scanner.code(start, stop)
    return "".join(scanner.out)


def end_of_interpolation(source: Source, start: int) -> int:
    """Where the closing brace of a template sequence is, whose inside begins at `start`."""
    return _Scanner(source).code(start, len(source.text), until_brace=True)


def end_of_string(source: Source, start: int) -> int:
    """The place after the closing quote of the string that begins at `start`."""
    text, place = source.text, start + 1
    while place < len(text):
        char = text[place]
        if char == '"':
            return place + 1
        if char == "\n":
            detail = "Quoted strings may not be split over multiple lines. To produce a multi-line string, either use "
            detail += 'the \\n escape to represent a newline character or use the "heredoc" multi-line template syntax.'
            raise InvalidHclError(source.problem(start, place, "Invalid multi-line string", detail))
        # a backslash takes the next character with it, be it a quote
        place = place + 2 if char == "\\" else after_sequence(source, place)
    raise _unterminated(source, start)


def after_sequence(source: Source, place: int) -> int:
    """The place after the character, escaped sequence or whole template sequence at `place`."""
    text = source.text
    if text[place] not in "$%":
        return place + 1
    opener = text[place] + "{"
    # a doubled sign is text, whatever is in its braces
    if text.startswith(text[place] + opener, place):
        return place + 3
    if text.startswith(opener, place):
        return end_of_interpolation(source, place + 2) + 1
    return place + 1


def heredoc_body(source: Source, start: int) -> tuple[int, int, int] | None:
    """Begin and end of a heredoc's body and the end of its marker; None where no heredoc begins at `start`."""
    opened = _HEREDOC.match(source.text, start)
    if not opened:
        return None
    place = opened.end()
    while place < len(source.text):
        line_end = source.text.find("\n", place)
        line_end = len(source.text) if line_end < 0 else line_end
        line = source.text[place:line_end]
        # blanks may stand on both sides of the end marker, but a line break has to follow it
        if line.strip() == opened[1] and line_end < len(source.text):
            marker = place + len(line) - len(line.lstrip()) + len(opened[1])
            return opened.end(), place, marker
        place = _next_line(source, place)
    raise _unterminated(source, start)


def _next_line(source: Source, place: int) -> int:
    """The begin of the line after the one at `place`; template sequences in it may span several."""
    while place < len(source.text):
        if source.text[place] == "\n":
            return place + 1
        place = after_sequence(source, place)
    return place


def _unterminated(source: Source, start: int) -> InvalidHclError:
    detail = "No closing marker was found for the string."
    return InvalidHclError(source.problem(start, start + 1, "Unterminated template string", detail))


class _Scanner:
    """Walks through code, leaving its masked form in `out`."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.out: list[str] = []
        self.open: list[tuple[str, int]] = []

    def code(self, place: int, end: int, *, until_brace: bool = False) -> int:
        """Go on to `end`, or to the brace that closes what was open before; answers the place reached."""
        text = self.source.text
        while place < end:
            found = _STOPS.search(text, place, end)
            stop = found.start() if found else end
            self.out.append(text[place:stop])
            if stop == end:
                break
            # this brace was opened before us: it ends the template sequence
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
        # what is open innermost decides: braces in parentheses make line breaks count again
        self.out.append(" " if char == "\n" and self.open and self.open[-1][0] != "{" else char)
        return place + 1

    def _bracket(self, char: str, place: int) -> None:
        if char in _CLOSERS:
            # HCL reads the braces of a `for` expression as it reads brackets
            kind = "for" if char == "{" and _FOR.match(self.source.text, place) else char
            self.open.append((kind, place))
        # a bracket that closes nothing is left to the grammar to complain about
        elif char in ")]}" and self.open and _CLOSERS.get(self.open[-1][0], "}") == char:
            self.open.pop()

    def _blot(self, start: int, end: int) -> int:
        """A literal becomes a plain string of the same length."""
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
