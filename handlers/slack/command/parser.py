"""The grammar of ``/deploy``: from a text to a command, or to a refusal that says what is missing and what to type.

::

    SERVICE VERSION [to|in ENV] [with KEY=VALUE ...] [because TEXT]
    VERB ...        (a function here or in ``lookups`` reads what follows; ``handlers.slack.verbs.table`` says which)
"""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from bot.domain.decision import Refused, refuse
from bot.domain.deploy.deploy import BASELINE
from bot.domain.deploy.dispatch import resolution_from
from bot.domain.deploy.gates import Ask
from bot.domain.names import did_you_mean, named
from bot.domain.rollback import Rollback
from bot.operations.deploys.promote import Promotion
from bot.operations.deploys.resolve import Resolve
from handlers.slack.command.ast import Command, Help, Later, OfDeploy, Whoami
from handlers.slack.command.lexer import OpenQuote, Reader, deploy_id, plan_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from bot.domain.catalog.environment import Value
    from handlers.slack.command.ast import Verb
    from handlers.slack.command.lexer import Vocabulary

REQUEST: Final = "request"
"""The verb of a command that begins with a service, not with a word of its own."""

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,63}")
# no leading zeros, and small enough for every reader of JSON: any other number stays text
_INTEGER = re.compile(r"-?(?:0|[1-9][0-9]{0,14})")
_CLAUSES = ("to", "in", "with", "because")
_MOST_NAMES = 30


@dataclass(frozen=True, slots=True)
class _Clauses:
    """The optional end of a request or a promotion."""

    environment: str | None
    overrides: Mapping[str, Value]
    reason: str | None


def parse(text: str, vocabulary: Vocabulary, verbs: Mapping[str, Verb | Later]) -> Command | Refused:
    """The command that a text means; never raises."""
    try:
        return _command(text, vocabulary, verbs)
    except OpenQuote as quote:
        return refuse("quote-open", f"This quote is never closed: {quote} … Add the closing quote.")


def _command(text: str, vocabulary: Vocabulary, verbs: Mapping[str, Verb | Later]) -> Command | Refused:
    reader = Reader(text, vocabulary)
    first = reader.next()
    if first is None:
        services = listed(vocabulary.services)
        hint = "Write `/deploy SERVICE VERSION to ENV`, or `/deploy help` for all commands."
        return refuse("service-missing", f"The command is empty. {hint} Services: {services}.")
    # the catalog refuses a service named like a verb, so no verb is hidden by looking for services first
    is_service = reader.quoted or first in vocabulary.services
    name = REQUEST if is_service else _verb_name(reader, first, [verb for verb in verbs if verb != REQUEST])
    if isinstance(name, Refused):
        return name
    verb = verbs[name]
    if isinstance(verb, Later):
        return refuse("not-yet", f"`{name}` isn't available yet. {verb.instead}")
    asked = verb.parse(Reader(text, vocabulary) if name == REQUEST else reader, verb.form)
    return asked if isinstance(asked, Refused) else Command(name, asked)


def _verb_name(reader: Reader, first: str, words: list[str]) -> str | Refused:
    """The verb that the first word names, or ``REQUEST`` if it looks like a service that the catalog does not have."""
    services = reader.vocabulary.services
    name = first.casefold()
    if name in words:
        return name
    if named(first, services) is not None:
        return REQUEST
    if name in {REQUEST, "deploy"}:
        hint = "A request begins with the service: `/deploy SERVICE VERSION to ENV`."
        return refuse("unknown-word", f"Leave out `{first}`. {hint} Services: {listed(services)}.")
    mistyped = difflib.get_close_matches(name[:80], (*words, *services), n=1)
    # an unknown service with a version is a request: the rules refuse it, and the refusal is recorded
    if reader.peek() is not None and not (mistyped and mistyped[0] in words):
        return REQUEST
    return refuse(
        "unknown-word",
        f"`{first[:80]}` isn't a command or a service.{near(first, (*words, *services))} Services: {listed(services)}. "
        "For all commands: `/deploy help`.",
    )


# --- requests ---


def request(reader: Reader, form: str) -> Ask | Refused:
    """``SERVICE VERSION`` and the optional clauses."""
    service = reader.service(reader.next() or "")
    version = reader.next()
    if version is None or (version.casefold() in _CLAUSES and not reader.quoted):
        environments = listed(reader.vocabulary.environments)
        example = f"/deploy {service[:80]} VERSION to ENV"
        return refuse("version-missing", f"The version is missing. Write `{example}`. Environments: {environments}.")
    clauses = _clauses(reader, form)
    if isinstance(clauses, Refused):
        return clauses
    return Ask(
        service=service,
        version=version,
        environment=clauses.environment,
        overrides=clauses.overrides,
        reason=clauses.reason,
    )


def promote(reader: Reader, form: str) -> Promotion | Refused:
    """``SERVICE|D-n`` and the optional clauses."""
    services = reader.vocabulary.services
    word = reader.next()
    if word is None:
        return refuse("promotion-missing", f"What should be promoted? Write `{form}`.")
    service = named(word, services) or ""
    number = None if service else deploy_id(word)
    if not service and number is None:
        return no_such("service", word, services)
    clauses = _clauses(reader, form)
    if isinstance(clauses, Refused):
        return clauses
    return Promotion(
        deploy_id=number,
        service=service,
        environment=clauses.environment,
        overrides=clauses.overrides,
        reason=clauses.reason,
    )


def rollback(reader: Reader, form: str) -> Rollback | Refused:
    """``SERVICE [in ENV] [to D-n|baseline] because TEXT``."""
    word = reader.next()
    if word is None:
        return refuse("rollback-form", f"What should be rolled back? Write `{form}`.")
    found: dict[str, str] = {}
    reason = ""
    while (clause := reader.next()) is not None:
        name = clause.casefold()
        if name == "because":
            reason = reader.rest()
        elif name not in {"in", "to"}:
            return _unexpected(clause, form)
        elif name in found:
            return refuse("rollback-form", f"`{name}` is there twice. Write `{form}`.")
        else:
            value = reader.next()
            if value is None:
                return refuse("rollback-form", f"`{name}` needs a name after it. Write `{form}`.")
            found[name] = value
    to = _rollback_target(found.get("to"))
    if to == "":
        hint = f"`{found['to'][:80]}` isn't a deploy number such as `D-12`, or `{BASELINE}`."
        return refuse("rollback-form", f"{hint} Write `{form}`.")
    environment = found.get("in")
    return Rollback(
        service=reader.service(word),
        environment=environment and reader.environment(environment),
        reason=reason,
        to=to,
    )


def _rollback_target(word: str | None) -> int | str | None:
    """The number, ``BASELINE`` or None; empty if it is neither."""
    if word is None or word.casefold() == BASELINE:
        return word and BASELINE
    return deploy_id(word) or ""


def _clauses(reader: Reader, form: str) -> _Clauses | Refused:
    """Where to, what to set, and why, in any order; the reason takes the rest."""
    environment: str | None = None
    overrides: dict[str, Value] = {}
    reason: str | None = None
    while (word := reader.next()) is not None:
        clause = word.casefold()
        if clause in {"to", "in"}:
            chosen = reader.next()
            if chosen is None:
                return no_environment(clause, reader.vocabulary)
            chosen = reader.environment(chosen)
            if environment not in {None, chosen}:
                return refuse(
                    "environment-twice",
                    f"`{environment}` and `{chosen[:80]}`: a deploy goes to one environment. Request each separately.",
                )
            environment = chosen
        elif clause == "with":
            problem = _settings(reader, overrides)
            if problem:
                return problem
        elif clause == "because":
            # the rest is somebody's sentence: it is kept exactly as typed, dashes, quotes and all
            reason = reader.rest() or None
        else:
            return _unexpected(word, form)
    return _Clauses(environment, overrides, reason)


def _settings(reader: Reader, into: dict[str, Value]) -> Refused | None:
    """Read ``NAME=VALUE`` words up to the next clause."""
    count = len(into)
    while (word := reader.peek()) is not None and "=" in word:
        reader.next()
        name, _, value = word.partition("=")
        if not _NAME.fullmatch(name):
            # the name alone: the value may be a secret
            return refuse(
                "setting-form", f"`{name[:80]}` isn't a setting. Write `with NAME=VALUE`, for example `with count=3`."
            )
        if name in into:
            return refuse("setting-twice", f"`{name}` is set twice. Set it once.")
        into[name] = value_of(value)
    if len(into) == count:
        return refuse("setting-form", "`with` needs a setting. Write `with NAME=VALUE`, for example `with count=3`.")
    return None


def _unexpected(word: str, form: str) -> Refused:
    if word.casefold() == "at":
        return refuse("not-yet", "`at WHEN` isn't available yet. Leave it out: a deploy starts as soon as it may.")
    hint = " Settings come after `with`." if "=" in word else near(word, _CLAUSES)
    return refuse("unexpected-word", f"`{word[:80]}` doesn't belong there.{hint} Write `{form}`.")


def value_of(text: str) -> Value:
    """A setting's value: whole numbers and ``true``/``false`` as such; anything else, also if quoted, as text.

    The type that the template declares has the last word: ``bot.domain.settings`` converts.
    """
    if text.startswith('"'):
        return text[1:]
    # `True` stays text, because as text it would be written otherwise
    if text in {"true", "false"}:
        return text == "true"
    return int(text) if _INTEGER.fullmatch(text) else text


# --- verbs about one deploy ---


def deploy_alone(reader: Reader, form: str) -> OfDeploy | Refused:
    """``D-n`` and nothing more."""
    word = reader.next()
    found = _deploy(word, form)
    more = reader.rest()
    return too_much(more, form) if isinstance(found, OfDeploy) and more else found


def deploy_with_note(reader: Reader, form: str) -> OfDeploy | Refused:
    """``D-n [TEXT]``, or ``D-n:PLAN [TEXT]``."""
    word = reader.next()
    named_plan = plan_of(word) if word else None
    if named_plan:
        return OfDeploy(named_plan[0], reader.rest(), named_plan[1])
    found = _deploy(word, form)
    return replace(found, text=reader.rest()) if isinstance(found, OfDeploy) else found


def _deploy(word: str | None, form: str) -> OfDeploy | Refused:
    if word is None:
        return refuse("deploy-missing", f"Which deploy? Write `{form}`.")
    number = deploy_id(word)
    if number is None:
        return refuse("deploy-form", f"`{word[:80]}` isn't a deploy number such as `D-12`. Write `{form}`.")
    return OfDeploy(number)


def deploy_with_reason(reader: Reader, form: str) -> OfDeploy | Refused:
    """``D-n TEXT`` or ``D-n:PLAN TEXT``, where the text is required."""
    found = deploy_with_note(reader, form)
    if isinstance(found, OfDeploy) and not found.text:
        return refuse("reject-reason", f"The reason is missing. Write `{form.replace('D-n', f'D-{found.deploy_id}')}`.")
    return found


def resolve(reader: Reader, form: str) -> Resolve | Refused:
    """``D-n landed VERSION|not-landed|succeeded|failed because TEXT``."""
    found = _deploy(reader.next(), form)
    if isinstance(found, Refused):
        return found
    said = (reader.next() or "").casefold()
    version = f" {reader.next() or ''}" if said == "landed" else ""
    resolution = resolution_from(f"{said}{version}")
    if resolution is None:
        return refuse("resolution-form", f"What became of D-{found.deploy_id}? Write `{form}`.")
    if (reader.next() or "").casefold() != "because" or not (reason := reader.rest()):
        return refuse("resolve-reason", f"The reason is missing. Write `{form}`.")
    return Resolve(found.deploy_id, resolution, reason)


# --- verbs about nothing else ---


def help_topic(reader: Reader, _: str) -> Help:
    """``[TOPIC]``: any word; ``help`` itself says which topics there are."""
    return Help(reader.next())


def whoami(reader: Reader, form: str) -> Whoami | Refused:
    """Nothing may follow."""
    word = reader.next()
    return Whoami() if word is None else too_much(word, form)


# --- what refusals share ---


def near(word: str, known: Iterable[str]) -> str:
    """``Did you mean ...?`` with the known words that are nearest to this one, after a space; empty if none is."""
    hint = did_you_mean(word, known)
    return f" {hint}" if hint else ""


def listed(names: tuple[str, ...]) -> str:
    """The first names of a list in a sentence."""
    return ", ".join(names[:_MOST_NAMES]) or "none yet"


def no_such(what: str, word: str, known: tuple[str, ...]) -> Refused:
    """The refusal of a service or an environment that the catalog does not have."""
    hint = f"{near(word, known)} {what.capitalize()}s: {listed(known)}."
    return refuse(f"unknown-{what}", f"There is no {what} `{word[:80]}`.{hint}")


def no_environment(clause: str, vocabulary: Vocabulary) -> Refused:
    """The refusal of ``to`` or ``in`` with nothing after it."""
    return refuse(
        "environment-missing", f"`{clause}` needs an environment after it: {listed(vocabulary.environments)}."
    )


def too_much(word: str, form: str) -> Refused:
    """The refusal of a word too many."""
    return refuse("unexpected-word", f"`{word[:80]}` doesn't belong there. Write `{form}`.")
