"""Clicks on buttons and menus: one operation, an answer to the surface of the click, and stray messages adopted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bot.domain.decision import Refused, refuse
from bot.errors import SlackError
from bot.gateways.blocks import answers, modal
from bot.gateways.blocks.pages import NEWEST, OLDER
from bot.operations.deploys import approve, promotable, replan, retract, withdraw
from bot.operations.deploys import redeploy as again
from bot.operations.deploys import replace_rollout as replace
from bot.operations.outbox import strays as adopt
from handlers.slack import pages
from handlers.slack.commands import told
from handlers.slack.desk import target_of
from handlers.slack.identity import text_of, ts_of
from handlers.slack.respond import refusal

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from bot.domain.deploy.deploy import Deploy
    from bot.gateways.blocks.parts import Json, Message
    from handlers.slack.decoding import Payload
    from handlers.slack.desk import Call, Target

_UNKNOWN = refuse("button-unknown", "This button is not known any more. Use `/deploy help` for the words that do it.")
_NO_PAGE = refuse("button-unknown", "That page is not known any more. Type the command again.")


async def act(call: Call, action: Payload) -> Message | None:
    """Do what a click asks for; the answer, None where a modal is it. Raises what the operation raises."""
    if action.get("action_id") in _PAGES:
        return await _turn(call, action)
    chosen = action.get("selected_option")
    target = target_of(action.get("value") or (chosen.get("value") if isinstance(chosen, dict) else None))
    served = _ACTIONS.get(str(action.get("action_id")))
    if served is None or target is None:
        return refusal(_UNKNOWN)
    answer = await served(call, target)
    # answers and thread notes have buttons too, and are no deploy's message
    if action.get("action_id") in _ON_CARDS:
        _adopt_strays(call, target)
    return answer


async def _turn(call: Call, action: Payload) -> Message | None:
    """Another page in the place of the one that was clicked on; why not, where there is none, goes beside it."""
    asked = pages.page_of(action.get("value"))
    if asked is None:
        return refusal(_NO_PAGE)
    found = await pages.page(call.desk.ports, asked)
    if isinstance(found, Refused):
        return refusal(found)
    # only what one person sees is ever replaced: no click makes a channel's message into a list
    call.answer(found, replace=call.container.get("is_ephemeral") is True)
    return None


async def _approve(call: Call, target: Target) -> Message:
    done = await approve.approve(call.desk.ports, call.actor, target.deploy_id, plan=target.plan, origin=call.origin)
    return refusal(done) if isinstance(done, Refused) else answers.approved(done.deploy, done.seating)


async def _reject(call: Call, target: Target) -> None:
    """The modal asks for the reason; it is opened in the background, so that the acknowledgement waits for nobody."""
    call.desk.background.spawn(_open_reject(call, target), "reject modal")


async def _open_reject(call: Call, target: Target) -> None:
    async with call.desk.ports.store.read() as reading:
        deploy = await reading.deploy(target.deploy_id)
    what = f"{deploy.service} {deploy.version} to {deploy.environment}" if deploy else ""
    number = f"D-{target.deploy_id}"
    await _open(call, modal.reject(number, target.value, what), f"/deploy reject {number} TEXT")


async def _promote(call: Call, target: Target) -> None:
    """The modal asks where to and why; it is opened in the background like the other one."""
    call.desk.background.spawn(_open_promote(call, target), "promote modal")


async def _open_promote(call: Call, target: Target) -> None:
    found = await promotable.promotable(call.desk.ports, target.deploy_id)
    if isinstance(found, Refused):
        call.answer(refusal(found))
        return
    view = modal.promote(
        found.deploy.number,
        target.value,
        f"{found.deploy.service} {found.deploy.version}",
        environments=found.environments,
        several=found.several,
        settable=found.settable,
        reason_required=found.reason_required,
    )
    await _open(call, view, f"/deploy promote {found.deploy.number} because TEXT")


async def _open(call: Call, view: Json, otherwise: str) -> None:
    try:
        await call.desk.voice.open_view(text_of(call.payload.get("trigger_id"), 500), view)
    except SlackError:
        # the trigger runs out 3 s after the click, by Slack's own clock: there is no second try
        instead = f"The form did not open: Slack did not take it in time. Write `{otherwise}`."
        call.answer(answers.went_wrong(instead, ":hourglass:"))


async def _menu(call: Call, target: Target) -> Message:
    served = _MENU.get(target.verb)
    if served is None:
        return refusal(_UNKNOWN)
    operation, what = served
    return told(await operation(call.desk.ports, call.actor, target.deploy_id, origin=call.origin), what)


async def _again(call: Call, target: Target) -> Message:
    taken = await again.again(call.desk.ports, call.actor, target.deploy_id, origin=call.origin)
    if isinstance(taken, Refused):
        return refusal(taken)
    return answers.recorded(taken.deploy, existing=taken.existing, notes=taken.notes)


def _adopt_strays(call: Call, target: Target) -> None:
    """A click on a message in a channel may come from one that is not the deploy's own; it is looked at later."""
    container = call.container
    ts = ts_of(container.get("message_ts"))
    is_reply = ts_of(container.get("thread_ts")) not in {"", ts}
    if ts and call.channel and not container.get("is_ephemeral") and not is_reply:
        call.desk.background.spawn(_adopt(call, target, ts), "adopt")


async def _adopt(call: Call, target: Target, ts: str) -> None:
    async with call.desk.ports.store.read() as reading:
        posted = await reading.posted(target.deploy_id)
    # a read first: nearly every click comes from the deploy's own message, and needs no transaction
    if posted is not None and (posted.channel, posted.ts) != (call.channel, ts):
        await adopt.adopt(call.desk.ports, target.deploy_id, channel=call.channel, ts=ts)


_ACTIONS: Final[Mapping[str, Callable[[Call, Target], Awaitable[Message | None]]]] = {
    "deploy.approve": _approve,
    "deploy.reject": _reject,
    "deploy.menu": _menu,
    "deploy.again": _again,
    "deploy.promote": _promote,
}
_PAGES: Final = frozenset({OLDER, NEWEST})
_ON_CARDS: Final = frozenset({"deploy.approve", "deploy.reject", "deploy.menu", "deploy.promote"})
_MENU: Final[Mapping[str, tuple[Callable[..., Awaitable[Deploy | Refused]], str]]] = {
    "withdraw": (withdraw.withdraw, "withdrawn"),
    "retract": (retract.retract, "your approval is taken back"),
    "replan": (replan.replan, "a new plan is being made"),
    "replace": (replace.replace_rollout, "it will not wait for the running rollout"),
}
