"""Names as people type them: found in any case, and suggested if they are mistyped or cut short."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence

_MOST_SUGGESTED = 3
_LONGEST_WORD = 80
_SHORTEST = 2
"""Characters of a word that can be short for a name: one letter is short for too many."""


def named(word: str, known: Iterable[str]) -> str | None:
    """The known name that the word is, or the only one that differs from it in case alone; None if there is none."""
    names = list(known)
    if word in names:
        return word
    same = [name for name in names if name.casefold() == word.casefold()]
    # two names that differ in case alone are two things: nobody guesses which one was meant
    return same[0] if len(same) == 1 else None


def nearest(word: str, known: Iterable[str]) -> tuple[str, ...]:
    """The known names that the word may stand for, at most three, the likeliest first.

    Those that begin with it (``prod`` for ``production``), or else those that it abbreviates (``prd``), or else the one
    that looks most like it. A suggestion is never taken for the name: the person decides.
    """
    folded, names = word[:_LONGEST_WORD].casefold(), list(dict.fromkeys(known))
    short = len(folded) >= _SHORTEST
    begun = [name for name in names if short and name.casefold().startswith(folded)]
    found = begun or [name for name in names if short and _abbreviates(folded, name)] or _similar(folded, names)
    return tuple(found[:_MOST_SUGGESTED])


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """``Did you mean `production`?``, or an empty text if no known name is near the word."""
    near = [f"`{name}`" for name in nearest(word, known)]
    return f"Did you mean {_either(near)}?" if near else ""


def unknown_name(what: str, word: str, known: Iterable[str]) -> str:
    """A sentence about an unknown name, with the nearest known names and all known names."""
    names = list(known)
    hint = did_you_mean(word, names)
    return f"There is no {what} `{word[:_LONGEST_WORD]}`. {hint}{' ' if hint else ''}The catalog has {_listed(names)}."


def _similar(folded: str, names: Sequence[str]) -> list[str]:
    by_folded = {name.casefold(): name for name in reversed(names)}
    return [by_folded[each] for each in difflib.get_close_matches(folded, list(by_folded), n=1)]


def _abbreviates(folded: str, name: str) -> bool:
    """Whether the word has the name's first letter, and then some of its others in their order."""
    letters = iter(name.casefold())
    return name[:1].casefold() == folded[0] and all(letter in letters for letter in folded)


def _either(names: Sequence[str]) -> str:
    return " or ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names) or "none"
