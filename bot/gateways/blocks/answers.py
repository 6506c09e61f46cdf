"""Answers that only one person sees: to what they typed or clicked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.domain.deploy.deploy import Status
from bot.domain.deploy.message import STATE_WORDS
from bot.domain.jobdiff.whole import pages, plan_lines, tally
from bot.domain.locks import reason_of
from bot.gateways.blocks.card.buttons import buttons
from bot.gateways.blocks.card.ended import result_of, why_of
from bot.gateways.blocks.card.facts import approvals_of, count_of, replaces_of
from bot.gateways.blocks.card.message import EMOJI, folded, headline, locks_of, state_of
from bot.gateways.blocks.card.progress import progress_of
from bot.gateways.blocks.note import plain_of
from bot.gateways.blocks.pages import Pages, turn
from bot.gateways.blocks.parts import Json, Message, actions, context, preformatted, section
from bot.gateways.blocks.reasons import blocker, name_of, times
from bot.gateways.blocks.text import block_quote, code, fit, moment, who, words
from bot.gateways.blocks.text import channel as channel_link

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from bot.domain.catalog.catalog import Catalog
    from bot.domain.decision import Reason, Refused
    from bot.domain.deploy.approval import Seating
    from bot.domain.deploy.deploy import Deploy
    from bot.domain.deploy.message import Card
    from bot.domain.deploy.plan import Plan
    from bot.domain.locks import Lock

REFUSED = ":no_entry:"
"""The sign of a refusal that has no sign of its own."""
_NO_PAGES = Pages()


def from_lines(*lines: str, more: Iterable[Json] = ()) -> Message:
    """Lines of ready mrkdwn as an answer, and blocks after them."""
    return Message(plain_of(lines), (section(fit(lines, pointer="_… and more_")), *more))


def refusal(refusal: Refused, emoji: str = REFUSED) -> Message:
    """Why an action was refused: every reason, each with who could do it instead."""
    lines: list[str] = []
    for number, reason in enumerate(refusal.reasons[:20]):
        sign = emoji if number == 0 else "•"
        people = who(reason.users, reason.groups)
        text = f"{words(reason.text, 1200)}{times(reason)}"
        lines.append(f"{sign} {text}" + (f" Who can: {people}." if people else ""))
    return from_lines(*lines)


def went_wrong(sentence: str, emoji: str) -> Message:
    """An unexpected failure: a sentence on what broke and what to do."""
    return from_lines(f"{emoji} {words(sentence, 1500)}")


def request_recorded(
    deploy: Deploy, *, existing: bool, channel: str = "", notes: Sequence[str] = (), holds: Sequence[Reason] = ()
) -> Message:
    """The request is recorded, or the same one is open already; with what to know of it, and what will hold it."""
    what = f"{code(deploy.number)} {_what(deploy)}"
    if existing:
        first = f":arrows_counterclockwise: Already requested: {what}, {_state(deploy)}."
    else:
        where = f" Its message will be in {channel_link(channel)}." if channel else ""
        first = f":inbox_tray: Recorded as {what}. Nomatron is planning it now.{where}"
    return from_lines(first, *(f"• {words(note, 500)}" for note in notes), *(blocker(each) for each in holds))


def approval_counted(deploy: Deploy, seating: Seating) -> Message:
    """The person's approval counts: how many there are now, and whose are still missing."""
    count = count_of(seating)
    first = f":white_check_mark: Your approval of {code(deploy.number)} (plan {deploy.plan}) counts: "
    if seating.complete:
        held = [blocker(reason) for reason in deploy.blocked]
        return from_lines(f"{first}{count}.{'' if held else f' Next to start: {_what(deploy)}.'}", *held)
    missing = ", ".join(dict.fromkeys(words(seat.label, 100) for seat in seating.missing))
    return from_lines(f"{first}{count}. Still missing: {missing}.")


def locked(lock: Lock, catalog: Catalog) -> Message:
    """The lock was placed: what it closes, until when, and how to lift it."""
    lift = code(f"/deploy unlock {lock.scope.name} because TEXT")
    return from_lines(
        blocker(reason_of(lock, catalog)),
        f"Deploys that are ready wait now. Rollouts that run finish. To lift the lock: {lift}.",
    )


def unlocked(lock: Lock) -> Message:
    """The lock was lifted: whose it was, and why it was there."""
    by, since = name_of(lock.holder), moment(lock.placed_at)
    return from_lines(
        f":unlock: The lock on {words(lock.scope.name, 260)} was lifted. {by} had placed it {since}: "
        f"{words(lock.reason, 1000)}",
        "What waited for it alone goes on now.",
    )


def unseen(card: Card) -> Message:
    """The change that the person has to know before they approve it, and the buttons for it."""
    first = (
        f":eyes: Nothing is approved yet: {code(card.deploy.number)} no longer changes what it did when it was "
        "requested. Look at its current plan, then approve that."
    )
    shown, row = plan(card), buttons(card)
    return Message(plain_of([first, shown.text]), (section(first), *shown.blocks, *([actions(row)] if row else [])))


def deploy_changed(deploy: Deploy, what: str = "") -> Message:
    """A deploy was changed; ``what`` says how, in our own words, if its new state alone does not say it."""
    state = _state(deploy)
    result = f"{what}. It is now: {state}" if what else state
    return from_lines(f":heavy_check_mark: {code(deploy.number)} {_what(deploy)}: {result}.")


def _what(deploy: Deploy) -> str:
    return f"{words(deploy.service, 128)} {code(deploy.release_name, 160)} to {words(deploy.environment, 128)}"


def _state(deploy: Deploy) -> str:
    return STATE_WORDS[deploy.status].casefold()


def one(card: Card) -> Message:
    """The answer to ``status D-n``: the state of a deploy, without buttons."""
    deploy = card.deploy
    lines = [f"{EMOJI[deploy.status]} {headline(card)}"]
    if deploy.status.open:
        lines += [f"since {moment(deploy.changed_at)}", *locks_of(card), *state_of(card), *progress_of(card)]
    else:
        lines += [result_of(card), *why_of(card)]
    lines += [*replaces_of(card), *folded(card)]
    if deploy.status is Status.WAITING and card.seating.missing:
        labels = dict.fromkeys(words(seat.label, 100) for seat in card.seating.missing)
        lines.append(f"Missing: {', '.join(labels)}")
    return from_lines(*lines, *approvals_of(card))


def plan_pages(deploy: Deploy, shown: Plan) -> int:
    """How many pages the plan has."""
    return len(pages(plan_lines(deploy, shown)))


def plan(card: Card, number: int = 1, turns: Pages = _NO_PAGES) -> Message:
    """The answer to ``plan D-n``: a page of the whole difference in the card's plan.

    ``turns`` has the values of the buttons to the other pages.
    """
    deploy, shown = card.deploy, card.plan
    if shown is None:
        blocked = [blocker(reason) for reason in deploy.blocked]
        return from_lines(
            f":hourglass_flowing_sand: {code(deploy.number)} has no plan yet: {_state(deploy)}.", *blocked
        )
    texts = pages(plan_lines(deploy, shown))
    at = min(max(1, number), len(texts))
    first = f":mag: {code(deploy.number)} {_what(deploy)}, plan {shown.number} of {moment(shown.at)}"
    lines = [first, f"*{tally(shown.changes)}*"]
    if len(texts) > 1:
        lines.append(f"Page {at} of {len(texts)}.")
    if shown.number != deploy.plan:
        lines.append(f":warning: This plan was replaced: the newest one is plan {deploy.plan}.")
    if at == 1:
        lines += [*replaces_of(card), words(shown.effect, 1000)]
        lines += [f":warning: {words(warning, 400)}" for warning in shown.warnings]
        lines += [block_quote(deploy.reason, 500)] if deploy.reason else []
    mark = context(f"fingerprint {code(shown.fingerprint[:16])} · requested by {name_of(deploy.requester)}")
    # preformatted text is literal, so the difference needs no escaping and cannot mention anybody
    row = turn(turns, "of the plan", older="Next page", newest="First page")
    return from_lines(*lines, more=(preformatted(texts[at - 1]), mark, *row))
