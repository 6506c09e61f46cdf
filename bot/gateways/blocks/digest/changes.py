"""The changes of a digest: a table, or lines if the workspace refuses tables."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from bot.domain.actor import CiIdentity, Operator, human_behind
from bot.domain.audit.history import Outcome
from bot.domain.catalog.release import release_name
from bot.domain.deploy.rollout import RolloutStatus
from bot.domain.deploy.sentences import replaced_on
from bot.domain.digest.report import MOST_CHANGES
from bot.domain.durations import short
from bot.gateways.blocks.cells import NOTHING, bold_with_emoji, link_to, people, raw, table, weight
from bot.gateways.blocks.parts import section
from bot.gateways.blocks.reasons import name_of
from bot.gateways.blocks.text import SECTION, cut, link, one_line, who, words

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime, tzinfo

    from bot.domain.actor import Actor
    from bot.domain.audit.history import Entry
    from bot.domain.digest.report import Report
    from bot.gateways.blocks.localtime import LocalSpan
    from bot.gateways.blocks.parts import Json

_LONGEST_NAME = 40
_LONGEST_VERSION = 32
_LONGEST_VERSIONS = 120
_LONGEST_DIGEST = 20
_BAD: Final = {Outcome.FAILED: "red_circle", Outcome.REVERTED: "large_orange_circle"}
_REVERTS: Final[Mapping[RolloutStatus | None, str]] = {
    RolloutStatus.RUNNING: "Being reverted",
    RolloutStatus.FAILED: "Revert failed",
    RolloutStatus.SUPERSEDED: "Revert overtaken",
}
"""What to call a revert that is not complete, by its state: nobody may take it for one that is."""
_RIGHT: Final = frozenset({"Took"})


@dataclass(frozen=True, slots=True)
class Changes:
    """The changes of a report. Both methods return the blocks and how many of the changes are in them."""

    report: Report
    at: LocalSpan

    def in_table(self, limit: int) -> tuple[list[Json], int]:
        """A table whose cells have at most ``limit`` characters together."""
        head = [raw(name) for name, _ in self._columns()]
        rows, room = [], limit - weight(head)
        for entry in self.report.changes.entries[:MOST_CHANGES]:
            row = [cell(entry) for _, cell in self._columns()]
            room -= weight(row)
            if room < 0:
                break
            rows.append(row)
        aligned = {number: "right" for number, (name, _) in enumerate(self._columns()) if name in _RIGHT}
        return ([table([head, *rows], aligned)] if rows else []), len(rows)

    def in_lines(self, limit: int) -> tuple[list[Json], int]:
        """Sections with a line for each change, at most ``limit`` characters together."""
        texts, shown = [""], 0
        for entry in self.report.changes.entries[:MOST_CHANGES]:
            line = self._line(entry)
            limit -= len(line) + 1
            if limit < 0:
                break
            shown += 1
            if len(texts[-1]) + len(line) + 1 > SECTION:
                texts.append("")
            texts[-1] += f"{line}\n"
        return [section(text.rstrip("\n")) for text in texts if text], shown

    def _columns(self) -> list[tuple[str, Callable[[Entry], Json]]]:
        """The columns: name, and what makes the cell. The environment is one only if there are several."""
        several = [("Environment", lambda entry: raw(entry.environment, _LONGEST_NAME))]
        return [
            ("Deploy", lambda entry: link_to(entry.number, self.report.posted.get(entry.deploy_id))),
            ("Service", lambda entry: raw(entry.service, _LONGEST_NAME)),
            # before the wide columns: a narrow window shows the first ones without scrolling
            ("Result", _result_cell),
            ("Version", lambda entry: raw(versions(entry, self.at.zone), _LONGEST_VERSIONS)),
            *(several if len(self.report.final) > 1 else []),
            ("When", lambda entry: raw(self.at.moment(started(entry)))),
            ("Took", lambda entry: raw(self._took(entry))),
            ("Requested by", lambda entry: _actor_cell(entry.requester)),
            ("Approved by", lambda entry: people(entry.approvers)),
        ]

    def _line(self, entry: Entry) -> str:
        """At most some 700 characters, so that one always fits into a section."""
        number = link(self.report.posted.get(entry.deploy_id, ""), entry.number)
        what = f"{number} *{words(entry.service, 100)}* {words(versions(entry, self.at.zone), _LONGEST_VERSIONS)}"
        where = [words(entry.environment, 60)] if len(self.report.final) > 1 else []
        bad = _sign_of(entry)
        result = f":{bad}: *{result_of(entry)}*" if bad else result_of(entry)
        when = f"{self.at.moment(started(entry))}, {self._took(entry)}"
        approved = f", approved by {who(entry.approvers, (), 4)}" if entry.approvers else ""
        return " · ".join([what, *where, result, when, f"{name_of(entry.requester)}{approved}"])

    def _took(self, entry: Entry) -> str:
        """How long the deploy took from its dispatch, or has taken by the end of the report if it is open."""
        if entry.ended_at is not None:
            return NOTHING if entry.took is None else short(entry.took)
        until = self.at.span.ends
        return f"{short(until - started(entry))} so far" if until > started(entry) else NOTHING


def versions(entry: Entry, zone: tzinfo) -> str:
    """``v1.4.1 → v1.4.2``; the new version alone if the same one ran before, or nobody knows which ran.

    A version that was registered outside Nomatron is named as such, with its date in that zone.
    """
    new = release_name(_version(entry.version), entry.revision)
    if entry.from_release == entry.release_name:
        return f"{new} again"
    revision = entry.base.revision if entry.base else 1
    before = release_name(_version(entry.from_version), revision) if entry.from_version else ""
    old = before or replaced_on(entry.base, zone)
    return f"{old} → {new}" if old else new


def _version(name: str) -> str:
    """A version's name; of an image digest only its beginning."""
    return cut(one_line(name), _LONGEST_DIGEST if name.startswith("sha256:") else _LONGEST_VERSION)


def started(entry: Entry) -> datetime:
    """When Nomad began to change the job."""
    return entry.dispatched_at or entry.landed_at or entry.changed_at


def result_of(entry: Entry) -> str:
    """What became of the deploy, in a word or two."""
    if entry.outcome is Outcome.OPEN:
        return "Stuck" if entry.stuck else "Rolling out"
    if entry.outcome is Outcome.REVERTED and entry.reverted in _REVERTS:
        return _REVERTS[entry.reverted]
    word = entry.outcome.value.capitalize()
    return f"{word} (resolved by a person)" if entry.resolved_by_person else word


def _sign_of(entry: Entry) -> str | None:
    """The emoji of a failure or a revert; None for anything else. A failed revert is as bad as a failure."""
    failed = entry.outcome is Outcome.REVERTED and entry.reverted is RolloutStatus.FAILED
    return _BAD[Outcome.FAILED] if failed else _BAD.get(entry.outcome)


def _result_cell(entry: Entry) -> Json:
    """The cell of the Result column: a plain word for a success, bold with an emoji for anything else."""
    bad = _sign_of(entry)
    if bad:
        return bold_with_emoji(bad, result_of(entry))
    if entry.outcome is Outcome.OPEN:
        return bold_with_emoji("hourglass_flowing_sand", result_of(entry))
    return raw(result_of(entry))


def _actor_cell(actor: Actor) -> Json:
    user = human_behind(actor)
    if user:
        return people([user])
    match actor:
        case CiIdentity(subject=subject):
            return raw(subject)
        case Operator(name=name):
            return raw(f"{cut(one_line(name), 30)} (host)")
        case _:
            return raw("Nomatron")
