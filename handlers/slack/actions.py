"""Clicks on buttons and menus: one operation each, answered where the click was."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bot.domain.decision import Refused, refuse
from bot.errors import SlackError
from bot.gateways.blocks import answers, modal
from bot.operations.deploys import approve as approving
from bot.operations.deploys import promotable, replan, retract, withdraw
from bot.operations.deploys import redeploy as redeploying
from bot.operations.deploys import reject as rejecting
from bot.operations.deploys import replace_rollout as replacing
from bot.operations.outbox import strays
from bot.operations.rollback import request as rolling_back
from handlers.slack import pages
from handlers.slack.identity import text_of, ts_of
from handlers.slack.respond import refusal
from handlers.slack.verbs.deploys import approved, changed

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from bot.domain.deploy.deploy import Deploy
    from bot.gateways.blocks.parts import Json, Message
    from handlers.slack.decoding import Payload
    from handlers.slack.desk import Call, DeployRef

OUT_OF_DATE: Final = refuse("button-unknown", "This button is out of date. For the commands: `/deploy help`.")
_NO_PAGE: Final = refuse("button-unknown", "This button is out of date. Type the command again.")


async def approve(call: Call, ref: DeployRef) -> Message | None:
    """*Approve*: counts for the change of the plan that the person saw."""
    done = await approving.approve(call.desk.ports, call.actor, ref.deploy_id, plan=ref.plan, origin=call.origin)
    return await approved(call, done)


async def reject(call: Call, ref: DeployRef) -> Message | None:
    """*Reject*: opens the form that asks for the reason, in the background; no form for one who cannot reject."""
    found = await rejecting.check_reject(call.desk.ports, call.actor, ref.deploy_id, plan=ref.plan, origin=call.origin)
    if isinstance(found, Refused):
        return refusal(found)
    what = f"{found.service} {found.release_name} to {found.environment}"
    view = modal.reject(found.number, ref.value, what)
    call.desk.background.spawn(_open(call, view, f"/deploy reject {found.number} TEXT"), "reject modal")
    return None


async def promote(call: Call, ref: DeployRef) -> None:
    """*Promote*: opens the form that asks where to and why, in the background."""
    call.desk.background.spawn(_open_promote(call, ref), "promote modal")


async def _open_promote(call: Call, ref: DeployRef) -> None:
    found = await promotable.promotable(call.desk.ports, ref.deploy_id)
    if isinstance(found, Refused):
        call.answer(refusal(found))
        return
    await _open(call, modal.promote(found, ref.value), f"/deploy promote {found.deploy.number} because TEXT")


async def roll_back(call: Call, ref: DeployRef) -> None:
    """*Roll back*: opens the form that says what that does and asks why, in the background."""
    call.desk.background.spawn(_open_roll_back(call, ref), "rollback modal")


async def _open_roll_back(call: Call, ref: DeployRef) -> None:
    found = await rolling_back.preview(call.desk.ports, ref.deploy_id)
    if isinstance(found, Refused):
        call.answer(refusal(found))
        return
    command = f"/deploy rollback {found.service} in {found.environment} because TEXT"
    await _open(call, modal.roll_back(found, ref.value), command)


async def _open(call: Call, view: Json, command: str) -> None:
    try:
        await call.desk.voice.open_view(text_of(call.payload.get("trigger_id"), 500), view)
    except SlackError:
        # the trigger runs out 3 s after the click, by Slack's own clock: there is no second try
        sentence = f"The form did not open: Slack did not accept it in time. Write `{command}` instead."
        call.answer(answers.went_wrong(sentence, ":hourglass:"))


async def menu(call: Call, ref: DeployRef) -> Message:
    """The menu of a deploy's message: the entry is the first word of the value."""
    entry = MENU.get(ref.verb)
    if entry is None:
        return refusal(OUT_OF_DATE)
    operation, what = entry
    return changed(await operation(call.desk.ports, call.actor, ref.deploy_id, origin=call.origin), what)


MENU: Final[Mapping[str, tuple[Callable[..., Awaitable[Deploy | Refused]], str]]] = {
    "withdraw": (withdraw.withdraw, ""),
    "retract": (retract.retract, "your approval was taken back"),
    "replan": (replan.replan, "a new plan is being made"),
    "replace": (replacing.replace_rollout, "it won't wait for the running rollout"),
}
"""The entries of a deploy's menu: the operation, and what it did, if the new state does not say it."""


async def again(call: Call, ref: DeployRef) -> Message:
    """*Deploy again anyway*: a request for a deploy that would change nothing."""
    taken = await redeploying.again(call.desk.ports, call.actor, ref.deploy_id, origin=call.origin)
    if isinstance(taken, Refused):
        return refusal(taken)
    return answers.request_recorded(taken.deploy, existing=taken.existing, notes=taken.notes, holds=taken.holds)


async def turn_page(call: Call, value: object) -> Message | None:
    """*Older* and *Newest*: the other page replaces the one that was clicked on; a refusal comes beside it."""
    query = pages.query_from(value)
    if query is None:
        return refusal(_NO_PAGE)
    found = await pages.page(call.desk.ports, query)
    if isinstance(found, Refused):
        return refusal(found)
    # only a message that one person sees is replaced: a click never turns a channel's message into a list
    call.answer(found, replace=call.container.get("is_ephemeral") is True)
    return None


def value_of(action: Payload) -> object:
    """The value of the button that was clicked, or of the menu entry that was chosen."""
    chosen = action.get("selected_option")
    return action.get("value") or (chosen.get("value") if isinstance(chosen, dict) else None)


def adopt_strays(call: Call, ref: DeployRef) -> None:
    """Look in the background whether the click was on a second message about the deploy, and if so retire that."""
    container = call.container
    ts = ts_of(container.get("message_ts"))
    is_reply = ts_of(container.get("thread_ts")) not in {"", ts}
    if ts and call.channel and not container.get("is_ephemeral") and not is_reply:
        call.desk.background.spawn(_adopt(call, ref, ts), "adopt")


async def _adopt(call: Call, ref: DeployRef, ts: str) -> None:
    async with call.desk.ports.store.read() as reading:
        posted = await reading.posted(ref.deploy_id)
    # a read first: nearly every click comes from the deploy's own message, and needs no transaction
    if posted is not None and (posted.channel, posted.ts) != (call.channel, ts):
        await strays.adopt(call.desk.ports, ref.deploy_id, channel=call.channel, ts=ts)
