"""Verbs that only look something up."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.domain.decision import Refused
from bot.gateways.blocks import answers, overview
from bot.operations.queries import status as statuses
from bot.operations.queries import whoami as people
from handlers.slack import pages, preview
from handlers.slack.respond import refusal
from handlers.slack.verbs.deploys import no_such_deploy

if TYPE_CHECKING:
    from bot.domain.catalog.catalog import Catalog
    from bot.gateways.blocks.parts import Message
    from bot.ports.audit import AuditQuery
    from handlers.slack.command.ast import History, Preview, Status, Whoami
    from handlers.slack.desk import Call


async def status(call: Call, asked: Status, _: Catalog) -> Message:
    """Show what runs where, or one deploy."""
    if asked.deploy_id is None:
        found = await statuses.matrix(
            call.desk.ports, asked.service, environment=asked.environment, most=overview.MOST_SERVICES
        )
        return overview.matrix(found.rows, asked.environment, more=found.more)
    card = await statuses.card(call.desk.ports, asked.deploy_id)
    return answers.one(card) if card else refusal(no_such_deploy(asked.deploy_id))


async def page(call: Call, asked: History | AuditQuery, _: Catalog) -> Message:
    """Show a page of a service's deploys or of the audit log."""
    found = await pages.page(call.desk.ports, asked)
    return refusal(found) if isinstance(found, Refused) else found


async def digest(call: Call, asked: Preview, _: Catalog) -> None:
    """Show the digest of a day; it comes later."""
    preview.show(call, asked.day)


async def whoami(call: Call, _: Whoami, __: Catalog) -> Message:
    """Show the person's groups and permissions."""
    found = await people.whoami(call.desk.ports, call.actor)
    if isinstance(found, Refused):
        return refusal(found)
    return overview.whoami(found.user, found.standing, found.groups, found.holdings, found.seats)
