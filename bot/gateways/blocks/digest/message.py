"""The daily digest as one message: what to look at, the changes of the final environments, the numbers, small print.

*What to look at* stands above the table: some clients draw a table below everything else.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bot.domain.audit.history import Outcome
from bot.domain.digest.report import Layout
from bot.domain.durations import short
from bot.gateways.blocks.cells import MOST_MESSAGE, MOST_TABLE, weight
from bot.gateways.blocks.digest.changes import Changes
from bot.gateways.blocks.digest.look_at import kinds_of, texts_of
from bot.gateways.blocks.localtime import local_span
from bot.gateways.blocks.parts import Json, Message, context, fields, plain, section, with_block_ids
from bot.gateways.blocks.text import fit, words

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import timedelta

    from bot.domain.digest.report import DigestCard, Report
    from bot.gateways.blocks.localtime import LocalSpan

_SPARE: Final = 200
"""Characters kept for the small print about what was left off."""
_LONGEST_TEXT = 3_500
_MOST_ENVIRONMENTS = 6
_PHRASES: Final = {
    Outcome.DEPLOYED: "deployed",
    Outcome.FAILED: "failed",
    Outcome.REVERTED: "reverted",
    Outcome.REJECTED: "rejected",
    Outcome.EXPIRED: "expired",
    Outcome.WITHDRAWN: "withdrawn",
    Outcome.SUPERSEDED: "superseded",
    Outcome.INVALID: "invalid",
    Outcome.UNCHANGED: "with nothing to do",
    Outcome.OPEN: "still open",
}
_WENT_WRONG: Final = (Outcome.FAILED, Outcome.REVERTED)
_DID_NOT_RUN: Final = (Outcome.REJECTED, Outcome.EXPIRED, Outcome.WITHDRAWN)
_OTHERS: Final = (Outcome.SUPERSEDED, Outcome.INVALID, Outcome.UNCHANGED, Outcome.OPEN)


def render(card: DigestCard, layout: Layout) -> Message:
    """The message in that layout, with the plainer ones behind it; within Slack's limits whatever the report holds.

    Its ``text`` has the numbers; under ``Layout.PLAIN`` it is the whole message and also says what to look at.
    """
    at = local_span(card.report.scope.span, card.report.zone)
    first = headline(card.report, at)
    if layout.plainer is None:
        return Message(_plainly(card, at, first))
    drawn = _quiet(card, at, first) if card.report.quiet else _full(card, at, layout)
    return Message(first, with_block_ids(drawn, card.day.isoformat()), plainer=render(card, layout.plainer))


def headline(report: Report, at: LocalSpan) -> str:
    """What a notification shows: how many were requested and deployed, and every other number that is not zero."""
    if report.quiet:
        return f"Deployments {at.title}: a quiet day. No requests, no deploys, nothing open."
    counts = [f"{report.requested:,} requested", _count(report, Outcome.DEPLOYED)]
    rest = _counts(report, (*_WENT_WRONG, *_DID_NOT_RUN, *_OTHERS))
    return f"Deployments {at.title}: {', '.join([*counts, *rest])}"


def _quiet(card: DigestCard, at: LocalSpan, first: str) -> list[tuple[str, Json]]:
    # the one line has neither a year nor the environments, which matter to somebody who looks a day up
    span = [("span", context(_about(card, at)))] if card.preview else []
    return [("quiet", section(first)), *span, *_notes(card, at)]


def _full(card: DigestCard, at: LocalSpan, layout: Layout) -> list[tuple[str, Json]]:
    report = card.report
    blocks = [
        ("head", {"type": "header", "text": plain(f"Deployments {at.title}", 150)}),
        ("span", context(_about(card, at))),
        *_notes(card, at),
        *_to_look_at(report, at),
    ]
    # what people act on comes first; the counters, which are for the record, come last
    numbers, footer = fields(_numbers(report)), context(_footer(card))
    room = MOST_MESSAGE - _SPARE - weight([*(block for _, block in blocks), numbers, footer])
    return [*blocks, *_changes(card, at, layout, room), ("numbers", numbers), ("foot", footer)]


def _about(card: DigestCard, at: LocalSpan) -> str:
    """The span in full, its zone, and the environments if the catalog limits the digest to some."""
    report = card.report
    # a preview may be of a date of last year
    said = f"{at.whole(year=card.preview)}, {words(report.zone, 60)}"
    chosen = report.scope.environments
    return said if chosen is None else f"{said} · {_list_of(sorted(chosen))}"


def _notes(card: DigestCard, at: LocalSpan) -> Iterator[tuple[str, Json]]:
    for number, note in enumerate(_notes_on(card, at)):
        yield f"note{number}", context(note)


def _notes_on(card: DigestCard, at: LocalSpan) -> list[str]:
    """What is unusual about this copy of the digest."""
    notes = [":eyes: Only you can see this preview."] if card.preview else []
    notes += [f":hourglass: Posted late: it was due {at.ends}."] if card.late else []
    return [*notes, *([_TWICE] if card.twice else [])]


_TWICE: Final = ":repeat: This may be a duplicate: Slack did not confirm the first message."


def _numbers(report: Report) -> list[str]:
    wrong, idle = _counts(report, _WENT_WRONG), _counts(report, _DID_NOT_RUN)
    others = _counts(report, _OTHERS)
    return [
        f"*Requested*\n{report.requested:,}",
        f"*Deployed*\n{report.outcomes.get(Outcome.DEPLOYED, 0):,}",
        f"*Failed or reverted*\n{':red_circle: ' + ', '.join(wrong) if wrong else 'none'}",
        f"*Rejected, expired or withdrawn*\n{', '.join(idle) or 'none'}",
        f"*Median time to approve*\n{_time(report.time_to_approve)}",
        f"*Median time to succeed*\n{_time(report.time_to_succeed)}",
        *([f"*Other*\n{', '.join(others)}"] if others else []),
    ]


def _to_look_at(report: Report, at: LocalSpan) -> list[tuple[str, Json]]:
    texts = texts_of(kinds_of(report, at))
    if not texts:
        return [("look", section(":white_check_mark: Nothing needs attention."))]
    head = section(":warning: *What to look at*")
    return [("look", head), *((f"look{number}", section(text)) for number, text in enumerate(texts))]


def _changes(card: DigestCard, at: LocalSpan, layout: Layout, room: int) -> list[tuple[str, Json]]:
    """The changes of the final environments, with a heading, and with how many more there are below them."""
    report = card.report
    if not report.final:
        return []
    where = _list_of(report.final)
    if not report.changes.total:
        return [("changes", section(f"No changes in {where}."))]
    changes = Changes(report, at)
    drawn, shown = changes.in_table(min(MOST_TABLE, room)) if layout is Layout.TABLE else changes.in_lines(room)
    noun = "change" if report.changes.total == 1 else "changes"
    left = report.changes.total - shown
    more = f"… and {left:,} more{' in the CSV' if _has_csv(card) else ''}"
    return [
        ("changes", section(f"*{report.changes.total:,} {noun} in {where}*")),
        *((f"changes{number}", block) for number, block in enumerate(drawn)),
        *([("more", context(more))] if left > 0 else []),
    ]


def _footer(card: DigestCard) -> str:
    report = card.report
    events = f"{report.tally.events:,} audit event{'' if report.tally.events == 1 else 's'}"
    deploys = sum(report.outcomes.values())
    every = "the one deploy" if deploys == 1 else f"all {deploys:,} deploys"
    return f"{events} · the CSV of {every} is in the thread" if _has_csv(card) else events


def _has_csv(card: DigestCard) -> bool:
    """Whether a CSV follows in the thread: it lists the deploys that ended, and those that are open."""
    return not card.preview and any(card.report.outcomes.values())


def _plainly(card: DigestCard, at: LocalSpan, first: str) -> str:
    report = card.report
    if report.quiet:
        return fit([first, *_notes_on(card, at)], _LONGEST_TEXT, "…")
    times = f"Median time to approve {_time(report.time_to_approve)}, to succeed {_time(report.time_to_succeed)}."
    texts = texts_of(kinds_of(report, at), 2_000)
    looks = [":warning: *What to look at*", *(line for text in texts for line in text.split("\n"))] if texts else []
    lines = [first, _about(card, at), *_notes_on(card, at), *looks, times, _footer(card)]
    return fit(lines, _LONGEST_TEXT, "…")


def _counts(report: Report, outcomes: Sequence[Outcome]) -> list[str]:
    return [_count(report, outcome) for outcome in outcomes if report.outcomes.get(outcome, 0)]


def _count(report: Report, outcome: Outcome) -> str:
    return f"{report.outcomes.get(outcome, 0):,} {_PHRASES[outcome]}"


def _time(duration: timedelta | None) -> str:
    return "–" if duration is None else short(duration)


def _list_of(environments: Sequence[str]) -> str:
    """The names as a list, with *and* before the last."""
    named = [words(each, 60) for each in environments[:_MOST_ENVIRONMENTS]]
    more = len(environments) - len(named)
    named += [f"{more} more"] if more else []
    return " and ".join([", ".join(named[:-1]), named[-1]] if len(named) > 1 else named)
