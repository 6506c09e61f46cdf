"""Modals that come back: a rejection's reason, a promotion's form. What is wrong is said in the modal itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from bot.domain.decision import Refused
from bot.gateways.blocks import modal
from bot.operations.deploys import promote, reject
from handlers.slack.command.lexer import visible
from handlers.slack.command.parser import value_of
from handlers.slack.desk import target_of
from handlers.slack.respond import refusal

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from bot.domain.catalog.environment import Value
    from bot.gateways.blocks.parts import Json
    from handlers.slack.decoding import Payload
    from handlers.slack.desk import Call, Target

_LONGEST_ERROR = 1000
_MENDED_IN_PLACE = frozenset(
    {"environment-missing", "not-settable", "reason-missing", "reason-too-long", "reject-reason"}
)
"""Refusals that another word in the same form mends."""
_NOT_DONE = {modal.REJECT: "Not rejected", modal.PROMOTE: "Not promoted"}


async def submit(call: Call, view: Payload) -> Json | None:
    """Serve a submission: None closes the modal, otherwise what the acknowledgement carries."""
    target = target_of(view.get("private_metadata"))
    served = _FORMS.get(str(view.get("callback_id")))
    if served is None or target is None:
        return errors("This form is not known any more; use the deploy's message.")
    done = await served(call, target, view)
    if not isinstance(done, Refused):
        return None
    if set(done.codes) <= _MENDED_IN_PLACE:
        return errors(" ".join(reason.text for reason in done.reasons))
    # mentions are not drawn under an input, and who could instead has to be said
    return {"response_action": "update", "view": modal.instead(_NOT_DONE[str(view["callback_id"])], refusal(done))}


def errors(sentence: str) -> Json:
    """An acknowledgement that keeps the modal open and shows the sentence under its input."""
    return {"response_action": "errors", "errors": {modal.REASON_BLOCK: sentence[:_LONGEST_ERROR]}}


async def _reject(call: Call, target: Target, view: Payload) -> object:
    reason = _typed(view, modal.REASON_BLOCK)
    return await reject.reject(
        call.desk.ports, call.actor, target.deploy_id, plan=target.plan, reason=reason, origin=call.origin
    )


async def _promote(call: Call, target: Target, view: Payload) -> object:
    what = promote.Promotion(
        deploy_id=target.deploy_id,
        environment=_chosen(view) or None,
        overrides=_settings(view),
        reason=_typed(view, modal.REASON_BLOCK) or None,
    )
    return await promote.promote(call.desk.ports, call.actor, what, origin=call.origin)


_FORMS: Final[Mapping[str, Callable[[Call, Target, Payload], Awaitable[object]]]] = {
    modal.REJECT: _reject,
    modal.PROMOTE: _promote,
}


def _settings(view: Payload) -> dict[str, Value]:
    """What was filled in, by the settings' names; values are read as in a command."""
    names = [
        block.removeprefix(modal.SETTING_BLOCK) for block in _blocks(view) if block.startswith(modal.SETTING_BLOCK)
    ]
    typed = {name: _typed(view, f"{modal.SETTING_BLOCK}{name}") for name in names}
    return {name: value_of(text) for name, text in typed.items() if text}


def _blocks(view: Payload) -> list[str]:
    state = view.get("state")
    values = state.get("values") if isinstance(state, dict) else None
    return [str(each) for each in values] if isinstance(values, dict) else []


def _typed(view: Payload, block: str) -> str:
    value = _input(view, block, "value")
    return visible(value).strip() if isinstance(value, str) else ""


def _chosen(view: Payload) -> str:
    option = _input(view, modal.ENVIRONMENT_BLOCK, "selected_option")
    value = option.get("value") if isinstance(option, dict) else None
    return value if isinstance(value, str) else ""


def _input(view: Payload, block: str, key: str) -> Any:
    """One input's answer; None for whatever is not shaped like one."""
    value: Any = view.get("state")
    for each in ("values", block, modal.REASON_ACTION, key):
        value = value.get(each) if isinstance(value, dict) else None
    return value
