"""The verbs that only look something up, as they are typed.

::

    status [SERVICE|D-n] [in ENV]
    history SERVICE [in ENV]
    audit [today|yesterday|DATE] [SERVICE] [D-n] [in ENV] [by @user]      (in any order)
    digest preview [today|yesterday|DATE]
"""

from __future__ import annotations

import re
from datetime import date
from typing import TYPE_CHECKING, Any, Final

from bot.domain.day import DAY_FORMS, day_named
from bot.domain.decision import Refused, refuse
from bot.operations.queries.audit import is_actor
from handlers.slack.command.ast import Audit, History, Preview, Status
from handlers.slack.command.reader import choose, deploy_id, near, too_much

if TYPE_CHECKING:
    from handlers.slack.command.reader import Reader

HISTORY: Final = "/deploy history SERVICE [in ENV]"
AUDIT: Final = "/deploy audit [today|yesterday|DATE] [SERVICE] [D-n] [in ENV] [by @user]"
PREVIEW: Final = "/deploy digest preview [today|yesterday|DATE]"
LONGEST_NAME: Final = 150
"""Characters of a name that is looked for; a button carries all of them in its 2,000."""
LONGEST_ACTOR: Final = 400

_PERSON = re.compile(r"@?([UW][A-Z0-9]{6,30})")
_DAYS = ("today", "yesterday")
_CLAUSES = ("in", "by")
# whether a word is a date at all does not depend on today; which one it is, the operation says by its own clock
_ANY_DAY = date(2000, 1, 1)


def status(reader: Reader, _: str) -> Status | Refused:
    """``[SERVICE|D-n] [in ENV]``."""
    service = number = environment = None
    known = reader.vocabulary
    while (word := reader.next()) is not None:
        if word.casefold() == "in" and environment is None and (chosen := reader.next()) is not None:
            environment = chosen
            if environment not in known.environments:
                return choose("environment", environment, known.environments)
        elif service is None and number is None and word in known.services:
            service = word
        elif service is None and number is None and (number := deploy_id(word)) is not None:
            continue
        elif service is None and number is None:
            return choose("service", word, known.services)
        else:
            return too_much(word, "status [SERVICE|D-n] [in ENV]")
    return Status(service, number, environment)


def history(reader: Reader, _: str) -> History | Refused:
    """``SERVICE [in ENV]``."""
    found: dict[str, str] = {}
    while (word := reader.next()) is not None:
        clause = "" if reader.quoted else word.casefold()
        read = _environment(reader) if clause == "in" else _service(reader, word, HISTORY)
        if isinstance(read, Refused):
            return read
        if read[0] in found:
            return too_much(word, HISTORY)
        found.update([read])
    if "service" not in found:
        known = ", ".join(reader.vocabulary.services[:30]) or "none yet"
        return refuse("service-missing", f"Say of which service: `{HISTORY}`. Services: {known}.")
    return History(found["service"], found.get("environment"))


def audit(reader: Reader, _: str) -> Audit | Refused:
    """``[today|yesterday|DATE] [SERVICE] [D-n] [in ENV] [by @user]``, in any order."""
    reader = reader.with_people()
    found: dict[str, Any] = {}
    while (word := reader.next()) is not None:
        read = _condition(reader, word)
        if isinstance(read, Refused):
            return read
        if read[0] in found:
            return too_much(word, AUDIT)
        found.update([read])
    return Audit(**found)


def digest(reader: Reader, _: str) -> Preview | Refused:
    """``preview [today|yesterday|DATE]``."""
    word = reader.next()
    if word is None or word.casefold() != "preview":
        wrong = f"I do not understand `{word[:80]}` there.{near(word, ('preview',))} " if word else ""
        return refuse("digest-form", f"{wrong}Write `{PREVIEW}`: it shows the daily digest to you alone.")
    word = reader.next()
    if word is None:
        return Preview()
    day = _day(word)
    if isinstance(day, Refused):
        return day
    more = reader.next()
    return Preview(day) if more is None else too_much(more, PREVIEW)


def _condition(reader: Reader, word: str) -> tuple[str, str | int] | Refused:
    """One condition of ``audit``: the field's name and its value."""
    clause = "" if reader.quoted else word.casefold()
    if clause == "in":
        return _environment(reader)
    if clause == "by":
        return _by(reader)
    if word not in reader.vocabulary.services and (number := deploy_id(clause)) is not None:
        return "deploy", number
    if clause in _DAYS or (clause[:1].isdecimal() and word not in reader.vocabulary.services):
        day = _day(word)
        return day if isinstance(day, Refused) else ("day", day)
    return _service(reader, word, AUDIT, (*_DAYS, *_CLAUSES))


def _environment(reader: Reader) -> tuple[str, str] | Refused:
    known = reader.vocabulary.environments
    word = reader.next()
    if word is None:
        return refuse(
            "environment-missing", f"Say which environment after `in`: {', '.join(known[:30]) or 'none yet'}."
        )
    if word in known or _may_be_gone(reader, word, known):
        return "environment", word
    return choose("environment", word, known)


def _service(reader: Reader, word: str, form: str, words: tuple[str, ...] = ()) -> tuple[str, str] | Refused:
    known = reader.vocabulary.services
    other = None if word in known or reader.quoted else _no_service(reader, word, form)
    if other is not None:
        return other
    if word in known or _may_be_gone(reader, word, (*known, *words)):
        return "service", word
    listed = ", ".join(known[:30]) or "none yet"
    return refuse(
        "unknown-service",
        f"There is no service `{word[:80]}`.{near(word, (*known, *words))} The catalog has {listed}; put one that it "
        f"had before in quotes. The form is `{form}`.",
    )


def _no_service(reader: Reader, word: str, form: str) -> Refused | None:
    """What is certainly meant as something else than a service: where to say that instead."""
    if word in reader.vocabulary.environments:
        return refuse("unknown-service", f"`{word}` is an environment: write `in {word}`. The form is `{form}`.")
    if deploy_id(word) is not None:
        return refuse(
            "unknown-service",
            f"`{word}` is a deploy: `/deploy status {word}` tells of it, `/deploy audit {word}` what happened to it. "
            f"Here a service is named: `{form}`.",
        )
    return None


def _may_be_gone(reader: Reader, word: str, known: tuple[str, ...]) -> bool:
    """Whether a name that the catalog does not have is looked for all the same: what happened outlasts catalogs.

    One that looks like a word that is known is taken for mistyped, unless it stands in quotes.
    """
    return 0 < len(word) <= LONGEST_NAME and (reader.quoted or not near(word, known))


def _day(word: str) -> str | Refused:
    if day_named(word, _ANY_DAY) is None:
        return refuse("day-form", f"`{word[:80]}` is no day.{near(word, _DAYS)} Write {DAY_FORMS}.")
    return word.casefold()


def _by(reader: Reader) -> tuple[str, str] | Refused:
    word = reader.next()
    if word is None:
        return refuse("person-form", f"Say who after `by`: `{AUDIT}`.")
    found = _PERSON.fullmatch(word)
    if found or (":" in word and len(word) <= LONGEST_ACTOR and is_actor(word)):
        return "by", found[1] if found else word
    # which of two people of that name is meant nobody could say: only ids decide
    return refuse(
        "person-form",
        f"`{word[:80]}` does not say for certain who is meant. Choose the person from the list that Slack offers after "
        "`@`, or write the member ID that the profile has under `Copy member ID`: `by U0123456789`.",
    )
