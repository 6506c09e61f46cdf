"""The source text of a jobspec, and diagnostics that point into it."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field

FILE = "input.hcl"
"""The file name that Nomad's parse endpoint uses for both the jobspec and its variables."""


@dataclass(frozen=True)
class Source:
    """HCL text; positions in it are offsets in characters."""

    text: str
    _lines: list[int] = field(init=False, repr=False, compare=False, default_factory=list)

    def __post_init__(self) -> None:
        self._lines.extend([0, *(index + 1 for index, char in enumerate(self.text) if char == "\n")])

    def position(self, offset: int) -> tuple[int, int]:
        """The line and column of an offset, both from 1."""
        line = bisect_right(self._lines, offset)
        return line, offset - self._lines[line - 1] + 1

    def span(self, start: int, end: int) -> str:
        """A range as Nomad writes it: `input.hcl:2,3-9`, or `input.hcl:2,3-3,1` over several lines."""
        (line, column), (last, end_column) = self.position(start), self.position(end)
        until = f"{end_column}" if last == line else f"{last},{end_column}"
        return f"{FILE}:{line},{column}-{until}"

    def problem(self, start: int, end: int, summary: str, detail: str) -> str:
        """One of Nomad's diagnostics: range, summary and detail."""
        return f"{self.span(start, end)}: {summary}; {detail}"


class InvalidHclError(Exception):
    """The text is not valid HCL for Nomad; has one or more of Nomad's diagnostics."""

    def __init__(self, *problems: str) -> None:
        super().__init__("\n".join(problems))
        self.problems = list(problems)

    def brief(self) -> str:
        """The first diagnostic, and the number of the others."""
        more = len(self.problems) - 1
        return self.problems[0] + (f", and {more} other diagnostic(s)" if more else "")
