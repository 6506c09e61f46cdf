"""The grammar of ``/deploy``: text to a command's record, or a refusal that says what was meant or what is missing.

::

    SERVICE VERSION [to|in ENV] [with KEY=VALUE ...] [because TEXT]
    promote SERVICE|D-n [to|in ENV] [with KEY=VALUE ...] [because TEXT]
    status [SERVICE|D-n] [in ENV] | plan D-n | approve D-n [TEXT] | retract D-n | reject D-n TEXT | withdraw D-n
    whoami | help [TOPIC]
"""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from bot.domain.decision import Refused, refuse
from handlers.slack.typed import OpenQuote, next_word, plain, undo

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from bot.domain.environment import Value

LATER: Final = frozenset(
    {
        "explain", "rollback", "lock", "unlock", "restart", "scale", "stop", "run", "canary", "break-glass",
        "resolve", "history", "who", "audit", "digest",
    }
)  # fmt: skip
"""Words of the grammar whose verbs are still to come."""

TOPICS: Final = ("request", "promote", "status", "approve", "reject", "withdraw", "retract", "plan", "whoami")
"""What ``help`` can be asked about."""

_DEPLOY = re.compile(r"(?:[dD]-?)?0*([1-9][0-9]{0,17})")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,63}")
# no leading zeros, and small enough for every reader of JSON: anything else stays the text that it is
_INTEGER = re.compile(r"-?(?:0|[1-9][0-9]{0,14})")
_CLAUSES = ("to", "in", "with", "because")
_MOST_SETTINGS = 50


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The names of the catalog, for telling a service from a mistyped verb and for listing choices."""

    services: tuple[str, ...] = ()
    environments: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Request:
    """Ask for a deploy; ``environment`` and ``reason`` are None where they were left out."""

    service: str
    version: str
    environment: str | None = None
    overrides: Mapping[str, Value] = field(default_factory=dict)
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Promote:
    """Ask for the release of a deploy, or for what a service runs, in the next environment."""

    service: str = ""
    deploy_id: int | None = None
    environment: str | None = None
    overrides: Mapping[str, Value] = field(default_factory=dict)
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class _Clauses:
    """What may follow what is asked for."""

    environment: str | None
    overrides: Mapping[str, Value]
    reason: str | None


@dataclass(frozen=True, slots=True)
class Help:
    """Explain the grammar, or one topic of it."""

    topic: str | None = None


@dataclass(frozen=True, slots=True)
class Whoami:
    """Tell the person who they are here."""


@dataclass(frozen=True, slots=True)
class Status:
    """Show what runs where, or one deploy."""

    service: str | None = None
    deploy_id: int | None = None
    environment: str | None = None


@dataclass(frozen=True, slots=True)
class OfDeploy:
    """A verb about one deploy (``plan``, ``approve``, ``retract``, ``reject``, ``withdraw``) and what follows it."""

    verb: str
    deploy_id: int
    text: str = ""


Command = Request | Promote | Help | Whoami | Status | OfDeploy


def parse(text: str, vocabulary: Vocabulary) -> Command | Refused:
    """The command that a text means; never raises."""
    try:
        return _Reader(undo(text), vocabulary).command()
    except OpenQuote as quote:
        return refuse("quote-open", f"A quotation is not closed: {quote} … Add the closing quote.")


def deploy_id(word: str) -> int | None:
    """The number that ``D-12``, ``d12`` or ``12`` names; None for anything else."""
    found = _DEPLOY.fullmatch(plain(word))
    return int(found[1]) if found else None


class _Reader:
    """Reads one command from left to right."""

    def __init__(self, text: str, vocabulary: Vocabulary) -> None:
        self._text = text
        self._at = 0
        self._vocabulary = vocabulary
        self._quoted = False

    def _next(self) -> str | None:
        word = next_word(self._text, self._at)
        if word is None:
            return None
        self._at, self._quoted = word.end, word.quoted
        return word.text

    def _rest(self) -> str:
        """Everything that is left, as it was typed."""
        rest, self._at = self._text[self._at :].strip(), len(self._text)
        return rest

    def command(self) -> Command | Refused:
        first = self._next()
        if first is None:
            return self._missing_service()
        verb = first.casefold()
        # the catalog refuses a service named like a verb, so nothing is hidden by looking for services first
        if self._quoted or first in self._vocabulary.services:
            return self._request(first)
        if verb in VERBS:
            return VERBS[verb](self, verb)
        if verb in LATER:
            return refuse("not-yet", f"`{verb}` is not there yet. What is: {', '.join(sorted(VERBS))}, and requests.")
        mistyped = difflib.get_close_matches(verb[:80], (*VERBS, *self._vocabulary.services), n=1)
        is_last = next_word(self._text, self._at) is None
        # an unknown service with a version is a request: the rules refuse it, and the refusal is recorded
        return self._unknown(first) if is_last or (mistyped and mistyped[0] in VERBS) else self._request(first)

    def _missing_service(self) -> Refused:
        known = ", ".join(self._vocabulary.services[:30]) or "none yet"
        return refuse(
            "service-missing",
            f"Say what to deploy: `/deploy SERVICE VERSION to ENV`. Services: {known}. See also `/deploy help`.",
        )

    def _unknown(self, word: str) -> Refused:
        near = _near(word, (*VERBS, *LATER, *self._vocabulary.services))
        known = ", ".join(self._vocabulary.services[:30]) or "none yet"
        return refuse(
            "unknown-word",
            f"I do not know `{word[:80]}`.{near} Services: {known}. "
            "Write `/deploy SERVICE VERSION to ENV`, `/deploy status` or `/deploy help`.",
        )

    # --- asking for a deploy ---

    def _request(self, service: str) -> Request | Refused:
        version = self._next()
        environments = ", ".join(self._vocabulary.environments[:30])
        if version is None or (version.casefold() in _CLAUSES and not self._quoted):
            form = f"`/deploy {service[:80]} VERSION to ENV`"
            return refuse("version-missing", f"Say which version: {form}. Environments: {environments or 'none yet'}.")
        asked = self._clauses()
        if isinstance(asked, Refused):
            return asked
        return Request(service, version, asked.environment, asked.overrides, asked.reason)

    def _clauses(self) -> _Clauses | Refused:
        """Read the rest: where to, what to set, and why."""
        environments = ", ".join(self._vocabulary.environments[:30])
        environment: str | None = None
        overrides: dict[str, Value] = {}
        reason: str | None = None
        while (word := self._next()) is not None:
            clause = word.casefold()
            if clause in {"to", "in"}:
                chosen = self._next()
                if chosen is None:
                    return refuse("environment-missing", f"Say where after `{clause}`: {environments or 'none yet'}.")
                if environment not in {None, chosen}:
                    return refuse("environment-twice", f"`{environment}` and `{chosen[:80]}`: a deploy goes to one.")
                environment = chosen
            elif clause == "with":
                problem = self._settings(overrides)
                if problem:
                    return problem
            elif clause == "because":
                # the rest is somebody's sentence: it is kept as it was typed, dashes, quotes and all
                reason = self._rest() or None
            else:
                return self._unexpected(word)
        return _Clauses(environment, overrides, reason)

    def _settings(self, into: dict[str, Value]) -> Refused | None:
        """Read ``KEY=VALUE`` words until something else comes."""
        before, count = self._at, len(into)
        while (word := self._next()) is not None:
            name, equals, value = word.partition("=")
            if not equals:
                # the word belongs to the next clause
                self._at = before
                break
            if not _NAME.fullmatch(name) or len(into) >= _MOST_SETTINGS:
                return refuse("setting-form", f"`{word[:80]}` is no setting: write `with NAME=VALUE`.")
            if name in into:
                return refuse("setting-twice", f"`{name}` is set twice; say it once.")
            into[name] = value_of(value)
            before = self._at
        if len(into) == count:
            return refuse("setting-form", "After `with` comes what to set: `with NAME=VALUE`.")
        return None

    def _unexpected(self, word: str) -> Refused:
        hint = " Settings come after `with`." if "=" in word else _near(word, _CLAUSES)
        if word.casefold() == "at":
            return refuse("not-yet", "A time to start (`at WHEN`) is not there yet.")
        return refuse(
            "unexpected-word",
            f"I do not understand `{word[:80]}` there.{hint} "
            "The form is `SERVICE VERSION to ENV with NAME=VALUE because TEXT`.",
        )

    # --- the verbs ---

    def help(self, _: str) -> Help | Refused:
        topic = self._next()
        if topic is None:
            return Help()
        known = topic.casefold()
        if known in TOPICS:
            return Help(known)
        near = _near(topic, TOPICS)
        return refuse("help-topic", f"There is no help on `{topic[:80]}`.{near} Topics: {', '.join(TOPICS)}.")

    def whoami(self, _: str) -> Whoami | Refused:
        word = self._next()
        return Whoami() if word is None else self._too_much(word, "whoami")

    def status(self, _: str) -> Status | Refused:
        service = number = environment = None
        while (word := self._next()) is not None:
            if word.casefold() == "in" and environment is None and (chosen := self._next()) is not None:
                environment = chosen
                if environment not in self._vocabulary.environments:
                    return _choose("environment", environment, self._vocabulary.environments)
            elif service is None and number is None and word in self._vocabulary.services:
                service = word
            elif service is None and number is None and (number := deploy_id(word)) is not None:
                continue
            elif service is None and number is None:
                return _choose("service", word, self._vocabulary.services)
            else:
                return self._too_much(word, "status [SERVICE|D-n] [in ENV]")
        return Status(service, number, environment)

    def promote(self, _: str) -> Promote | Refused:
        word = self._next()
        if word is None:
            form = "`/deploy promote SERVICE|D-n [to ENV]`"
            return refuse("deploy-missing", f"Say what to promote: {form}.")
        service = word if word in self._vocabulary.services else ""
        number = None if service else deploy_id(word)
        if not service and number is None:
            return _choose("service", word, self._vocabulary.services)
        asked = self._clauses()
        if isinstance(asked, Refused):
            return asked
        return Promote(service, number, asked.environment, asked.overrides, asked.reason)

    def of_deploy(self, verb: str) -> OfDeploy | Refused:
        word = self._next()
        form = f"/deploy {verb} D-n" + {"approve": " [TEXT]", "reject": " TEXT"}.get(verb, "")
        if word is None:
            return refuse("deploy-missing", f"Say which deploy: `{form}`.")
        number = deploy_id(word)
        if number is None:
            return refuse("deploy-form", f"`{word[:80]}` is no deploy's number: write `{form}`, for example `D-12`.")
        text = self._rest()
        if verb == "reject" and not text:
            return refuse("reject-reason", f"Say why: `/deploy reject D-{number} TEXT`.")
        if verb not in {"approve", "reject"} and text:
            return self._too_much(text, form)
        return OfDeploy(verb, number, text)

    @staticmethod
    def _too_much(word: str, form: str) -> Refused:
        return refuse("unexpected-word", f"I do not understand `{word[:80]}` there. The form is `{form}`.")


VERBS: Final[Mapping[str, Callable[[_Reader, str], Command | Refused]]] = {
    "help": _Reader.help,
    "whoami": _Reader.whoami,
    "status": _Reader.status,
    "promote": _Reader.promote,
    **dict.fromkeys(("plan", "approve", "retract", "reject", "withdraw"), _Reader.of_deploy),
}
"""The verbs that are there."""


def value_of(text: str) -> Value:
    """A setting's value: whole numbers and truth values as such, quoted ones and everything else as text."""
    if text.startswith('"'):
        return text[1:]
    if text.casefold() in {"true", "false"}:
        return text.casefold() == "true"
    return int(text) if _INTEGER.fullmatch(text) else text


def _near(word: str, known: Iterable[str]) -> str:
    found = difflib.get_close_matches(word[:80].casefold(), list(known), n=1)
    return f" Did you mean `{found[0]}`?" if found else ""


def _choose(what: str, word: str, known: tuple[str, ...]) -> Refused:
    listed = ", ".join(known[:30]) or "none yet"
    return refuse(f"unknown-{what}", f"There is no {what} `{word[:80]}`.{_near(word, known)} The catalog has {listed}.")
