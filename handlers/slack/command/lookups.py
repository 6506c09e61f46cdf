"""The grammar of the verbs that only look something up: status, history, audit and digest.

Each function reads what follows its verb, given the form that the verb's help shows.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from bot.domain.actor import Actor, SlackUser
from bot.domain.day import DAY_FORMS, day_named
from bot.domain.decision import Refused, refuse
from bot.domain.digest.schedule import day_of
from bot.domain.names import named
from bot.operations.queries.audit import actor_of_key
from bot.ports.audit import AuditQuery
from handlers.slack.command.ast import History, Preview, Status
from handlers.slack.command.lexer import deploy_id
from handlers.slack.command.parser import listed, near, no_environment, no_such, too_much

if TYPE_CHECKING:
    from datetime import date

    from handlers.slack.command.lexer import Reader

LONGEST_NAME: Final = 150
"""Characters of a service or an environment to look for; with both at this length a button's value still fits."""
LONGEST_ACTOR: Final = 400
"""Characters of an actor's key to look for."""

_PERSON = re.compile(r"@?([UW][A-Z0-9]{6,30})")
_DAYS = ("today", "yesterday")
_CLAUSES = ("in", "by")
_ALL = "all"


def status(reader: Reader, form: str) -> Status | Refused:
    """``[SERVICE|D-n] [in ENV]``."""
    service = number = environment = None
    known = reader.vocabulary
    while (word := reader.next()) is not None:
        if word.casefold() == "in" and environment is None:
            environment = reader.next()
            if environment is None:
                return no_environment(word, known)
            environment = reader.environment(environment)
            if environment not in known.environments:
                return no_such("environment", environment, known.environments)
        elif service is not None or number is not None:
            return too_much(word, form)
        elif (found := named(word, known.services)) is not None:
            service = found
        elif (number := deploy_id(word)) is None:
            return no_such("service", word, known.services)
    return Status(service, number, environment)


def history(reader: Reader, form: str) -> History | Refused:
    """``SERVICE [in ENV]``, in any order."""
    found: dict[str, str] = {}
    while (word := reader.next()) is not None:
        clause = "" if reader.quoted else word.casefold()
        read = _environment(reader, clause) if clause == "in" else _service(reader, word, form)
        if isinstance(read, Refused):
            return read
        if read[0] in found:
            return too_much(word, form)
        found.update([read])
    if "service" not in found:
        services = listed(reader.vocabulary.services)
        return refuse("service-missing", f"Which service's history? Write `{form}`. Services: {services}.")
    return History(found["service"], found.get("environment"))


def audit(reader: Reader, form: str) -> AuditQuery | Refused:
    """``[today|yesterday|DATE] [SERVICE] [D-n] [in ENV] [by @user] [all]``, in any order."""
    reader = reader.with_people()
    found: dict[str, Any] = {}
    while (word := reader.next()) is not None:
        read = _condition(reader, word, form)
        if isinstance(read, Refused):
            return read
        if read[0] in found:
            return too_much(word, form)
        found.update([read])
    return AuditQuery(**found)


def digest(reader: Reader, form: str) -> Preview | Refused:
    """``preview [today|yesterday|DATE]``."""
    word = reader.next()
    if word is None or word.casefold() != "preview":
        wrong = f"`{word[:80]}` doesn't belong there.{near(word, ('preview',))} " if word else ""
        return refuse("digest-form", f"{wrong}Write `{form}`: it shows the daily digest to you only.")
    word = reader.next()
    if word is None:
        return Preview()
    day = _day(reader, word)
    if isinstance(day, Refused):
        return day
    more = reader.next()
    return Preview(day) if more is None else too_much(more, form)


def _condition(reader: Reader, word: str, form: str) -> tuple[str, object] | Refused:
    """One condition of ``audit``: the name of the query's field, and its value."""
    clause = "" if reader.quoted else word.casefold()
    if clause == "in":
        return _environment(reader, clause)
    if clause == "by":
        actor = _actor(reader, form)
        return actor if isinstance(actor, Refused) else ("actor", actor)
    if named(word, reader.vocabulary.services) is None and (number := deploy_id(clause)) is not None:
        return "deploy", number
    if clause in _DAYS or (clause[:1].isdecimal() and named(word, reader.vocabulary.services) is None):
        day = _day(reader, word)
        return day if isinstance(day, Refused) else ("span", day_of(day, reader.vocabulary.zone))
    if clause == _ALL and named(word, reader.vocabulary.services) is None:
        return "steps", True
    return _service(reader, word, form, (*_DAYS, *_CLAUSES, _ALL))


def _environment(reader: Reader, clause: str) -> tuple[str, str] | Refused:
    known = reader.vocabulary.environments
    word = reader.next()
    if word is None:
        return no_environment(clause, reader.vocabulary)
    word = reader.environment(word)
    if word in known or _may_be_gone(reader, word, known):
        return "environment", word
    return no_such("environment", word, known)


def _service(reader: Reader, word: str, form: str, words: tuple[str, ...] = ()) -> tuple[str, str] | Refused:
    known = reader.vocabulary.services
    word = reader.service(word)
    other = None if word in known or reader.quoted else _no_service(reader, word, form)
    if other is not None:
        return other
    if word in known or _may_be_gone(reader, word, (*known, *words)):
        return "service", word
    return refuse(
        "unknown-service",
        f"There is no service `{word[:80]}`.{near(word, (*known, *words))} Services: {listed(known)}. To look for a "
        f"service that the catalog no longer has, put its name in quotes. Write `{form}`.",
    )


def _no_service(reader: Reader, word: str, form: str) -> Refused | None:
    """The refusal of an environment or a deploy number in place of a service; None for any other word."""
    environment = named(word, reader.vocabulary.environments)
    if environment is not None:
        return refuse(
            "unknown-service", f"`{environment}` is an environment. Write `in {environment}`, as in `{form}`."
        )
    if deploy_id(word) is not None:
        return refuse(
            "unknown-service",
            f"`{word}` is a deploy, and this needs a service: `{form}`. To see the deploy, write "
            f"`/deploy status {word}`; for what happened to it, `/deploy audit {word}`.",
        )
    return None


def _may_be_gone(reader: Reader, word: str, known: tuple[str, ...]) -> bool:
    """Whether to look for a name that the catalog does not have, but may have had before.

    A name that looks like a known word is taken as mistyped, unless it is in quotes.
    """
    return 0 < len(word) <= LONGEST_NAME and (reader.quoted or not near(word, known))


def _day(reader: Reader, word: str) -> date | Refused:
    day = day_named(word, reader.vocabulary.today)
    if day is None:
        return refuse("day-form", f"`{word[:80]}` isn't a day.{near(word, _DAYS)} Write {DAY_FORMS}.")
    return day


def _actor(reader: Reader, form: str) -> Actor | Refused:
    word = reader.next()
    if word is None:
        return refuse("person-form", f"`by` needs a person after it. Write `{form}`.")
    found = _PERSON.fullmatch(word)
    if found:
        return SlackUser(reader.vocabulary.team, found[1])
    actor = actor_of_key(word) if ":" in word and len(word) <= LONGEST_ACTOR else None
    # two people can have the same name: only ids decide
    return actor or refuse(
        "person-form",
        f"`{word[:80]}` doesn't identify one person. Pick the person from the list that Slack offers after `@`, or "
        "write the member ID from their profile (`Copy member ID`): `by U0123456789`.",
    )
