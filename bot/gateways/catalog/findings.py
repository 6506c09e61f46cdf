"""What is wrong in a catalog folder, and where."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

LISTED = 12


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """One thing to mend: the file relative to the folder, the line counted from 1, what is wrong and the mend."""

    file: str
    line: int
    message: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.message}"


def suggestion(word: str, known: Iterable[str]) -> str:
    """The mend for a name that is not known: the nearest one, or the list of those that are."""
    names = sorted(known)
    near = get_close_matches(word, names, n=1, cutoff=0.6)
    if near:
        return f"did you mean `{near[0]}`?"
    if not names:
        return "there are none yet"
    listed = ", ".join(f"`{name}`" for name in names[:LISTED])
    return f"known: {listed}{', ...' if len(names) > LISTED else ''}"


def shortened(value: object, limit: int = 60) -> str:
    """A value as a message quotes it, cut where it is long."""
    text = repr(value)
    return text if len(text) <= limit else f"{text[: limit - 3]}..."
