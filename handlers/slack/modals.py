"""Forms that were submitted: a rejection's reason, a promotion. The modal itself says what is wrong with its input."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from bot.domain.decision import Refused, refuse
from bot.domain.rollback import rollback_of
from bot.gateways.blocks import modal
from bot.operations.deploys import promote as promoting
from bot.operations.deploys import reject as rejecting
from bot.operations.rollback.request import request_rollback
from handlers.slack.command.lexer import visible
from handlers.slack.command.parser import value_of
from handlers.slack.desk import deploy_ref
from handlers.slack.respond import refusal

if TYPE_CHECKING:
    from bot.domain.catalog.environment import Value
    from bot.gateways.blocks.parts import Json
    from handlers.slack.decoding import Payload
    from handlers.slack.desk import Call

_LONGEST_ERROR = 1000
_FIXED_IN_PLACE = frozenset(
    {
        "environment-missing", "not-settable", "reason-missing", "reason-too-long", "reject-reason", "setting-secret",
        "setting-value", "too-many-settings",
    }
)  # fmt: skip
"""Refusals that the person can fix in the same form."""
_OUT_OF_DATE: Final = refuse(
    "button-unknown", "This form is out of date. Use the buttons on the deploy's message, or `/deploy help`."
)


async def reject(call: Call, view: Payload) -> Json | None:
    """The *Reject* form; None closes it, otherwise what the acknowledgement carries."""
    ref = deploy_ref(view.get("private_metadata"))
    if ref is None:
        return out_of_date()
    reason = _text(view, modal.REASON_BLOCK)
    done = await rejecting.reject(
        call.desk.ports, call.actor, ref.deploy_id, plan=ref.plan, reason=reason, origin=call.origin
    )
    return _not_done("Not rejected", done, view) if isinstance(done, Refused) else None


async def promote(call: Call, view: Payload) -> Json | None:
    """The *Promote* form; None closes it, otherwise what the acknowledgement carries."""
    ref = deploy_ref(view.get("private_metadata"))
    if ref is None:
        return out_of_date()
    what = promoting.Promotion(
        deploy_id=ref.deploy_id,
        environment=_chosen(view) or None,
        overrides=_settings(view),
        reason=_text(view, modal.REASON_BLOCK) or None,
    )
    done = await promoting.promote(call.desk.ports, call.actor, what, origin=call.origin)
    return _not_done("Not promoted", done, view) if isinstance(done, Refused) else None


async def roll_back(call: Call, view: Payload) -> Json | None:
    """The *Roll back* form; None closes it, otherwise what the acknowledgement carries."""
    ref = deploy_ref(view.get("private_metadata"))
    if ref is None:
        return out_of_date()
    ports = call.desk.ports
    async with ports.store.read() as reading:
        deploy = await reading.deploy(ref.deploy_id)
    if deploy is None:
        return out_of_date()
    asked = rollback_of(deploy, _text(view, modal.REASON_BLOCK))
    done = await request_rollback(ports, call.actor, asked, origin=call.origin)
    return _not_done("Not rolled back", done, view) if isinstance(done, Refused) else None


def out_of_date() -> Json:
    """An acknowledgement that replaces a form that this version does not know."""
    return {"response_action": "update", "view": modal.instead("Out of date", refusal(_OUT_OF_DATE))}


def errors(sentence: str) -> Json:
    """An acknowledgement that keeps the modal open and shows the sentence under its input."""
    return {"response_action": "errors", "errors": {modal.REASON_BLOCK: sentence[:_LONGEST_ERROR]}}


def _not_done(title: str, refused: Refused, view: Payload) -> Json:
    if set(refused.codes) <= _FIXED_IN_PLACE:
        return _errors_in_place(refused, _blocks(view))
    # Slack draws no mentions under an input, and the refusal has to say who could do it instead
    return {"response_action": "update", "view": modal.instead(title, refusal(refused))}


def _errors_in_place(refused: Refused, blocks: list[str]) -> Json:
    """An acknowledgement that shows each reason under the input that it is about, and all others under the reason."""
    texts: dict[str, list[str]] = {}
    for reason in refused.reasons:
        block = f"{modal.SETTING_BLOCK}{reason.setting}"
        # Slack drops all errors if one of them names no input of the view
        texts.setdefault(block if block in blocks else modal.REASON_BLOCK, []).append(reason.text.replace("`", ""))
    return {
        "response_action": "errors",
        "errors": {block: " ".join(each)[:_LONGEST_ERROR] for block, each in texts.items()},
    }


def _settings(view: Payload) -> dict[str, Value]:
    """The settings that were filled in, by name; values are read as in a command."""
    names = [
        block.removeprefix(modal.SETTING_BLOCK) for block in _blocks(view) if block.startswith(modal.SETTING_BLOCK)
    ]
    texts = {name: _text(view, f"{modal.SETTING_BLOCK}{name}") for name in names}
    return {name: value_of(text) for name, text in texts.items() if text}


def _blocks(view: Payload) -> list[str]:
    state = view.get("state")
    values = state.get("values") if isinstance(state, dict) else None
    return [str(each) for each in values] if isinstance(values, dict) else []


def _text(view: Payload, block: str) -> str:
    value = _input(view, block, "value")
    return visible(value).strip() if isinstance(value, str) else ""


def _chosen(view: Payload) -> str:
    option = _input(view, modal.ENVIRONMENT_BLOCK, "selected_option")
    value = option.get("value") if isinstance(option, dict) else None
    return value if isinstance(value, str) else ""


def _input(view: Payload, block: str, key: str) -> Any:
    """One input's value; None if the payload is shaped in any other way."""
    value: Any = view.get("state")
    for each in ("values", block, modal.REASON_ACTION, key):
        value = value.get(each) if isinstance(value, dict) else None
    return value
