"""What a person typed, undone from what keyboards and Slack's client made of it, and cut into words."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

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

LONGEST_TEXT: Final = 8000
"""Characters of a command that are looked at; Slack sends less."""


def undo(text: str, *, people: bool = False) -> str:
    """The text as it was meant: links as their label, mentions as names, entities as characters, nothing invisible.

    ``people``: they stand as ``@`` and their id instead, which says for certain who is meant.
    """
    marked = _PERSON.sub(r"@\1", visible(text)) if people else visible(text)
    return _ENTITY.sub(lambda match: _ENTITIES[match[1]], _MARKED.sub(_unmarked, marked))


def visible(text: str) -> str:
    """The text without what nobody sees; a modal's input comes as it was typed, so nothing else is to be undone."""
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
    """A word, the quotes taken off: its text, whether it was quoted from its first character, and where it ends."""

    text: str
    quoted: bool
    end: int


class OpenQuote(ValueError):
    """A quotation that nobody closed."""


def next_word(text: str, start: int) -> Word | None:
    """The first word at or after ``start``; quotes of any typographic kind hold spaces together, also after ``=``.

    A quote within a word is a character like any other (``don't``). ``OpenQuote`` where one is never closed.
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
    """What stands between the quote at ``at`` and the one of its kind that ends a word, and where that is."""
    for index in range(at + 1, len(text)):
        closes = _QUOTES.get(text[index]) == mark and (index + 1 == len(text) or text[index + 1].isspace())
        if closes:
            return text[at + 1 : index], index + 1
    raise OpenQuote(text[at : at + 30])


def plain(word: str) -> str:
    """A word with the dashes that keyboards make typed back: ``—`` was ``--``, the others were ``-``."""
    return word.translate(_DASHES)
