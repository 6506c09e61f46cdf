"""A command's text, read word by word, and the refusals that say what was meant instead."""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bot.domain.decision import Refused, refuse
from handlers.slack.command.lexer import next_word, plain, undo

if TYPE_CHECKING:
    from collections.abc import Iterable

_DEPLOY = re.compile(r"(?:[dD]-?)?0*([1-9][0-9]{0,17})")


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The names of the catalog, for telling a service from a mistyped verb and for listing choices."""

    services: tuple[str, ...] = ()
    environments: tuple[str, ...] = ()


class Reader:
    """Reads one command from left to right. ``quoted`` says whether the last word stood in quotes."""

    def __init__(self, typed: str, vocabulary: Vocabulary, *, people: bool = False) -> None:
        self.vocabulary = vocabulary
        self.quoted = False
        self._typed = typed
        self._text = undo(typed, people=people)
        self._at = 0

    def next(self) -> str | None:
        """The next word; ``OpenQuote`` where it is a quotation that nobody closed."""
        word = next_word(self._text, self._at)
        if word is None:
            return None
        self._at, self.quoted = word.end, word.quoted
        return word.text

    def peek(self) -> str | None:
        """The word after, which stays to be read."""
        word = next_word(self._text, self._at)
        return word.text if word else None

    def rest(self) -> str:
        """Everything that is left, as it was typed."""
        rest, self._at = self._text[self._at :].strip(), len(self._text)
        return rest

    def with_people(self) -> Reader:
        """The same text after its first word, in which people stand by their ids: a name decides nothing."""
        again = Reader(self._typed, self.vocabulary, people=True)
        again.next()
        return again


def deploy_id(word: str) -> int | None:
    """The number that ``D-12``, ``d12`` or ``12`` names; None for anything else."""
    found = _DEPLOY.fullmatch(plain(word))
    return int(found[1]) if found else None


def near(word: str, known: Iterable[str]) -> str:
    """A sentence that asks for the one of the known words that looks most like this one; empty where none does."""
    found = difflib.get_close_matches(word[:80].casefold(), list(known), n=1)
    return f" Did you mean `{found[0]}`?" if found else ""


def choose(what: str, word: str, known: tuple[str, ...]) -> Refused:
    """No such service or environment: what there is."""
    listed = ", ".join(known[:30]) or "none yet"
    return refuse(f"unknown-{what}", f"There is no {what} `{word[:80]}`.{near(word, known)} The catalog has {listed}.")


def too_much(word: str, form: str) -> Refused:
    """A word too many: the form."""
    return refuse("unexpected-word", f"I do not understand `{word[:80]}` there. The form is `{form}`.")
