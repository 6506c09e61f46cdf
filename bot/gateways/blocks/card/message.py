"""A deploy's one message over its life: the whole change and the buttons, then the progress, then two lines.

The message stays within Slack's limits whatever the records carry: a list that does not fit is cut, and the cut is
counted.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bot.domain.decision import Reason
from bot.domain.deploy.deploy import Status
from bot.domain.deploy.dispatch import how_to_resolve
from bot.domain.deploy.message import STATE_WORDS
from bot.domain.deploy.sentences import STARTS_STOPPED
from bot.domain.jobdiff.whole import explicit
from bot.gateways.blocks.card.buttons import buttons, menu
from bot.gateways.blocks.card.changes import in_a_line, sections_of
from bot.gateways.blocks.card.ended import REPOSTED, result_of, why_of
from bot.gateways.blocks.card.facts import (
    approvals_of,
    links_of,
    needs_of,
    people_of,
    replaces_of,
    request_of,
    resolved_by,
    rollback_of,
    takeover_of,
)
from bot.gateways.blocks.card.progress import progress_of
from bot.gateways.blocks.cells import MOST_MESSAGE, weight
from bot.gateways.blocks.parts import Json, Message, actions, context, preformatted, section, with_block_ids
from bot.gateways.blocks.reasons import blocker, name_of
from bot.gateways.blocks.text import code, fit, moment, words

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from bot.domain.deploy.message import Card
    from bot.domain.deploy.plan import Plan

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

_DECIDED_ON: Final = frozenset({Status.WAITING, Status.READY})
"""States in which people may still say yes or no: they see the whole change."""
EVENT_TYPE: Final = "nomatron_deploy"
_MOST_LINES = 12
PENDING: Final = ": that counts once no attempt can be on its way, unless Nomad shows what happened"
_FEWEST = 1200
"""Characters that the change list has in any case; the other parts leave more than that, whatever they carry."""
_LONGEST_LOCKS: Final = 700
"""Characters of the locks; a line for one of them fits, whatever it carries."""


def render(card: Card) -> Message:
    """A deploy's message. Other programs rely on its ``text`` and ``metadata`` (``docs/slack.md``)."""
    deploy = card.deploy
    blocks = with_block_ids(_blocks(card), deploy.number)
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


_Named = tuple[str, Json]


def _blocks(card: Card) -> list[_Named]:
    if not card.deploy.status.open:
        return list(_ended(card))
    if card.deploy.status in _DECIDED_ON and card.plan is not None:
        return _to_decide(card, card.plan)
    return list(_under_way(card))


def _to_decide(card: Card, plan: Plan) -> list[_Named]:
    """The whole change, before the buttons."""
    before = [
        *_head(card),
        *_section("rollback", rollback_of(card), 1600),
        *_section("base", replaces_of(card), 600),
        *_section("takeover", takeover_of(card), 900),
    ]
    after = [
        *_section("differs", _differs(plan), 600),
        *_section("plan", _rollout_line(plan), 1000),
        *_section("needs", [*needs_of(card), *approvals_of(card)], 1400),
        *_section("request", request_of(card), 1300),
        *_settings(card),
    ]
    row = buttons(card)
    # after everything that should be read before they are pressed
    after += [*([("decide", actions(row))] if row else []), ("about", _small_print(card))]
    room = MOST_MESSAGE - weight([block for _, block in [*before, *after]])
    changes = [
        (f"changes{number}", section(text)) for number, text in enumerate(sections_of(plan, max(_FEWEST, room)), 1)
    ]
    return [*before, *changes, *after]


def _under_way(card: Card) -> Iterator[_Named]:
    """The progress, with the change list folded to a line."""
    yield from _head(card)
    yield from _section("rollout", progress_of(card), 1800)
    yield from _section("plan", folded(card), 1100)
    yield "about", _small_print(card)


def _ended(card: Card) -> Iterator[_Named]:
    """Two lines; a failure keeps its reason, a success its button."""
    yield "head", section(fit([_title(card), result_of(card)], 2400, "…"))
    yield from _section("why", why_of(card), 1700)
    row = buttons(card)
    if row:
        yield "decide", actions(row)


def _head(card: Card) -> Iterator[_Named]:
    yield "head", section(_title(card), menu(card))
    # what blocks it, before what was requested: it is read at night, and on a phone
    closed = locks_of(card)
    if closed:
        yield "locks", section(fit(closed, _LONGEST_LOCKS, "_… and more locks: `/deploy status`_"))
    yield from _section("state", state_of(card), 700)
    yield from _section("moved", _changes_since_last_plan(card), 700)


def _section(name: str, lines: Iterable[str], limit: int) -> Iterator[_Named]:
    """The lines as a section, if there are any.

    Slack refuses a message whose blocks hold more than 13,200 characters in all (bolt-js issue 2509).
    """
    shown = [line for line in lines if line.strip()]
    if shown:
        yield name, section(fit(_few(shown), limit))


def _title(card: Card) -> str:
    deploy = card.deploy
    what = f"*{words(deploy.service, 128)}* {code(deploy.release_name, 160)} to *{words(deploy.environment, 128)}*"
    return f"{EMOJI[deploy.status]} *{STATE_WORDS[deploy.status]}* — {what} ({code(deploy.number)})"


def _settings(card: Card) -> Iterator[_Named]:
    """The settings of the request, whole: what an approver did not see, they did not approve."""
    settings, back = sorted(card.deploy.overrides.items()), card.deploy.rollback
    if settings:
        whose = "Set by the request" if back is None else f"Settings of {back.name}"
        yield "settings", section(f"*{whose}* ({len(settings)})")
        # literal text: it needs no escaping, so that ten long values fit, and it cannot mention anybody
        yield "values", preformatted("\n".join(explicit(f"{name} = {value}") for name, value in settings))


def _rollout_line(plan: Plan) -> list[str]:
    """What the rollout will do, in a line, and what to know of it; Nomad's own counts replace both later."""
    effect = [f":mag: *Rollout* {words(plan.effect, 700)}"] if plan.effect else []
    # what a stopped job means stands at the top already
    warnings = [each for each in plan.warnings if each != STARTS_STOPPED]
    return [*effect, *(f":warning: {words(each, 400)}" for each in warnings)]


def folded(card: Card) -> list[str]:
    """The plan in a line, and who stands behind it."""
    plan = card.plan
    if plan is None:
        return [people_of(card)]
    where = f"in the thread, and with {code(f'/deploy plan {card.deploy.number}')}"
    return [f":mag: {words(in_a_line(plan), 500)} — {where}", people_of(card)]


def _differs(plan: Plan) -> list[str]:
    """How the job differs from the one in the previous environment: that part was not tried out there."""
    if not plan.differs:
        return []
    # a plan that is older than this field does not name it
    before = words(plan.compared_with, 128) if plan.compared_with else "the previous environment"
    return [f":left_right_arrow: *Compared with {before}*", *(f"• {words(each, 160)}" for each in plan.differs)]


def _changes_since_last_plan(card: Card) -> list[str]:
    moved = card.plan.moved if card.plan else ()
    if not moved:
        return []
    void = " (its approvals no longer count)" if card.seating.seats else ""
    heading = f":twisted_rightwards_arrows: *Changed since the last plan*{void}:"
    return [heading, *(f"• {words(sentence, 300)}" for sentence in moved)]


def locks_of(card: Card) -> list[str]:
    """A line for each lock that closes the deploy's place now, the narrowest first."""
    return [blocker(reason) for reason in card.locks]


def state_of(card: Card) -> list[str]:
    """Lines on why an open deploy is in its state, and what it waits for besides locks."""
    deploy = card.deploy
    lines = [words(deploy.detail, 600)] if deploy.detail else []
    # the card has the locks as they are now: those of when it was last held may have been lifted since
    held = [reason for reason in deploy.blocked if reason.code != "locked"]
    lines += [blocker(reason) for reason in held]
    # a first plan takes a second: whoever reads this in the channel waits for a call that hangs, or in a long queue
    if deploy.status is Status.PLANNING and not deploy.plan and not deploy.blocked:
        lines.append(blocker(Reason("nomad-unavailable", "No plan from Nomad yet.", since=deploy.changed_at)))
    if deploy.resolution:
        said = resolved_by(card)
        lines.append(said[:1].upper() + said[1:] + (PENDING if deploy.status is Status.DISPATCHING else ""))
    by_itself = deploy.status is not Status.WAITING
    if deploy.status is Status.ROLLING and (deploy.blocked or any(each.stuck for each in card.rollouts)):
        lines.append(words(how_to_resolve(deploy), 400))
    goes_on = (held or card.locks) and by_itself and not any(reason.code == "outcome-unprovable" for reason in held)
    return [*lines, "_Continues automatically._"] if goes_on else lines


def _few(lines: Sequence[str]) -> list[str]:
    more = len(lines) - _MOST_LINES
    return [*lines[:_MOST_LINES], f"_… and {more} more in the thread_"] if more > 0 else list(lines)


def _small_print(card: Card) -> Json:
    links = links_of(card)
    return context(_about(card), *([links] if links else []))


def _about(card: Card) -> str:
    deploy = card.deploy
    parts = [f"plan {deploy.plan}"] if deploy.plan else []
    job = "" if card.job == deploy.service else f" · job {code(card.job, 150)}"
    parts.append(f"namespace {code(card.namespace, 100)}{job}")
    parts.append(f"requested {moment(deploy.requested_at)}")
    if deploy.status.undecided:
        parts.append(f"expires {moment(deploy.expires_at)}")
    return " · ".join([*parts, *([REPOSTED] if card.twice else [])])
