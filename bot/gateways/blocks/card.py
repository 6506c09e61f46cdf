"""A deploy's one message, in every state: what it shows, and the buttons that still mean something.

Slack's limits hold whatever the records carry: what does not fit is cut, with a pointer to the thread.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bot.domain.deploy import Status
from bot.domain.message import STATE_WORDS
from bot.gateways.blocks.decide import buttons, menu
from bot.gateways.blocks.facts import approvals_of, facts_of, name_of
from bot.gateways.blocks.parts import Json, Message, actions, context, fields, numbered, section
from bot.gateways.blocks.progress import progress_of
from bot.gateways.blocks.text import code, fit, link, moment, quoted, words

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from bot.domain.message import Card

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
"""Repeats the state's word, never stands for it."""

EVENT_TYPE: Final = "nomatron_deploy"
_MOST_LINES = 12


def render(card: Card) -> Message:
    """The message: others rely on its ``text`` and ``metadata`` (``docs/slack.md``)."""
    deploy = card.deploy
    blocks = numbered(list(_blocks(card)), deploy.number)
    payload = {"id": deploy.number, "plan": deploy.plan, "status": deploy.status.value}
    return Message(headline(card), blocks, {"event_type": EVENT_TYPE, "event_payload": payload})


def headline(card: Card) -> str:
    """``STATE: SERVICE VERSION to ENV, asked by NAME (D-n)``: the notification, and what a screen reader says."""
    deploy = card.deploy
    # capped well below Slack's 4,000: a longer text is refused by chat.update though chat.postMessage took it
    what = f"{words(deploy.service, 128)} {words(deploy.version, 160)} to {words(deploy.environment, 128)}"
    return f"{STATE_WORDS[deploy.status]}: {what}, asked by {name_of(deploy.requester)} ({deploy.number})"


def _blocks(card: Card) -> Iterator[tuple[str, Json]]:
    yield "head", section(_head(card), menu(card))
    yield "facts", fields(facts_of(card))
    if card.deploy.reason:
        yield "reason", section(quoted(card.deploy.reason))
    sections = {
        "plan": (_plan(card), 2000),
        "moved": (_moved(card), 1300),
        "state": (_state(card), 1600),
        "rollout": (progress_of(card), 1800),
        "approvals": (approvals_of(card), 1500),
    }
    # Slack refuses a message whose blocks hold more than 13,200 characters in all (bolt-js issue 2509)
    for name, (lines, limit) in sections.items():
        shown = [line for line in lines if line.strip()]
        if shown:
            yield name, section(fit(_few(shown), limit))
    # after everything that should be read before they are pressed
    row = buttons(card)
    if row:
        yield "decide", actions(row)
    yield "about", context(_about(card))


def _head(card: Card) -> str:
    deploy = card.deploy
    what = f"deploy *{words(deploy.service, 128)}* {code(deploy.version, 160)} to *{words(deploy.environment, 128)}*"
    return f"{EMOJI[deploy.status]} *{STATE_WORDS[deploy.status]}* — {what}"


def _plan(card: Card) -> list[str]:
    lines = []
    if card.plan and card.plan.effect:
        lines.append(f":mag: {words(card.plan.effect, 700)}")
    lines += _differs(card)
    lines += _links(card)
    warnings = card.plan.warnings if card.plan else ()
    return lines + [f":warning: {words(warning, 400)}" for warning in warnings]


def _differs(card: Card) -> list[str]:
    """What is not as in the environment before: the one thing that was not tried out there."""
    differs = card.plan.differs if card.plan else ()
    if not differs:
        return []
    before = f"*{words(card.deploy.promotes, 128)}*" if card.deploy.promotes else "the environment before"
    return [f":left_right_arrow: Compared with {before}: " + " · ".join(words(each, 160) for each in differs)]


def _links(card: Card) -> list[str]:
    """The links side by side; a very long address is left out rather than cut."""
    shown = [link(url, label) for label, url in card.links.items()]
    fitting = [each for each in shown if len(each) <= 400]
    return [" · ".join(fitting[:3])] if fitting else []


def _moved(card: Card) -> list[str]:
    # once it has ended, what moved on the way to it is history; the thread has it
    moved = card.plan.moved if card.plan and card.deploy.status.open else ()
    if not moved:
        return []
    heading = ":twisted_rightwards_arrows: *What moved since the plan before* (approvals of that one are void):"
    return [heading, *(f"• {words(sentence, 300)}" for sentence in moved)]


def _state(card: Card) -> list[str]:
    deploy = card.deploy
    lines = [words(deploy.detail, 1100)] if deploy.detail else []
    return lines + [f":hourglass: {words(reason.text, 400)}" for reason in deploy.blocked]


def _few(lines: Sequence[str]) -> list[str]:
    more = len(lines) - _MOST_LINES
    return [*lines[:_MOST_LINES], f"_… and {more} more in the thread_"] if more > 0 else list(lines)


def _about(card: Card) -> str:
    deploy = card.deploy
    parts = [code(deploy.number), f"asked {moment(deploy.requested_at)}"]
    if deploy.plan:
        parts.insert(1, f"plan {deploy.plan}")
    if deploy.status.undecided:
        parts.append(f"expires {moment(deploy.expires_at)}")
    elif not deploy.status.open:
        parts.append(f"ended {moment(deploy.changed_at)}")
    if card.twice:
        parts.append("posted again, as Slack did not answer the first time")
    return " · ".join(parts)
