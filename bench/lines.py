"""What a benchmark prints: a line for each measure, with its goal."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True)
class Line:
    """A line of the output; ``goal`` is the most that the value may be, in the same unit, or the least."""

    name: str
    value: float
    unit: str
    goal: float | None = None
    least: bool = False

    @classmethod
    def at_least(cls, name: str, value: float, unit: str, goal: float) -> Line:
        """A line whose value may not be less than the goal."""
        return cls(name, value, unit, goal, least=True)

    @property
    def reached(self) -> bool:
        """Whether the value is within its goal, if it has one."""
        if self.goal is None:
            return True
        return self.value >= self.goal if self.least else self.value <= self.goal

    @property
    def bound(self) -> str:
        """The goal in words; empty if there is none."""
        if self.goal is None:
            return ""
        return f"{'>=' if self.least else '<='} {self.goal:g}"


def told(lines: Sequence[Line], *, as_json: bool) -> int:
    """Print them as a table or as JSON; returns 1 if a value is beyond its goal, as an exit status."""
    rows = [f"| {line.name} | {line.value:.2f} {line.unit} | {line.bound} |" for line in lines]
    table = "\n".join(["| measured | value | goal |", "|---|---|---|", *rows])
    print(json.dumps([asdict(line) for line in lines], indent=1) if as_json else table)
    return int(not all(line.reached for line in lines))
