"""Verbs that request a deploy or do something with one: their handlers, and below them their entries."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from bot.domain.access import Permission
from bot.domain.decision import Refused
from bot.errors import StoreError
from bot.gateways.blocks import answers
from bot.operations.deploys import approve as approving
from bot.operations.deploys import promote as promoting
from bot.operations.deploys import reject as rejecting
from bot.operations.deploys import request as requesting
from bot.operations.deploys import resolve as resolving
from bot.operations.deploys import retract as retracting
from bot.operations.deploys import withdraw as withdrawing
from bot.operations.deploys.decide import no_such_deploy
from bot.operations.deploys.promotable import offers_for
from bot.operations.deploys.shown import depends_on_a_look, record_shown
from bot.operations.queries import status
from bot.operations.require import require
from bot.operations.rollback.request import request_rollback
from handlers.slack.command import parser as grammar
from handlers.slack.command.ast import PlanPage, Verb
from handlers.slack.pages import plan_page
from handlers.slack.respond import refusal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bot.domain.deploy.deploy import Deploy
    from bot.domain.deploy.gates import Ask
    from bot.domain.deploy.plan import Plan
    from bot.domain.rollback import Rollback
    from bot.gateways.blocks.parts import Message
    from bot.operations.deploys.promote import Promotion
    from bot.operations.deploys.request import Requested
    from bot.operations.deploys.resolve import Resolve
    from bot.ports.store import ActiveCatalog
    from handlers.slack.command.ast import OfDeploy
    from handlers.slack.desk import Call

_MOST_CHOICES = 15


async def request(call: Call, ask: Ask, active: ActiveCatalog) -> Message:
    """Request a deploy."""
    taken = await requesting.request(call.desk.ports, call.actor, ask, origin=call.origin, active=active)
    return requested(taken, active)


async def promote(call: Call, what: Promotion, active: ActiveCatalog) -> Message:
    """Request the same release in the next environment."""
    taken = await promoting.promote(call.desk.ports, call.actor, what, origin=call.origin, active=active)
    return requested(taken, active)


async def rollback(call: Call, asked: Rollback, active: ActiveCatalog) -> Message:
    """Request what ran before."""
    taken = await request_rollback(call.desk.ports, call.actor, asked, origin=call.origin)
    return requested(taken, active)


async def plan(call: Call, asked: OfDeploy, _: ActiveCatalog) -> Message | None:
    """Show what a deploy would change, from the first page on."""
    ports = call.desk.ports
    card = await status.card(ports, asked.deploy_id)
    if card is None:
        return refusal(no_such_deploy(asked.deploy_id))
    page = plan_page(card, PlanPage(asked.deploy_id))
    if card.plan is not None and await depends_on_a_look(ports, call.actor, card.deploy):
        _show(call, page, card.deploy, card.plan)
        return None
    return page


async def approve(call: Call, asked: OfDeploy, _: ActiveCatalog) -> Message | None:
    """Approve the plan that is named, or the current one if the person can know what it changes."""
    done = await approving.approve(
        call.desk.ports, call.actor, asked.deploy_id, plan=asked.plan, note=asked.text, origin=call.origin
    )
    return await approved(call, done)


async def approved(call: Call, done: approving.Approved | approving.Unseen | Refused) -> Message | None:
    """The answer to an approval; if nothing was approved for lack of a look at the change, that change is shown."""
    if isinstance(done, Refused):
        return refusal(done)
    if isinstance(done, approving.Approved):
        return answers.approval_counted(done.deploy, done.seating)
    card = require(await status.card(call.desk.ports, done.deploy.id), done.deploy.number)
    _show(call, answers.unseen(card), card.deploy, require(card.plan, f"the plan of {card.deploy.number}"))
    return None


def _show(call: Call, message: Message, deploy: Deploy, plan: Plan) -> None:
    """Show the person the plan in the background, and record that once Slack has taken it."""

    async def show() -> None:
        # not in the acknowledgement: nobody learns whether that arrived
        await call.say(message)
        # without the record a typed approval shows the plan again, which needs no word now
        with suppress(StoreError):
            await record_shown(call.desk.ports, call.actor, deploy, plan)

    call.desk.background.spawn(show(), "plan", tell=call.answer)


async def reject(call: Call, asked: OfDeploy, _: ActiveCatalog) -> Message:
    """Reject a deploy for good."""
    done = await rejecting.reject(
        call.desk.ports, call.actor, asked.deploy_id, plan=asked.plan, reason=asked.text, origin=call.origin
    )
    return changed(done)


async def retract(call: Call, asked: OfDeploy, _: ActiveCatalog) -> Message:
    """Take the person's approval back."""
    done = await retracting.retract(call.desk.ports, call.actor, asked.deploy_id, origin=call.origin)
    return changed(done, "your approval was taken back")


async def withdraw(call: Call, asked: OfDeploy, _: ActiveCatalog) -> Message:
    """Withdraw a request."""
    done = await withdrawing.withdraw(call.desk.ports, call.actor, asked.deploy_id, origin=call.origin)
    return changed(done)


async def resolve(call: Call, asked: Resolve, _: ActiveCatalog) -> Message:
    """Say what became of a deploy whose outcome Nomad cannot tell."""
    done = await resolving.resolve(call.desk.ports, call.actor, asked, origin=call.origin)
    return changed(done, "your word was recorded")


def requested(taken: Requested | Refused, active: ActiveCatalog) -> Message:
    """The answer to a request of any kind."""
    if isinstance(taken, Refused):
        return refusal(taken)
    deploy, catalog = taken.deploy, active.catalog
    # the catalog may have dropped the service after an open deploy was requested
    channel = catalog.channel_for(deploy.service, deploy.environment) if deploy.service in catalog.services else ""
    return answers.request_recorded(
        deploy, existing=taken.existing, channel=channel, notes=taken.notes, holds=taken.holds
    )


def changed(done: Deploy | Refused, what: str = "") -> Message:
    """The answer to an operation that returns the deploy; ``what`` says what it did, if the new state does not."""
    return refusal(done) if isinstance(done, Refused) else answers.deploy_changed(done, what)


async def with_choices(call: Call, refused: Refused) -> Refused:
    """The refusal of a command that lacks a deploy, completed with those that it could name; any other as it is."""
    match refused.codes:
        case ("deploy-missing",):
            choices = await _open_deploys(call)
        case ("promotion-missing",):
            choices = await promotable_now(call) or "There is nothing that you can promote right now."
        case _:
            return refused
    reason = refused.reasons[0]
    return Refused((replace(reason, text=f"{reason.text} {choices}"),))


async def _open_deploys(call: Call) -> str:
    async with call.desk.ports.store.read() as reading:
        deploys = await reading.open_deploys()
    named = [f"{each.number} ({each.service} {each.release_name} to {each.environment})" for each in deploys]
    return f"Open deploys: {'; '.join(named[-_MOST_CHOICES:])}." if named else "Nothing is open."


async def promotable_now(call: Call) -> str:
    """A sentence with what the person can promote now, the newest first; empty if there is nothing."""
    found = await offers_for(call.desk.ports, call.actor)
    more = len(found) - _MOST_CHOICES
    choices = "; ".join(each.text for each in found[:_MOST_CHOICES]) + (f"; and {more} more" if more > 0 else "")
    return f"You can promote now: {choices}." if found else ""


VERBS: Final[Mapping[str, Verb]] = {
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
        answer=request,
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
        answer=promote,
        permission=Permission.PROMOTE,
    ),
    "rollback": Verb(
        form="/deploy rollback SERVICE in ENV [to D-n|baseline] because TEXT",
        summary="go back to what ran before, and lock the service there",
        details=(
            (
                "For example `/deploy rollback checkout in production because 5xx`. Without `to` it goes back to the "
                "last deploy that succeeded before what runs. Messages of what succeeded or failed have a button, too."
            ),
            (
                "The job that Nomatron stored then is registered again, with the counts that run now. It needs no new "
                "approvals if it goes back to what the deploy replaced, soon after that deploy; else those of a "
                "rollback. `to baseline` is the job that ran before Nomatron."
            ),
            "The service is locked there with your reason. You can lift that lock: `/deploy unlock`.",
        ),
        parse=grammar.rollback,
        answer=rollback,
        permission=Permission.ROLLBACK,
    ),
    "plan": Verb(
        form="/deploy plan D-n",
        summary="what a deploy would change",
        details=(
            "Shows every change to the job, page by page. Values are hidden unless the catalog shows them.",
            "The same is in the thread of the deploy's message, as a file if it is long.",
        ),
        parse=grammar.deploy_alone,
        answer=plan,
    ),
    "approve": Verb(
        form="/deploy approve D-n [TEXT]",
        summary="approve its current plan",
        details=(
            "An approval is for one exact change. If the change moves, the approval is void and you are told.",
            (
                "If the change has moved since the request, you are shown the new one first, with a button. "
                "`/deploy approve D-12:2` approves the change of plan 2, if it is still the current one."
            ),
            (
                "You can approve if you are in a group that the environment's rules name. Each person gives one "
                "approval. You can't approve your own request, unless the environment allows it."
            ),
        ),
        parse=grammar.deploy_with_note,
        answer=approve,
    ),
    "retract": Verb(
        form="/deploy retract D-n",
        summary="take back your approval",
        details=("Possible until the deploy is sent to Nomad. The deploy then waits for approvals again.",),
        parse=grammar.deploy_alone,
        answer=retract,
    ),
    "reject": Verb(
        form="/deploy reject D-n TEXT",
        summary="reject a deploy, with the reason",
        details=("Final for the deploy. Anyone who can approve can reject, with a reason of 3 to 1,000 characters.",),
        parse=grammar.deploy_with_reason,
        answer=reject,
    ),
    "withdraw": Verb(
        form="/deploy withdraw D-n",
        summary="withdraw a request",
        details=("Possible until the deploy is sent to Nomad. For another person's request you need `withdraw`.",),
        parse=grammar.deploy_alone,
        answer=withdraw,
    ),
    "resolve": Verb(
        form="/deploy resolve D-n landed VERSION|not-landed|succeeded|failed because TEXT",
        summary="say what became of a deploy if Nomad cannot tell",
        details=(
            (
                "While it is dispatched: `landed 7` if Nomad registered it as job version 7, or `not-landed`. This "
                "counts once no attempt can still be on its way, unless Nomad itself shows what happened."
            ),
            (
                "While it rolls out: `succeeded` or `failed`. A release that succeeded only by a person's word can't "
                "be promoted. You can't resolve your own request."
            ),
        ),
        parse=grammar.resolve,
        answer=resolve,
        permission=Permission.RESOLVE,
    ),
}
