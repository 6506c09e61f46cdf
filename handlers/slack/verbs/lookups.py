"""Verbs that only look something up: their handlers, and below them their entries."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bot.domain.decision import Refused
from bot.gateways.blocks import answers, overview
from bot.operations.deploys.decide import no_such_deploy
from bot.operations.queries import status as statuses
from bot.operations.queries import whoami as people
from bot.operations.queries.matrix import matrix
from handlers.slack import pages, preview
from handlers.slack.command import lookups as grammar
from handlers.slack.command import parser
from handlers.slack.command.ast import Verb
from handlers.slack.respond import refusal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bot.gateways.blocks.parts import Message
    from bot.ports.audit import AuditQuery
    from bot.ports.store import ActiveCatalog
    from handlers.slack.command.ast import History, Preview, Status, Whoami
    from handlers.slack.desk import Call


async def status(call: Call, asked: Status, _: ActiveCatalog) -> Message | None:
    """Show one deploy, or what runs where; the latter comes later."""
    if asked.deploy_id is None:
        # a silent cluster alone may take as long as Slack waits
        call.desk.background.spawn(_show_matrix(call, asked), "status", tell=call.answer)
        return None
    card = await statuses.card(call.desk.ports, asked.deploy_id)
    return answers.one(card) if card else refusal(no_such_deploy(asked.deploy_id))


async def _show_matrix(call: Call, asked: Status) -> None:
    found = await matrix(call.desk.ports, asked.service, environment=asked.environment, most=overview.MOST_SERVICES)
    await call.say(overview.matrix(found, asked.environment))


async def page(call: Call, asked: History | AuditQuery, _: ActiveCatalog) -> Message:
    """Show a page of a service's deploys or of the audit log."""
    found = await pages.page(call.desk.ports, asked)
    return refusal(found) if isinstance(found, Refused) else found


async def digest(call: Call, asked: Preview, _: ActiveCatalog) -> None:
    """Show the digest of a day; it comes later."""
    preview.show(call, asked.day)


async def whoami(call: Call, _: Whoami, __: ActiveCatalog) -> Message:
    """Show the person's groups and permissions."""
    found = await people.whoami(call.desk.ports, call.actor)
    if isinstance(found, Refused):
        return refusal(found)
    return overview.whoami(found)


VERBS: Final[Mapping[str, Verb]] = {
    "status": Verb(
        form="/deploy status [SERVICE|D-n] [in ENV]",
        summary="what runs where, and what is waiting",
        details=(
            "Without a name: every service and environment, with its last successful deploy and the one under way.",
            "`/deploy status checkout in production` shows one of them, `/deploy status D-12` one deploy.",
        ),
        parse=grammar.status,
        answer=status,
    ),
    "history": Verb(
        form="/deploy history SERVICE [in ENV]",
        summary="a service's past deploys",
        details=(
            "For example `/deploy history checkout in production`: ten deploys on a page, the newest request first.",
            "Each with the version it replaced, who requested it, who approved it, how long it took, and the result.",
        ),
        parse=grammar.history,
        answer=page,
    ),
    "audit": Verb(
        form="/deploy audit [today|yesterday|DATE] [SERVICE] [D-n] [in ENV] [by @user] [all]",
        summary="who did what, and when",
        details=(
            (
                "For example `/deploy audit D-12` for everything that happened to one deploy, or `/deploy audit "
                "yesterday checkout in production by @alice`. The words can come in any order."
            ),
            (
                "What people decided and how deploys ended, twenty events on a page, newest first. The steps that "
                "Nomatron takes by itself are only counted; `all` lists them too."
            ),
            (
                " `today`, `yesterday` and dates such as `2026-11-21` are days "
                "in the catalog's time zone. Pick people from the list that Slack offers after `@`."
            ),
        ),
        parse=grammar.audit,
        answer=page,
    ),
    "digest": Verb(
        form="/deploy digest preview [today|yesterday|DATE]",
        summary="the daily digest, before or after it is posted",
        details=(
            "Without a day: the next digest, with what has happened so far. With a day: the digest of that date.",
            "It is the digest of the channel you are in, or else the catalog's first. Only you see it.",
        ),
        parse=grammar.digest,
        answer=digest,
    ),
    "whoami": Verb(
        form="/deploy whoami",
        summary="your groups and permissions",
        details=("Your groups in the catalog, what they allow you to do, and where you can approve.",),
        parse=parser.whoami,
        answer=whoami,
    ),
}
