"""The text of a command, cleaned of what keyboards and Slack's client did to it, and read word by word."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from bot.domain.names import named

if TYPE_CHECKING:
    from datetime import date, tzinfo

# zero-width and bidi characters, the soft hyphen, and control characters other than white space
_INVISIBLE = re.compile(
    r"[\u00ad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff\x00-\x08\x0e-\x1f\x7f\ud800-\udfff]"
)
_MARKED = re.compile(r"<([^<>|]*)(?:\|([^<>]*))?>")
_PERSON = re.compile(r"<@([UW][A-Z0-9]{2,30})(?:\|[^<>]*)?>")
_ENTITY = re.compile(r"&(amp|lt|gt);")
_ENTITIES = {"amp": "&", "lt": "<", "gt": ">"}
# macOS and iOS make an em dash of two hyphens, and curly quotes of straight ones
_DASHES = str.maketrans(
    {"\u2014": "--", "\u2015": "--"} | dict.fromkeys("\u2010\u2011\u2012\u2013\u2212\ufe63\uff0d", "-")
)
_QUOTES = {'"': '"', "“": '"', "”": '"', "„": '"', "‟": '"', "«": '"', "»": '"', "'": "'", "‘": "'", "’": "'", "‚": "'"}
_WORD = re.compile(r"\S+")
_DEPLOY = re.compile(r"(?:[dD]-?)?0*([1-9][0-9]{0,17})")
_PLAN = re.compile(rf"{_DEPLOY.pattern}:([1-9][0-9]{{0,8}})")

LONGEST_TEXT: Final = 8000
"""Characters of a command that are read; Slack sends less."""


def undo(text: str, *, people: bool = False) -> str:
    """The text as it was meant: links as their label, mentions as names, entities as characters, nothing invisible.

    With ``people``, a mention becomes ``@`` and the user's id instead: a name can belong to two people, an id cannot.
    """
    marked = _PERSON.sub(r"@\1", visible(text)) if people else visible(text)
    return _ENTITY.sub(lambda match: _ENTITIES[match[1]], _MARKED.sub(_unmarked, marked))


def visible(text: str) -> str:
    """The text without invisible characters. Enough for a modal's input, which Slack does not mark up."""
    return _INVISIBLE.sub("", text[:LONGEST_TEXT])


def _unmarked(match: re.Match[str]) -> str:
    # `should_escape` in the manifest makes Slack write people and channels as <@U..|name> and <#C..|name>
    target, label = match[1], match[2]
    if target.startswith(("@", "#")):
        return target[0] + (label or target[1:])
    if target.startswith("!"):
        return label or "@" + target[1:].split("^")[0]
    return label or target.removeprefix("mailto:")


@dataclass(frozen=True, slots=True)
class Word:
    """A word without its quotes; ``quoted`` if it began with one. The next word is searched from ``end`` on."""

    text: str
    quoted: bool
    end: int


class OpenQuote(ValueError):
    """A quote without its closing quote; the text is how it begins."""


def next_word(text: str, start: int) -> Word | None:
    """The first word at or after ``start``; quotes of any typographic kind keep spaces in it, also after ``=``.

    A quote inside a word is an ordinary character (``don't``). Raises ``OpenQuote`` if a quote is never closed.
    """
    found = _WORD.search(text, start)
    if found is None:
        return None
    begin = found.start()
    mark = _QUOTES.get(text[begin])
    if mark:
        inner, end = _quoted(text, begin, mark)
        return Word(inner, quoted=True, end=end)
    opening = re.match(r"[^\s=]+=(?=(\S))", text[begin:])
    mark = _QUOTES.get(opening[1]) if opening else None
    if opening and mark:
        inner, end = _quoted(text, begin + opening.end(), mark)
        # the one quote that stays says that the value is text, whatever it looks like: count="3"
        return Word(plain(opening[0]) + f'"{inner}', quoted=False, end=end)
    return Word(plain(found[0]), quoted=False, end=found.end())


def _quoted(text: str, at: int, mark: str) -> tuple[str, int]:
    """The text between the quote at ``at`` and the matching one at the end of a word, and the index after that one."""
    for index in range(at + 1, len(text)):
        closes = _QUOTES.get(text[index]) == mark and (index + 1 == len(text) or text[index + 1].isspace())
        if closes:
            return text[at + 1 : index], index + 1
    raise OpenQuote(text[at : at + 30])


def plain(word: str) -> str:
    """The word with typographic dashes undone: ``—`` was typed as ``--``, the others as ``-``."""
    return word.translate(_DASHES)


def deploy_id(word: str) -> int | None:
    """The number in ``D-12``, ``d12`` or ``12``; None for any other word."""
    found = _DEPLOY.fullmatch(plain(word))
    return int(found[1]) if found else None


def plan_of(word: str) -> tuple[int, int] | None:
    """The deploy's number and the plan's in ``D-12:2``, ``d12:2`` or ``12:2``; None for any other word."""
    found = _PLAN.fullmatch(plain(word))
    return (int(found[1]), int(found[2])) if found else None


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """What a word can mean: the catalog's names, the author's workspace, and today's date in the catalog's zone."""

    services: tuple[str, ...]
    environments: tuple[str, ...]
    team: str = field(kw_only=True)
    zone: tzinfo = field(kw_only=True)
    today: date = field(kw_only=True)


class Reader:
    """Reads one command from left to right. ``quoted`` is whether the last word was in quotes."""

    def __init__(self, text: str, vocabulary: Vocabulary, *, people: bool = False) -> None:
        self.vocabulary = vocabulary
        self.quoted = False
        self._raw = text
        self._text = undo(text, people=people)
        self._at = 0

    def next(self) -> str | None:
        """The next word, None at the end. Raises ``OpenQuote`` if a quote is never closed."""
        word = next_word(self._text, self._at)
        if word is None:
            return None
        self._at, self.quoted = word.end, word.quoted
        return word.text

    def service(self, word: str) -> str:
        """The catalog's service that the last word names, in any case; else the word itself, as if it is quoted."""
        return word if self.quoted else named(word, self.vocabulary.services) or word

    def environment(self, word: str) -> str:
        """The catalog's environment that the last word names, in any case; the word itself if it names none."""
        return word if self.quoted else named(word, self.vocabulary.environments) or word

    def peek(self) -> str | None:
        """The next word, which stays unread."""
        word = next_word(self._text, self._at)
        return word.text if word else None

    def rest(self) -> str:
        """All that is left, exactly as it was typed."""
        rest, self._at = self._text[self._at :].strip(), len(self._text)
        return rest

    def with_people(self) -> Reader:
        """A reader of the same text, after its first word, that gives people by their ids and not by their names."""
        again = Reader(self._raw, self.vocabulary, people=True)
        again.next()
        return again
