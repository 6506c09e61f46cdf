"""The verbs of ``/deploy``, one entry each: form, help, grammar, handler and permission.

The parser, ``/deploy help``, *Did you mean ...?* and the list of what isn't available yet all read this table.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

from bot.domain.access import Permission
from bot.domain.decision import Refused, refuse
from bot.gateways.blocks import guide
from handlers.slack.command import lookups as look_up
from handlers.slack.command import parser as grammar
from handlers.slack.command.ast import Later, Verb
from handlers.slack.command.lexer import Vocabulary
from handlers.slack.respond import refusal
from handlers.slack.verbs import deploys, lookups

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bot.domain.catalog.catalog import Catalog
    from bot.gateways.blocks.parts import Message
    from handlers.slack.command.ast import Help
    from handlers.slack.desk import Call


async def answer(call: Call) -> Message | None:
    """The answer to a command's author; None if it comes later. Raises what the operation raises, also ``Replayed``."""
    ports = call.desk.ports
    # the catalog's names tell a service from a mistyped verb
    async with ports.store.read() as reading:
        catalog = (await reading.active_catalog()).catalog
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
        return refusal(await deploys.with_open_deploys(call, command))
    return await AVAILABLE[command.verb].answer(call, command.asked, catalog)


async def _help(_: Call, asked: Help, __: Catalog) -> Message:
    if asked.topic is None:
        return guide.overview([(verb.form, verb.summary) for verb in AVAILABLE.values()], sorted(LATER))
    topic = asked.topic.casefold()
    if topic in LATER:
        return refusal(refuse("not-yet", f"`{topic}` isn't available yet. {LATER[topic].instead}"))
    verb = AVAILABLE.get(topic)
    if verb is None:
        hint = f"{grammar.near(topic, AVAILABLE)} Topics: {', '.join(AVAILABLE)}."
        return refusal(refuse("help-topic", f"There is no help on `{topic[:80]}`.{hint}"))
    return guide.topic(verb.form, verb.details, verb.permission)


VERBS: Final[Mapping[str, Verb | Later]] = {
    grammar.REQUEST: Verb(
        form="/deploy SERVICE VERSION [to ENV] [with NAME=VALUE ...] [because TEXT]",
        summary="request a deploy",
        details=(
            "For example `/deploy checkout v1.4.2 to production because SHOP-981`.",
            (
                "You can leave out `to ENV` if the service has only one environment. `with count=3` changes a setting "
                "that the catalog lets requests set; put a value with spaces in quotes. Everything after `because` is "
                "the reason."
            ),
            (
                "The request is recorded at once and gets a number (`D-12`). Its plan follows as one message in the "
                "channel. If you repeat a request while it is open, you get the same number again."
            ),
        ),
        parse=grammar.request,
        answer=deploys.request,
        permission=Permission.REQUEST,
    ),
    "promote": Verb(
        form="/deploy promote SERVICE|D-n [to ENV] [with NAME=VALUE ...] [because TEXT]",
        summary="request the same release in the next environment",
        details=(
            (
                "For example `/deploy promote D-12 because SHOP-981`. A deploy's message also has a button for it, "
                "once the deploy has succeeded and soaked."
            ),
            (
                "The request is for the same release with the template of the first request. Settings of the earlier "
                "deploy are not carried over."
            ),
        ),
        parse=grammar.promote,
        answer=deploys.promote,
        permission=Permission.PROMOTE,
    ),
    "status": Verb(
        form="/deploy status [SERVICE|D-n] [in ENV]",
        summary="what runs where, and what is waiting",
        details=(
            "Without a name: every service and environment, with its last successful deploy and the one under way.",
            "`/deploy status checkout in production` shows one of them, `/deploy status D-12` one deploy.",
        ),
        parse=look_up.status,
        answer=lookups.status,
    ),
    "plan": Verb(
        form="/deploy plan D-n",
        summary="what a deploy would change",
        details=("Shows the difference that Nomad would make. Values are hidden unless the catalog shows them.",),
        parse=grammar.deploy_alone,
        answer=deploys.plan,
    ),
    "approve": Verb(
        form="/deploy approve D-n [TEXT]",
        summary="approve its current plan",
        details=(
            "An approval is for one exact plan. If the plan changes, the approval is void and you are told.",
            (
                "You can approve if you are in a group that the environment's rules name. Each person fills one seat. "
                "You can't approve your own request, unless the environment allows it."
            ),
        ),
        parse=grammar.deploy_with_note,
        answer=deploys.approve,
    ),
    "retract": Verb(
        form="/deploy retract D-n",
        summary="take back your approval",
        details=("Possible until the deploy is sent to Nomad. The deploy then waits for approvals again.",),
        parse=grammar.deploy_alone,
        answer=deploys.retract,
    ),
    "reject": Verb(
        form="/deploy reject D-n TEXT",
        summary="reject a deploy, with the reason",
        details=("Final for the deploy. Anyone who can approve can reject, with a reason of 3 to 1,000 characters.",),
        parse=grammar.deploy_with_reason,
        answer=deploys.reject,
    ),
    "withdraw": Verb(
        form="/deploy withdraw D-n",
        summary="withdraw a request",
        details=("Possible until the deploy is sent to Nomad. For another person's request you need `withdraw`.",),
        parse=grammar.deploy_alone,
        answer=deploys.withdraw,
    ),
    "history": Verb(
        form="/deploy history SERVICE [in ENV]",
        summary="a service's past deploys",
        details=(
            "For example `/deploy history checkout in production`: ten deploys on a page, the newest request first.",
            "Each with the version it replaced, who requested it, who approved it, how long it took, and the result.",
        ),
        parse=look_up.history,
        answer=lookups.page,
    ),
    "audit": Verb(
        form="/deploy audit [today|yesterday|DATE] [SERVICE] [D-n] [in ENV] [by @user]",
        summary="who did what, and when",
        details=(
            (
                "For example `/deploy audit D-12` for everything that happened to one deploy, or `/deploy audit "
                "yesterday checkout in production by @alice`. The words can come in any order."
            ),
            (
                "Twenty events on a page, newest first. `today`, `yesterday` and dates such as `2026-11-21` are days "
                "in the catalog's time zone. Pick people from the list that Slack offers after `@`."
            ),
        ),
        parse=look_up.audit,
        answer=lookups.page,
    ),
    "digest": Verb(
        form="/deploy digest preview [today|yesterday|DATE]",
        summary="the daily digest, before or after it is posted",
        details=(
            "Without a day: the next digest, with what has happened so far. With a day: the digest of that date.",
            "It is the digest of the channel you are in, or else the catalog's first. Only you see it.",
        ),
        parse=look_up.digest,
        answer=lookups.digest,
    ),
    "whoami": Verb(
        form="/deploy whoami",
        summary="your groups and permissions",
        details=("Your groups in the catalog, what they allow you to do, and where you can approve.",),
        parse=grammar.whoami,
        answer=lookups.whoami,
    ),
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
    "lock": Later("To stop a deploy: `/deploy reject D-n TEXT`."),
    "resolve": Later("To see where a deploy stands: `/deploy status D-n`."),
    "restart": Later("To restart a job: `nomad job restart JOB`."),
    "rollback": Later("To go back: `/deploy SERVICE VERSION to ENV`."),
    "run": Later("To run a parameterized job: `nomad job dispatch JOB`."),
    "scale": Later("If the catalog lets requests set the count: `/deploy SERVICE VERSION to ENV with count=N`."),
    "stop": Later("To stop a job: `nomad job stop JOB`."),
    "unlock": Later("Nothing can be locked yet either."),
    "who": Later("To see who can approve a deploy: `/deploy status D-n`. For yourself: `/deploy whoami`."),
}
"""Every verb, in the order of the help. Those without a handler are reserved: no service can have their names."""

AVAILABLE: Final = {name: verb for name, verb in VERBS.items() if isinstance(verb, Verb)}
LATER: Final = {name: verb for name, verb in VERBS.items() if isinstance(verb, Later)}
WORDS: Final = frozenset(VERBS) - {grammar.REQUEST}
"""The verbs that a command can begin with."""
