"""The grammar of ``/deploy``: text to a command's record, or a refusal that says what was meant or what is missing.

::

    SERVICE VERSION [to|in ENV] [with KEY=VALUE ...] [because TEXT]
    promote SERVICE|D-n [to|in ENV] [with KEY=VALUE ...] [because TEXT]
    plan D-n | approve D-n [TEXT] | retract D-n | reject D-n TEXT | withdraw D-n
    whoami | help [TOPIC]

and what only looks something up: ``handlers.slack.command.lookups``.
"""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from bot.domain.decision import Refused, refuse
from handlers.slack.command import lookups
from handlers.slack.command.ast import Help, OfDeploy, Promote, Request, Whoami
from handlers.slack.command.lexer import OpenQuote
from handlers.slack.command.reader import Reader, choose, deploy_id, near, too_much

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from bot.domain.catalog.environment import Value
    from handlers.slack.command.ast import Command
    from handlers.slack.command.reader import Vocabulary

LATER: Final = frozenset(
    {
        "explain", "rollback", "lock", "unlock", "restart", "scale", "stop", "run", "canary", "break-glass",
        "resolve", "who",
    }
)  # fmt: skip
"""Words of the grammar whose verbs are still to come."""

TOPICS: Final = (
    "request", "promote", "status", "approve", "reject", "withdraw", "retract", "plan", "history", "audit", "digest",
    "whoami",
)  # fmt: skip
"""What ``help`` can be asked about."""

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,63}")
# no leading zeros, and small enough for every reader of JSON: anything else stays the text that it is
_INTEGER = re.compile(r"-?(?:0|[1-9][0-9]{0,14})")
_CLAUSES = ("to", "in", "with", "because")
_MOST_SETTINGS = 50


@dataclass(frozen=True, slots=True)
class _Clauses:
    """What may follow what is asked for."""

    environment: str | None
    overrides: Mapping[str, Value]
    reason: str | None


def parse(text: str, vocabulary: Vocabulary) -> Command | Refused:
    """The command that a text means; never raises."""
    try:
        return _command(Reader(text, vocabulary))
    except OpenQuote as quote:
        return refuse("quote-open", f"A quotation is not closed: {quote} … Add the closing quote.")


def _command(reader: Reader) -> Command | Refused:
    first = reader.next()
    services = reader.vocabulary.services
    if first is None:
        return _missing_service(reader)
    verb = first.casefold()
    # the catalog refuses a service named like a verb, so nothing is hidden by looking for services first
    if reader.quoted or first in services:
        return _request(reader, first)
    if verb in VERBS:
        return VERBS[verb](reader, verb)
    if verb in LATER:
        return refuse("not-yet", f"`{verb}` is not there yet. What is: {', '.join(sorted(VERBS))}, and requests.")
    mistyped = difflib.get_close_matches(verb[:80], (*VERBS, *services), n=1)
    # an unknown service with a version is a request: the rules refuse it, and the refusal is recorded
    if reader.peek() is None or (mistyped and mistyped[0] in VERBS):
        return _unknown(reader, first)
    return _request(reader, first)


def _missing_service(reader: Reader) -> Refused:
    known = ", ".join(reader.vocabulary.services[:30]) or "none yet"
    return refuse(
        "service-missing",
        f"Say what to deploy: `/deploy SERVICE VERSION to ENV`. Services: {known}. See also `/deploy help`.",
    )


def _unknown(reader: Reader, word: str) -> Refused:
    suggestion = near(word, (*VERBS, *LATER, *reader.vocabulary.services))
    known = ", ".join(reader.vocabulary.services[:30]) or "none yet"
    return refuse(
        "unknown-word",
        f"I do not know `{word[:80]}`.{suggestion} Services: {known}. "
        "Write `/deploy SERVICE VERSION to ENV`, `/deploy status` or `/deploy help`.",
    )


# --- asking for a deploy ---


def _request(reader: Reader, service: str) -> Request | Refused:
    version = reader.next()
    environments = ", ".join(reader.vocabulary.environments[:30])
    if version is None or (version.casefold() in _CLAUSES and not reader.quoted):
        form = f"`/deploy {service[:80]} VERSION to ENV`"
        return refuse("version-missing", f"Say which version: {form}. Environments: {environments or 'none yet'}.")
    asked = _clauses(reader)
    if isinstance(asked, Refused):
        return asked
    return Request(service, version, asked.environment, asked.overrides, asked.reason)


def _clauses(reader: Reader) -> _Clauses | Refused:
    """Read the rest: where to, what to set, and why."""
    environments = ", ".join(reader.vocabulary.environments[:30])
    environment: str | None = None
    overrides: dict[str, Value] = {}
    reason: str | None = None
    while (word := reader.next()) is not None:
        clause = word.casefold()
        if clause in {"to", "in"}:
            chosen = reader.next()
            if chosen is None:
                return refuse("environment-missing", f"Say where after `{clause}`: {environments or 'none yet'}.")
            if environment not in {None, chosen}:
                return refuse("environment-twice", f"`{environment}` and `{chosen[:80]}`: a deploy goes to one.")
            environment = chosen
        elif clause == "with":
            problem = _settings(reader, overrides)
            if problem:
                return problem
        elif clause == "because":
            # the rest is somebody's sentence: it is kept as it was typed, dashes, quotes and all
            reason = reader.rest() or None
        else:
            return _unexpected(word)
    return _Clauses(environment, overrides, reason)


def _settings(reader: Reader, into: dict[str, Value]) -> Refused | None:
    """Read ``KEY=VALUE`` words until something else comes, which belongs to the next clause."""
    count = len(into)
    while (word := reader.peek()) is not None and "=" in word:
        reader.next()
        name, _, value = word.partition("=")
        if not _NAME.fullmatch(name) or len(into) >= _MOST_SETTINGS:
            return refuse("setting-form", f"`{word[:80]}` is no setting: write `with NAME=VALUE`.")
        if name in into:
            return refuse("setting-twice", f"`{name}` is set twice; say it once.")
        into[name] = value_of(value)
    if len(into) == count:
        return refuse("setting-form", "After `with` comes what to set: `with NAME=VALUE`.")
    return None


def _unexpected(word: str) -> Refused:
    hint = " Settings come after `with`." if "=" in word else near(word, _CLAUSES)
    if word.casefold() == "at":
        return refuse("not-yet", "A time to start (`at WHEN`) is not there yet.")
    return refuse(
        "unexpected-word",
        f"I do not understand `{word[:80]}` there.{hint} "
        "The form is `SERVICE VERSION to ENV with NAME=VALUE because TEXT`.",
    )


# --- the verbs ---


def _help(reader: Reader, _: str) -> Help | Refused:
    topic = reader.next()
    if topic is None:
        return Help()
    known = topic.casefold()
    if known in TOPICS:
        return Help(known)
    return refuse(
        "help-topic", f"There is no help on `{topic[:80]}`.{near(topic, TOPICS)} Topics: {', '.join(TOPICS)}."
    )


def _whoami(reader: Reader, _: str) -> Whoami | Refused:
    word = reader.next()
    return Whoami() if word is None else too_much(word, "whoami")


def _promote(reader: Reader, _: str) -> Promote | Refused:
    word = reader.next()
    if word is None:
        form = "`/deploy promote SERVICE|D-n [to ENV]`"
        return refuse("deploy-missing", f"Say what to promote: {form}.")
    service = word if word in reader.vocabulary.services else ""
    number = None if service else deploy_id(word)
    if not service and number is None:
        return choose("service", word, reader.vocabulary.services)
    asked = _clauses(reader)
    if isinstance(asked, Refused):
        return asked
    return Promote(service, number, asked.environment, asked.overrides, asked.reason)


def _of_deploy(reader: Reader, verb: str) -> OfDeploy | Refused:
    word = reader.next()
    form = f"/deploy {verb} D-n" + {"approve": " [TEXT]", "reject": " TEXT"}.get(verb, "")
    if word is None:
        return refuse("deploy-missing", f"Say which deploy: `{form}`.")
    number = deploy_id(word)
    if number is None:
        return refuse("deploy-form", f"`{word[:80]}` is no deploy's number: write `{form}`, for example `D-12`.")
    text = reader.rest()
    if verb == "reject" and not text:
        return refuse("reject-reason", f"Say why: `/deploy reject D-{number} TEXT`.")
    if verb not in {"approve", "reject"} and text:
        return too_much(text, form)
    return OfDeploy(verb, number, text)


VERBS: Final[Mapping[str, Callable[[Reader, str], Command | Refused]]] = {
    "help": _help,
    "whoami": _whoami,
    "promote": _promote,
    **dict.fromkeys(("plan", "approve", "retract", "reject", "withdraw"), _of_deploy),
    "status": lookups.status,
    "history": lookups.history,
    "audit": lookups.audit,
    "digest": lookups.digest,
}
"""The verbs that are there."""


def value_of(text: str) -> Value:
    """A setting's value: whole numbers and truth values as such, quoted ones and everything else as text."""
    if text.startswith('"'):
        return text[1:]
    if text.casefold() in {"true", "false"}:
        return text.casefold() == "true"
    return int(text) if _INTEGER.fullmatch(text) else text
