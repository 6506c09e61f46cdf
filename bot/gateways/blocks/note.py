"""Notes as messages: thread replies, private answers, lines to the operators."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.gateways.blocks.parts import Json, Message, actions, button, preformatted, section
from bot.gateways.blocks.reasons import blocker
from bot.gateways.blocks.text import escape, fit, person, who, words

if TYPE_CHECKING:
    from collections.abc import Iterable

    from bot.domain.deploy.message import Note

_LONGEST_SENTENCE = 2500
_LONGEST_LINE = 600
_MOST_LINES = 40
_MOST_SAID = 40
_LONGEST_TEXT = 3500


def render(note: Note) -> Message:
    """A note as a message: mentions, sentences, what people did, reasons, who can act on it, its code, one button."""
    sentence = escape(note.text.strip(), _LONGEST_SENTENCE)
    # mentions stand first: a notification shows the beginning
    called = " ".join(dict.fromkeys(person(user) for user in note.mention[:20]))
    first = f"{called} {sentence}".strip() or "…"
    lines = [blocker(reason) for reason in note.reasons[:_MOST_LINES]]
    lines += [words(line, _LONGEST_LINE) for line in note.lines[:_MOST_LINES]]
    lines += [f"{person(user)} {words(what, _LONGEST_LINE)}" for user, what in note.said[:_MOST_SAID]]
    people = who(note.users, note.groups)
    lines += [f"Who can: {people}"] if people else []
    blocks: list[Json] = [section(fit([first, *lines], pointer="_… and more_"))]
    if note.code:
        blocks.append(preformatted(note.code))
    if note.action:
        blocks.append(actions([button(*note.action)]))
    return Message(plain_of([first, *lines]), tuple(blocks))


def plain_of(lines: Iterable[str]) -> str:
    """Lines of mrkdwn as a message's ``text``, which notifications and screen readers use."""
    return fit(lines, _LONGEST_TEXT, "…")
