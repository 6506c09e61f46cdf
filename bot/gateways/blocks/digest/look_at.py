"""*What to look at* in a digest: for each kind of problem a heading with the count, and the first few."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import accumulate
from typing import TYPE_CHECKING, Final

from bot.domain.audit.events import EventType
from bot.domain.audit.history import Outcome
from bot.domain.deploy.message import STATE_WORDS
from bot.domain.deploy.rollout import RolloutStatus
from bot.gateways.blocks.reasons import name_of
from bot.gateways.blocks.text import SECTION, code, link, words

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from bot.domain.audit.history import Entry
    from bot.domain.digest.report import CatalogChange, Listed, LockChange, Report, Sign, Signs
    from bot.gateways.blocks.localtime import LocalSpan

_MOST_NAMED = 5
_LONGEST_WHY = 160
_MOST_RULES = 6
_MOST_NAMES = 4
_BULLET = 3
"""Characters around a line."""
_REVERTS: Final[Mapping[RolloutStatus | None, str]] = {
    RolloutStatus.RUNNING: "being reverted",
    RolloutStatus.FAILED: "its revert failed",
    RolloutStatus.SUPERSEDED: "its revert was overtaken",
}
_LOCKED: Final[Mapping[EventType, str]] = {
    EventType.LOCK_PLACED: "locked",
    EventType.LOCK_LIFTED: "unlocked",
    EventType.LOCK_EXPIRED: "no longer locked",
}
MOST_TEXT: Final = 5_000
"""Characters of all kinds together; the rest of the message has the changes to show."""


@dataclass(frozen=True, slots=True)
class Line:
    """A line, and how many things of its kind it names."""

    text: str
    of: int = 1


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of problem: its heading, lines for the first few, and how many there are."""

    heading: str
    lines: tuple[Line, ...]
    total: int
    unit: str = ""
    """What the total counts, if not the lines."""

    def text(self, most: int) -> str:
        """Heading and count, at most ``most`` lines, and how many more there are; a lone line beside the heading."""
        lines = self.lines[:most]
        more = self.total - sum(line.of for line in lines)
        if len(lines) == 1 and not more:
            return f"{self.heading}: {lines[0].text}"
        if not self.lines:
            return self.heading
        # a kind without lines has its count in the heading
        rest = [f"… and {more:,} more"] if lines and more else []
        return "\n".join([f"{self.heading} · {self.total:,}{self.unit}", *(f"• {line.text}" for line in lines), *rest])


def kinds_of(report: Report, at: LocalSpan) -> list[Kind]:
    """The kinds of problems that the report has, the worst first."""
    lines = _Lines(report, at)
    found = [
        _kind_of(":rotating_light: *Nomad's own revert failed*", report.reverts_failed, lines.revert_failed),
        _kind_of(":rotating_light: *Landed after its end*", report.landed_late, lines.landed_late),
        _kind_of(":hourglass_flowing_sand: *Rollout stuck*", report.stuck, lines.stuck),
        _kind_of(":red_circle: *Failed*", report.failures, lines.failed),
        _kind_of(":speech_balloon: *Resolved by a person*", report.resolved, lines.resolved),
        _kind_of(":bell: *Approval overdue*", report.overdue, lines.overdue),
        _signs(":busts_in_silhouette: *Self-approved*", report.self_approved, lines.signed),
        _signs(":crescent_moon: *Approved out of hours*", report.out_of_hours, lines.signed),
        _locks(report.locks, lines.lock),
        _catalogs(report.catalogs, lines.catalog),
        _refusals(report),
    ]
    return [kind for kind in found if kind.total]


def texts_of(kinds: Sequence[Kind], limit: int = MOST_TEXT) -> list[str]:
    """A text for each kind. Lines that do not fit within the common limit are counted instead."""
    # room for every heading first, since they have the counts; lines fill the rest, the worst kind's first
    room = limit - sum(_least(kind) for kind in kinds)
    texts = []
    for kind in kinds:
        most = _fitting(kind, min(room, SECTION - _least(kind)))
        room -= sum(len(line.text) + _BULLET for line in kind.lines[:most])
        texts.append(kind.text(most))
    return texts


def _least(kind: Kind) -> int:
    """How many characters a kind takes without its lines: heading, count, and how many more."""
    return len(kind.heading) + 40


def _fitting(kind: Kind, room: int) -> int:
    """How many of a kind's lines fit into ``room`` characters."""
    lengths = accumulate(len(line.text) + _BULLET for line in kind.lines[:_MOST_NAMED])
    return sum(length <= room for length in lengths)


@dataclass(frozen=True, slots=True)
class _Lines:
    """What to say in a line about a deploy or an approval of the report."""

    report: Report
    at: LocalSpan

    def failed(self, entry: Entry) -> str:
        reverted = f", {_REVERTS.get(entry.reverted, 'reverted')}" if entry.outcome is Outcome.REVERTED else ""
        return f"{self._what(entry)}{reverted}{_why(entry)}"

    def revert_failed(self, entry: Entry) -> str:
        return f"{self._what(entry)}: possibly neither this version nor the previous one is running"

    def landed_late(self, entry: Entry) -> str:
        at = f" {self.at.moment(entry.landed_late_at)}" if entry.landed_late_at else ""
        return f"{self._what(entry)}: {STATE_WORDS[entry.status].casefold()}, and found in Nomad{at}"

    def resolved(self, entry: Entry) -> str:
        word = entry.word
        if word is None:
            return self._what(entry)
        became = "" if word.stands else f", which did not stand: {STATE_WORDS[entry.status].casefold()}"
        why = f": {words(word.why, _LONGEST_WHY)}" if word.why else ""
        return f"{self._what(entry)}: as {code(word.text)} by {name_of(word.by)}{became}{why}"

    def stuck(self, entry: Entry) -> str:
        since = f" since {self.at.moment(entry.stuck_at)}" if entry.stuck_at else ""
        revert = "Nomad's revert has made " if entry.outcome is not Outcome.OPEN else ""
        return f"{self._what(entry)}: {revert}no progress{since}{_why(entry)}"

    def overdue(self, entry: Entry) -> str:
        expires = f", expires {self.at.moment(entry.expires_at)}" if entry.expires_at else ""
        requested = f"requested by {name_of(entry.requester)} {self.at.moment(entry.requested_at)}"
        return f"{self._what(entry)}: {requested}{expires}"

    def signed(self, signs: Sequence[Sign]) -> str:
        """The approvals of one deploy, with the time of the first."""
        first = signs[0]
        where = f"*{words(first.service, 100)}* in {words(first.environment, 100)}"
        names = list(dict.fromkeys(name_of(sign.actor) for sign in signs))
        more = f" and {len(names) - _MOST_NAMES} more" if len(names) > _MOST_NAMES else ""
        by = f"{', '.join(names[:_MOST_NAMES])}{more}"
        return f"{self._number(first.deploy_id)} {where}: {by}, {self.at.moment(first.at)}"

    def catalog(self, change: CatalogChange) -> str:
        before = f"{code(change.before[:12])} → " if change.before else ""
        return f"{before}{code(change.after[:12])} by {name_of(change.actor)}, {self.at.moment(change.at)}"

    def lock(self, change: LockChange) -> str:
        """``production locked by @sam, 14:05, until 16:05: the database moves``."""
        how = _LOCKED[change.kind]
        by = f" by {name_of(change.actor)}" if change.kind is not EventType.LOCK_EXPIRED else ""
        until = f", until {self.at.moment(change.until)}" if change.until else ""
        why = words(change.reason, _LONGEST_WHY)
        return f"{words(change.what, 200)} {how}{by}, {self.at.moment(change.at)}{until}: {why}"

    def _what(self, entry: Entry) -> str:
        where = f"*{words(entry.service, 100)}* {words(entry.release_name, 100)} in {words(entry.environment, 100)}"
        return f"{self._number(entry.deploy_id)} {where}"

    def _number(self, deploy_id: int) -> str:
        return link(self.report.posted.get(deploy_id, ""), f"D-{deploy_id}")


def _why(entry: Entry) -> str:
    """The reason in short; the deploy's own message has all of it."""
    short = entry.cause or entry.detail
    return f": {words(short, _LONGEST_WHY)}" if short else ""


def _kind_of(heading: str, listed: Listed, line: Callable[[Entry], str]) -> Kind:
    return Kind(heading, tuple(Line(line(entry)) for entry in listed.entries[:_MOST_NAMED]), listed.total)


def _signs(heading: str, signs: Signs, line: Callable[[Sequence[Sign]], str]) -> Kind:
    """A line for each deploy, naming all of its approvers."""
    by_deploy: dict[int, list[Sign]] = {}
    for sign in signs.signs:
        by_deploy.setdefault(sign.deploy_id, []).append(sign)
    groups = list(by_deploy.values())[:_MOST_NAMED]
    unit = " approval" if signs.total == 1 else " approvals"
    return Kind(heading, tuple(Line(line(group), len(group)) for group in groups), signs.total, unit)


def _catalogs(changes: Sequence[CatalogChange], line: Callable[[CatalogChange], str]) -> Kind:
    lines = tuple(Line(line(change)) for change in changes[:_MOST_NAMED])
    return Kind(":scroll: *Catalog changed*", lines, len(changes))


def _locks(changes: Sequence[LockChange], line: Callable[[LockChange], str]) -> Kind:
    lines = tuple(Line(line(change)) for change in changes[:_MOST_NAMED])
    return Kind(":lock: *Locks*", lines, len(changes))


def _refusals(report: Report) -> Kind:
    """One line for all refusals: the rules by how often they refused, most frequent first. No people are named."""
    counted = sorted(report.refusals.items(), key=lambda each: (-each[1], each[0]))
    named = [f"{count:,} × {_rule(rule)}" for rule, count in counted[:_MOST_RULES]]
    more = [f"{len(counted) - _MOST_RULES:,} more rules"] if len(counted) > _MOST_RULES else []
    rules = f": {', '.join([*named, *more])}" if named else ""
    return Kind(f":no_entry: *Refused* · {report.refused:,}{rules}", (), report.refused)


def _rule(code: str) -> str:
    """A rule's code in words: ``not an approver``, ``guest``."""
    return words(code.removeprefix("person-").replace("-", " "), 60)
