"""The grammar of ``lock`` and ``unlock``: what to close, where, for how long, and why.

Each function reads what follows its verb, given the form that the verb's help shows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bot.domain.decision import Refused, refuse
from bot.domain.locks import EVERYTHING, Target
from bot.domain.names import named
from handlers.slack.command.parser import listed, near, no_environment

if TYPE_CHECKING:
    from handlers.slack.command.lexer import Reader

_FOR: Final = "for"


def lock(reader: Reader, form: str) -> Target | Refused:
    """``SERVICE|ENV|everything [in ENV] [for DURATION] because TEXT``."""
    return _target(reader, form, ("in", _FOR, "because"))


def unlock(reader: Reader, form: str) -> Target | Refused:
    """``SERVICE|ENV|everything [in ENV] because TEXT``."""
    return _target(reader, form, ("in", "because"))


def _target(reader: Reader, form: str, clauses: tuple[str, ...]) -> Target | Refused:
    """The names as they were typed: the operation finds what they stand for, as on every other way in."""
    word = reader.next()
    if word is None or (word.casefold() in clauses and not reader.quoted):
        known = f"{listed(reader.vocabulary.services)}. Environments: {listed(reader.vocabulary.environments)}"
        return refuse("lock-form", f"What is it about? Write `{form}`. Services: {known}. Or `{EVERYTHING}`.")
    # without a reason the operation refuses and records it, as it does everything else that it is asked
    quoted, reason = reader.quoted, ""
    found: dict[str, str] = {}
    while (clause := reader.next()) is not None:
        name = clause.casefold()
        if name == "because":
            reason = reader.rest()
        elif name not in clauses or name in found:
            return _unexpected(reader, clause, form, clauses)
        elif (value := reader.peek()) is not None and value.casefold() not in clauses:
            found[name] = reader.next() or value
        else:
            return no_environment(clause, reader.vocabulary) if name == "in" else _no_duration(form)
    return Target(word=word, environment=found.get("in"), quoted=quoted, reason=reason, lasts=found.get(_FOR))


def _no_duration(form: str) -> Refused:
    return refuse("lock-duration", f"`for` needs a duration after it, such as `2h`. Write `{form}`.")


def _unexpected(reader: Reader, word: str, form: str, clauses: tuple[str, ...]) -> Refused:
    environment = named(word, reader.vocabulary.environments)
    hint = f" Did you mean `in {environment}`?" if environment else near(word, clauses)
    if word.casefold() == "until":
        hint = " Write for how long, such as `for 2h`."
    return refuse("unexpected-word", f"`{word[:80]}` doesn't belong there.{hint} Write `{form}`.")
