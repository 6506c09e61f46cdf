"""Slash commands: text to a record, one operation, an answer for the acknowledgement."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from bot.domain.decision import Refused, refuse
from bot.gateways.blocks import answers, guide, overview
from bot.operations.deploys import approve, promote, reject, request, retract, withdraw
from bot.operations.queries import status, whoami
from handlers.slack import pages, preview
from handlers.slack.command import ast as forms
from handlers.slack.command import parser as grammar
from handlers.slack.command.reader import Vocabulary
from handlers.slack.respond import refusal

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from bot.domain.catalog.catalog import Catalog
    from bot.domain.deploy.deploy import Deploy
    from bot.gateways.blocks.parts import Message
    from handlers.slack.desk import Call

_MOST_CHOICES = 15


async def answer(call: Call) -> Message | None:
    """What to tell the author of a command; None where that comes later.

    Raises what the operation raises, ``Replayed`` among it.
    """
    # the catalog's names tell a service from a mistyped verb
    async with call.desk.ports.store.read() as reading:
        catalog = (await reading.active_catalog()).catalog
    text = call.payload.get("text") or ""
    words = Vocabulary(tuple(catalog.services), tuple(catalog.environments))
    command = grammar.parse(text if isinstance(text, str) else "", words)
    if isinstance(command, Refused):
        return refusal(await _with_choices(call, command))
    return await _SERVED[type(command)](call, command, catalog)


async def _with_choices(call: Call, refused: Refused) -> Refused:
    """The refusal of a command that names no deploy lists the open ones."""
    if refused.codes != ("deploy-missing",):
        return refused
    async with call.desk.ports.store.read() as reading:
        deploys = await reading.open_deploys()
    named = (f"{deploy.number} ({deploy.service} {deploy.version} to {deploy.environment})" for deploy in deploys)
    listed = "; ".join(list(named)[-_MOST_CHOICES:]) or "none"
    reason = refused.reasons[0]
    return Refused((replace(reason, text=f"{reason.text} Open are: {listed}."),))


async def _request(call: Call, asked: forms.Request, catalog: Catalog) -> Message:
    ask = request.Ask(
        service=asked.service,
        version=asked.version,
        environment=asked.environment,
        overrides=asked.overrides,
        reason=asked.reason,
    )
    return recorded(await request.request(call.desk.ports, call.actor, ask, origin=call.origin), catalog)


async def _promote(call: Call, asked: forms.Promote, catalog: Catalog) -> Message:
    what = promote.Promotion(
        deploy_id=asked.deploy_id,
        service=asked.service,
        environment=asked.environment,
        overrides=asked.overrides,
        reason=asked.reason,
    )
    return recorded(await promote.promote(call.desk.ports, call.actor, what, origin=call.origin), catalog)


def recorded(taken: request.Requested | Refused, catalog: Catalog) -> Message:
    """The answer to a request of any kind."""
    if isinstance(taken, Refused):
        return refusal(taken)
    deploy = taken.deploy
    # an open deploy may be of a catalog that had the service elsewhere
    channel = catalog.channel_for(deploy.service, deploy.environment) if deploy.service in catalog.services else ""
    return answers.recorded(deploy, existing=taken.existing, channel=channel, notes=taken.notes)


async def _help(_: Call, asked: forms.Help, __: Catalog) -> Message:
    return guide.help_on(asked.topic)


async def _whoami(call: Call, _: forms.Whoami, __: Catalog) -> Message:
    found = await whoami.whoami(call.desk.ports, call.actor)
    if isinstance(found, Refused):
        return refusal(found)
    return overview.whoami(found)


async def _status(call: Call, asked: forms.Status, _: Catalog) -> Message:
    if asked.deploy_id is None:
        found = await status.matrix(
            call.desk.ports, asked.service, environment=asked.environment, most=overview.MOST_SERVICES
        )
        return overview.matrix(found, asked.environment)
    card = await status.card(call.desk.ports, asked.deploy_id)
    return answers.one(card) if card else refusal(_unknown(asked.deploy_id))


async def _page(call: Call, asked: forms.History | forms.Audit, _: Catalog) -> Message:
    found = await pages.page(call.desk.ports, asked)
    return refusal(found) if isinstance(found, Refused) else found


async def _preview(call: Call, asked: forms.Preview, catalog: Catalog) -> None:
    preview.show(call, asked, catalog)


async def _of_deploy(call: Call, asked: forms.OfDeploy, _: Catalog) -> Message:
    return await _VERBS[asked.verb](call, asked)


async def _plan(call: Call, asked: forms.OfDeploy) -> Message:
    card = await status.card(call.desk.ports, asked.deploy_id)
    return answers.plan(card) if card else refusal(_unknown(asked.deploy_id))


async def _approve(call: Call, asked: forms.OfDeploy) -> Message:
    done = await approve.approve(
        call.desk.ports, call.actor, asked.deploy_id, plan=None, note=asked.text, origin=call.origin
    )
    return refusal(done) if isinstance(done, Refused) else answers.approved(done.deploy, done.seating)


async def _reject(call: Call, asked: forms.OfDeploy) -> Message:
    done = await reject.reject(
        call.desk.ports, call.actor, asked.deploy_id, plan=None, reason=asked.text, origin=call.origin
    )
    return told(done, "rejected")


async def _simple(
    call: Call, asked: forms.OfDeploy, operation: Callable[..., Awaitable[Deploy | Refused]], what: str
) -> Message:
    return told(await operation(call.desk.ports, call.actor, asked.deploy_id, origin=call.origin), what)


def told(done: Deploy | Refused, what: str) -> Message:
    """The answer to an operation that gives the deploy back."""
    return refusal(done) if isinstance(done, Refused) else answers.changed(done, what)


def _unknown(deploy_id: int) -> Refused:
    return refuse("unknown-deploy", f"There is no deploy D-{deploy_id}. See `/deploy status`.")


_VERBS: Final[Mapping[str, Callable[[Call, forms.OfDeploy], Awaitable[Message]]]] = {
    "plan": _plan,
    "approve": _approve,
    "reject": _reject,
    "retract": partial(_simple, operation=retract.retract, what="your approval is taken back"),
    "withdraw": partial(_simple, operation=withdraw.withdraw, what="withdrawn"),
}
# one row a record of the grammar; each takes its own kind, which a mapping's type cannot say
_SERVED: Final[Mapping[type, Callable[[Call, Any, Catalog], Awaitable[Message | None]]]] = {
    forms.Request: _request,
    forms.Promote: _promote,
    forms.Help: _help,
    forms.Whoami: _whoami,
    forms.Status: _status,
    forms.History: _page,
    forms.Audit: _page,
    forms.Preview: _preview,
    forms.OfDeploy: _of_deploy,
}
