"""The buttons and the menu of a deploy's message; they carry ``D-12:2``: the deploy and the plan that was seen."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bot.domain.catalog.release import release_name
from bot.domain.deploy.deploy import Status
from bot.gateways.blocks.parts import Json, button, confirm, overflow

if TYPE_CHECKING:
    from bot.domain.deploy.message import Card

APPROVE: Final = "deploy.approve"
REJECT: Final = "deploy.reject"
MENU: Final = "deploy.menu"
AGAIN: Final = "deploy.again"
PROMOTE: Final = "deploy.promote"
"""The action ids of the buttons and the menu."""


def buttons(card: Card) -> list[Json]:
    """Approve and Reject… while approvals are missing, Promote… if the release may go further; else none."""
    deploy = card.deploy
    if deploy.status is Status.SUCCEEDED and card.promotes_to:
        hint = f"Promote {deploy.service} {deploy.release_name} to {' or '.join(card.promotes_to)}"
        return [button("Promote…", PROMOTE, _value(card), style="primary", hint=hint)]
    # the last approval removes the buttons even before the state has changed
    if deploy.status is not Status.WAITING or card.seating.complete:
        return []
    value, what = _value(card), f"{deploy.number} {deploy.service} {deploy.release_name} to {deploy.environment}"
    approve = button("Approve", APPROVE, value, style="primary", hint=f"Approve {what}")
    reject = button("Reject…", REJECT, value, style="danger", hint=f"Reject {what}")
    return [{**approve, "confirm": _confirm(card)}, reject]


def _confirm(card: Card) -> Json:
    deploy = card.deploy
    when = "right away" if len(card.seating.missing) == 1 else "once the other approvals are in"
    name = release_name(deploy.version[:80], deploy.revision)
    text = f"{deploy.service} {name} will start in {deploy.environment} {when}."
    if card.plan and card.plan.effect:
        text += f" Plan {card.plan.number}: {card.plan.effect}."
    return confirm(f"Approve {deploy.number}?", text, "Approve")


def menu(card: Card) -> Json | None:
    """The menu of what else may be done with the deploy now; None if nothing may."""
    deploy, value = card.deploy, _value(card)
    waits = deploy.status in {Status.WAITING, Status.READY}
    # offered only to a deploy that waits for its turn: to any other it makes no difference
    held_by_turn = any(reason.code == "turn" for reason in deploy.blocked)
    choices = [
        ("Withdraw", "withdraw", deploy.status.undecided),
        ("Retract my approval", "retract", deploy.status.undecided and any(not each.void for each in card.approvals)),
        ("New plan", "replan", waits),
        ("Replace the running rollout", "replace", waits and held_by_turn and not deploy.replaces),
    ]
    return overflow(MENU, [(label, f"{verb} {value}") for label, verb, applies in choices if applies])


def _value(card: Card) -> str:
    return f"{card.deploy.number}:{card.deploy.plan}"
