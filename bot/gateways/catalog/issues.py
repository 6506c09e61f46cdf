"""An issue in a catalog folder, and the wording that all checks share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bot.domain.names import nearest

if TYPE_CHECKING:
    from collections.abc import Iterable

LISTED = 12


@dataclass(frozen=True, slots=True, order=True)
class Issue:
    """One error or warning: the file (relative to the folder), the line (from 1), what is wrong, why, and the fix.

    ``message`` has the form ``problem: reason; fix``; a part that is not known is left out.
    """

    file: str
    line: int
    message: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.message}"


def most_similar(word: str, known: Iterable[str]) -> str | None:
    """The known name that is most like the word; None if none is like it."""
    return next(iter(nearest(word, sorted(known))), None)


def suggestion(word: str, known: Iterable[str]) -> str:
    """The fix for an unknown name: the most similar known name, or else the list of known names."""
    names = sorted(known)
    near = most_similar(word, names)
    if near is not None:
        return f"did you mean `{near}`?"
    if not names:
        return "none are defined yet"
    listed = ", ".join(f"`{name}`" for name in names[:LISTED])
    return f"known: {listed}{', ...' if len(names) > LISTED else ''}"


def quote(value: object, limit: int = 60) -> str:
    """A value as messages quote it, cut to ``limit`` characters."""
    text = repr(value)
    return text if len(text) <= limit else f"{text[: limit - 3]}..."
