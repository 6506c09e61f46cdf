"""What a benchmark prints: a line for each measure, with its goal."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True)
class Line:
    """A line of the output; ``goal`` is the most that the value may be, in the same unit."""

    name: str
    value: float
    unit: str
    goal: float | None = None


def told(lines: Sequence[Line], *, as_json: bool) -> int:
    """Print them as a table or as JSON; returns 1 if a value is beyond its goal, as an exit status."""
    rows = [
        f"| {line.name} | {line.value:.2f} {line.unit} | {'' if line.goal is None else f'{line.goal:g}'} |"
        for line in lines
    ]
    table = "\n".join(["| measured | value | goal |", "|---|---|---|", *rows])
    print(json.dumps([asdict(line) for line in lines], indent=1) if as_json else table)
    return int(any(line.goal is not None and line.value > line.goal for line in lines))
