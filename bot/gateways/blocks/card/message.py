"""A deploy's one message in every state: what it shows, and the buttons that apply.

The message stays within Slack's limits whatever the records carry: what does not fit is cut, with a pointer to the
thread.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bot.domain.deploy.deploy import Status
from bot.domain.deploy.message import STATE_WORDS
from bot.gateways.blocks.card.buttons import buttons, menu
from bot.gateways.blocks.card.facts import approvals_of, facts_of, name_of
from bot.gateways.blocks.card.progress import progress_of
from bot.gateways.blocks.parts import Json, Message, actions, context, fields, section, with_block_ids
from bot.gateways.blocks.text import block_quote, code, fit, link, moment, second, who, words

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from bot.domain.decision import Reason
    from bot.domain.deploy.message import Card

EMOJI: Final = {
    Status.PLANNING: ":hourglass_flowing_sand:",
    Status.WAITING: ":large_yellow_circle:",
    Status.READY: ":large_blue_circle:",
    Status.DISPATCHING: ":large_blue_circle:",
    Status.ROLLING: ":large_blue_circle:",
    Status.SUCCEEDED: ":large_green_circle:",
    Status.FAILED: ":red_circle:",
    Status.REJECTED: ":no_entry:",
    Status.EXPIRED: ":hourglass:",
    Status.WITHDRAWN: ":heavy_minus_sign:",
    Status.SUPERSEDED: ":fast_forward:",
    Status.INVALID: ":warning:",
    Status.UNCHANGED: ":white_circle:",
}
"""An emoji for each state; the state's word always stands beside it."""

_TOLD_BY_ROLLOUT: Final = frozenset({Status.SUCCEEDED, Status.FAILED})
_LABELS: Final = {Status.REJECTED: "*Reason* ", Status.FAILED: "*Why* ", Status.INVALID: "*Why* "}
EVENT_TYPE: Final = "nomatron_deploy"
_MOST_LINES = 12


def render(card: Card) -> Message:
    """A deploy's message. Other programs rely on its ``text`` and ``metadata`` (``docs/slack.md``)."""
    deploy = card.deploy
    blocks = with_block_ids(list(_blocks(card)), deploy.number)
    payload = {"id": deploy.number, "plan": deploy.plan, "status": deploy.status.value}
    metadata = {"event_type": EVENT_TYPE, "event_payload": payload}
    plain = Message(headline(card), (), metadata)
    return Message(plain.text, blocks, metadata, plainer=plain)


def headline(card: Card) -> str:
    """``STATE: SERVICE VERSION to ENV, asked by NAME (D-n)``: the notification, and what a screen reader says."""
    deploy = card.deploy
    # capped well below Slack's 4,000: a longer text is refused by chat.update though chat.postMessage took it
    what = f"{words(deploy.service, 128)} {words(deploy.version, 160)} to {words(deploy.environment, 128)}"
    return f"{STATE_WORDS[deploy.status]}: {what}, asked by {name_of(deploy.requester)} ({deploy.number})"


def _blocks(card: Card) -> Iterator[tuple[str, Json]]:
    yield "head", section(_head(card), menu(card))
    # what happened, or what blocks it, before what was requested: it is read at night, and on a phone
    yield from _section("state", state_of(card), 1600)
    yield from _section("rollout", progress_of(card), 1800)
    yield from _section("moved", _changes_since_last_plan(card), 1300)
    yield "facts", fields(facts_of(card))
    if card.deploy.reason:
        yield "reason", section(block_quote(card.deploy.reason))
    yield from _section("plan", plan_of(card), 2000)
    yield from _section("approvals", approvals_of(card), 1500)
    # after everything that should be read before they are pressed
    row = buttons(card)
    if row:
        yield "decide", actions(row)
    yield "about", context(_about(card))


def _section(name: str, lines: Iterable[str], limit: int) -> Iterator[tuple[str, Json]]:
    """The lines as a section, if there are any.

    Slack refuses a message whose blocks hold more than 13,200 characters in all (bolt-js issue 2509).
    """
    shown = [line for line in lines if line.strip()]
    if shown:
        yield name, section(fit(_few(shown), limit))


def _head(card: Card) -> str:
    deploy = card.deploy
    what = f"*{words(deploy.service, 128)}* {code(deploy.release_name, 160)} to *{words(deploy.environment, 128)}*"
    return f"{EMOJI[deploy.status]} *{STATE_WORDS[deploy.status]}* — {what} ({code(deploy.number)})"


def plan_of(card: Card) -> list[str]:
    """Lines on the plan: its effect, where to look further, and its warnings until Nomad shows what came of it."""
    if card.plan is None:
        return []
    effect = [f":mag: *Plan* {words(card.plan.effect, 700)}"] if card.plan.effect else []
    warnings = () if card.rollouts else card.plan.warnings
    lines = [*effect, *_differs(card), *_links(card)]
    return lines + [f":warning: {words(warning, 400)}" for warning in warnings]


def _differs(card: Card) -> list[str]:
    """How the job differs from the one in the previous environment: that part was not tried out there."""
    plan = card.plan
    if plan is None or not plan.differs:
        return []
    # a plan that is older than this field does not name it
    before = f"*{words(plan.compared_with, 128)}*" if plan.compared_with else "the previous environment"
    return [f":left_right_arrow: Compared with {before}: " + " · ".join(words(each, 160) for each in plan.differs)]


def _links(card: Card) -> list[str]:
    """The links side by side; a very long address is left out rather than cut."""
    shown = [link(url, label) for label, url in card.links.items()]
    fitting = [each for each in shown if len(each) <= 400]
    return [" · ".join(fitting[:3])] if fitting else []


def _changes_since_last_plan(card: Card) -> list[str]:
    # once the deploy has ended, changes between its plans are history; the thread has them
    moved = card.plan.moved if card.plan and card.deploy.status.open else ()
    if not moved:
        return []
    void = " (its approvals no longer count)" if card.seating.seats else ""
    heading = f":twisted_rightwards_arrows: *Changed since the last plan*{void}:"
    return [heading, *(f"• {words(sentence, 300)}" for sentence in moved)]


def state_of(card: Card) -> list[str]:
    """Lines on why the deploy is in its state, and what it waits for."""
    deploy = card.deploy
    # the rollout's own lines tell how it ended, with its counts
    told = deploy.status in _TOLD_BY_ROLLOUT and bool(card.rollouts)
    lines = [f"{_LABELS.get(deploy.status, '')}{words(deploy.detail, 1100)}"] if deploy.detail and not told else []
    if card.ended_by is not None:
        lines.append(f"*{STATE_WORDS[deploy.status]} by* {name_of(card.ended_by)}, {moment(deploy.changed_at)}")
    lines += [_blocker(reason) for reason in deploy.blocked]
    by_itself = deploy.status.open and deploy.status is not Status.WAITING
    goes_on = deploy.blocked and by_itself and not any(reason.code == "outcome-unprovable" for reason in deploy.blocked)
    return [*lines, "_Continues automatically._"] if goes_on else lines


def _blocker(reason: Reason) -> str:
    people = who(reason.users, reason.groups, 6)
    return f":hourglass: {words(reason.text, 400)}{possible_at(reason)}" + (f" Who can: {people}." if people else "")


def possible_at(reason: Reason) -> str:
    """When it becomes possible, as a sentence after the reason's own; empty if that is not known."""
    return f" Possible from {second(reason.possible_at)} on." if reason.possible_at else ""


def _few(lines: Sequence[str]) -> list[str]:
    more = len(lines) - _MOST_LINES
    return [*lines[:_MOST_LINES], f"_… and {more} more in the thread_"] if more > 0 else list(lines)


def _about(card: Card) -> str:
    deploy = card.deploy
    parts = [f"plan {deploy.plan}"] if deploy.plan else []
    parts.append(f"requested {moment(deploy.requested_at)}")
    if deploy.status.undecided:
        parts.append(f"expires {moment(deploy.expires_at)}")
    elif not deploy.status.open:
        parts.append(f"ended {moment(deploy.changed_at)}")
    if card.twice:
        parts.append("reposted: Slack did not confirm the first message")
    return " · ".join(parts)
