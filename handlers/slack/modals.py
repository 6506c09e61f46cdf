"""Modals that come back: the reason of a rejection. What is wrong is said in the modal itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bot.domain.decision import Refused
from bot.gateways.blocks import modal
from bot.operations import reject
from handlers.slack.desk import target_of
from handlers.slack.respond import refusal
from handlers.slack.typed import visible

if TYPE_CHECKING:
    from bot.gateways.blocks.parts import Json
    from handlers.slack.decoding import Payload
    from handlers.slack.desk import Call

_LONGEST_ERROR = 1000
_MENDED_IN_PLACE = frozenset({"reject-reason"})
"""Refusals that another word in the same form mends."""


async def submit(call: Call, view: Payload) -> Json | None:
    """Serve a submission: None closes the modal, otherwise what the acknowledgement carries."""
    target = target_of(view.get("private_metadata"))
    if view.get("callback_id") != modal.REJECT or target is None:
        return errors("This form is not known any more; use the deploy's message.")
    done = await reject.reject(
        call.desk.ports, call.actor, target.deploy_id, plan=target.plan, reason=_reason(view), origin=call.origin
    )
    if not isinstance(done, Refused):
        return None
    if set(done.codes) <= _MENDED_IN_PLACE:
        return errors(" ".join(reason.text for reason in done.reasons))
    # mentions are not drawn under an input, and who could instead has to be said
    return {"response_action": "update", "view": modal.instead("Not rejected", refusal(done))}


def errors(sentence: str) -> Json:
    """An acknowledgement that keeps the modal open and shows the sentence under its input."""
    return {"response_action": "errors", "errors": {modal.REASON_BLOCK: sentence[:_LONGEST_ERROR]}}


def _reason(view: Payload) -> str:
    value: Any = view.get("state")
    for key in ("values", modal.REASON_BLOCK, modal.REASON_ACTION, "value"):
        value = value.get(key) if isinstance(value, dict) else None
    return visible(value).strip() if isinstance(value, str) else ""
