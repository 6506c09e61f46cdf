"""The table of verbs of ``/deploy``, one entry each: form, help, grammar, handler and permission.

The parser, ``/deploy help``, *Did you mean ...?* and the list of what isn't available yet all read it. An entry with a
handler is beside that, in ``deploys``, ``locks`` or ``lookups``; an entry without one is here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

from bot.domain.decision import Refused, refuse
from bot.gateways.blocks import guide
from handlers.slack.command import parser as grammar
from handlers.slack.command.ast import Later, Verb
from handlers.slack.command.lexer import Vocabulary
from handlers.slack.respond import refusal
from handlers.slack.verbs import deploys, locks, lookups

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bot.gateways.blocks.parts import Message
    from bot.ports.store import ActiveCatalog
    from handlers.slack.command.ast import Help
    from handlers.slack.desk import Call


async def answer(call: Call) -> Message | None:
    """The answer to a command's author; None if it comes later. Raises what the operation raises, also ``Replayed``."""
    ports = call.desk.ports
    # the catalog's names tell a service from a mistyped verb
    async with ports.store.read() as reading:
        active = await reading.active_catalog()
    catalog = active.catalog
    zone = ZoneInfo(catalog.timezone)
    vocabulary = Vocabulary(
        tuple(catalog.services),
        tuple(catalog.environments),
        team=call.sender.team,
        zone=zone,
        today=ports.clock.now().astimezone(zone).date(),
    )
    text = call.payload.get("text")
    command = grammar.parse(text if isinstance(text, str) else "", vocabulary, VERBS)
    if isinstance(command, Refused):
        return refusal(await deploys.with_choices(call, command))
    return await AVAILABLE[command.verb].answer(call, command.asked, active)


async def _help(call: Call, asked: Help, __: ActiveCatalog) -> Message:
    if asked.topic is None:
        commands = [(verb.form, verb.summary) for verb in AVAILABLE.values()]
        return guide.overview(commands, sorted(LATER), await deploys.promotable_now(call))
    topic = asked.topic.casefold()
    if topic in LATER:
        return refusal(refuse("not-yet", f"`{topic}` isn't available yet. {LATER[topic].instead}"))
    verb = AVAILABLE.get(topic)
    if verb is None:
        hint = f"{grammar.near(topic, AVAILABLE)} Topics: {', '.join(AVAILABLE)}."
        return refusal(refuse("help-topic", f"There is no help on `{topic[:80]}`.{hint}"))
    return guide.topic(verb.form, verb.details, verb.permission)


VERBS: Final[Mapping[str, Verb | Later]] = {
    **deploys.VERBS,
    **locks.VERBS,
    **lookups.VERBS,
    "help": Verb(
        form="/deploy help [TOPIC]",
        summary="this list, or more about one command: `/deploy help request`, `/deploy help approve`, …",
        details=("For example `/deploy help request`, or `/deploy help approve`.",),
        parse=grammar.help_topic,
        answer=_help,
    ),
    "break-glass": Later("No deploy can skip its approvals. To see who can approve: `/deploy status D-n`."),
    "canary": Later("To promote canaries: `nomad deployment promote ID`. To stop them: `nomad deployment fail ID`."),
    "explain": Later("To see what a deploy waits for: `/deploy status D-n`."),
    "restart": Later("To restart a job: `nomad job restart JOB`."),
    "run": Later("To run a parameterized job: `nomad job dispatch JOB`."),
    "scale": Later("If the catalog lets requests set the count: `/deploy SERVICE VERSION to ENV with count=N`."),
    "stop": Later("To stop a job: `nomad job stop JOB`."),
    "who": Later("To see who can approve a deploy: `/deploy status D-n`. For yourself: `/deploy whoami`."),
}
"""Every verb, in the order of the help. Those without a handler are reserved: no service can have their names."""

AVAILABLE: Final = {name: verb for name, verb in VERBS.items() if isinstance(verb, Verb)}
LATER: Final = {name: verb for name, verb in VERBS.items() if isinstance(verb, Later)}
WORDS: Final = frozenset(VERBS) - {grammar.REQUEST}
"""The verbs that a command can begin with."""
