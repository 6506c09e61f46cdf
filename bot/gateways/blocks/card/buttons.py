"""The buttons and the menu of a deploy's message; they carry ``D-12:2``: the deploy and the plan that was seen."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bot.domain.catalog.release import release_name
from bot.domain.deploy.deploy import Status
from bot.domain.deploy.plan import JobState
from bot.domain.jobdiff.whole import nothing, tally
from bot.gateways.blocks.card.changes import most_of
from bot.gateways.blocks.parts import Json, button, confirm, overflow

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bot.domain.deploy.message import Card

APPROVE: Final = "deploy.approve"
REJECT: Final = "deploy.reject"
MENU: Final = "deploy.menu"
AGAIN: Final = "deploy.again"
PROMOTE: Final = "deploy.promote"
ROLL_BACK: Final = "deploy.rollback"
"""The action ids of the buttons and the menu."""
_MOST_CONFIRM: Final = 300
"""Characters of a confirmation's text (https://docs.slack.dev/reference/block-kit/composition-objects)."""


def buttons(card: Card) -> list[Json]:
    """Approve and Reject… while approvals are missing; Promote… and Roll back… if the deploy may go on or back."""
    deploy = card.deploy
    if not deploy.status.open:
        return list(_after_the_end(card))
    # the last approval removes the buttons even before the state has changed
    if deploy.status is not Status.WAITING or card.seating.complete:
        return []
    value, what = _value(card), f"{deploy.number} {deploy.service} {deploy.release_name} to {deploy.environment}"
    approve = button("Approve", APPROVE, value, style="primary", hint=f"Approve {what}")
    reject = button("Reject…", REJECT, value, style="danger", hint=f"Reject {what}")
    return [{**approve, "confirm": _confirm(card)}, reject]


def _after_the_end(card: Card) -> Iterator[Json]:
    deploy = card.deploy
    if deploy.status is Status.SUCCEEDED and card.promotes_to:
        hint = f"Promote {deploy.service} {deploy.release_name} to {' or '.join(card.promotes_to)}"
        yield button("Promote…", PROMOTE, _value(card), style="primary", hint=hint)
    if card.rolls_back_to:
        hint = f"Roll {deploy.service} in {deploy.environment} back to {card.rolls_back_to}"
        yield button("Roll back…", ROLL_BACK, _value(card), style="danger", hint=hint)


def _confirm(card: Card) -> Json:
    """What the click starts, and as many flagged changes as Slack's 300 characters take; the others are counted."""
    deploy = card.deploy
    when = "right away" if len(card.seating.missing) == 1 else "once the other approvals are in"
    name = release_name(deploy.version[:60], deploy.revision)
    text = f"{deploy.service[:60]} {name} will start in {deploy.environment[:40]} {when}."
    text += _surprise(card)
    change = _change(card, _MOST_CONFIRM - len(text) - 1)
    return confirm(f"Approve {deploy.number}?", f"{text} {change}".strip(), "Approve")


def _surprise(card: Card) -> str:
    """What nobody expects of a deploy, and no line of the list says."""
    base = card.plan.base if card.plan else None
    if base is None:
        return ""
    if base.state is JobState.STOPPED:
        return " It starts a stopped job."
    return " First deploy over a running job." if base.first and base.state is JobState.RUNNING else ""


def _change(card: Card, room: int) -> str:
    plan = card.plan
    if plan is None:
        return ""
    flagged = [each for each in plan.changes if each.flags]
    if not flagged:
        return f"{tally(plan.changes)}." if plan.changes else nothing(plan)
    others = len(plan.changes) - len(flagged)
    rest = f". {others} other {'change' if others == 1 else 'changes'}." if others else "."
    counted = f"{len(flagged)} flagged: "
    return f"{counted}{most_of(flagged, room - len(counted) - len(rest))}{rest}"


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
