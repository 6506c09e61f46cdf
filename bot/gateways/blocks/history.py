"""The answer to ``/deploy history``: a page of a service's deploys, newest request first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bot.domain.audit.history import Outcome
from bot.domain.deploy.message import STATE_WORDS
from bot.domain.deploy.rollout import RolloutStatus
from bot.domain.durations import short
from bot.gateways.blocks.card.message import EMOJI
from bot.gateways.blocks.note import plain_of
from bot.gateways.blocks.pages import Pages, turn
from bot.gateways.blocks.parts import Message, section
from bot.gateways.blocks.reasons import name_of
from bot.gateways.blocks.replaced import versions_of
from bot.gateways.blocks.text import code, fit, link, moment, who, words

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from bot.domain.audit.history import Entry, HistoryPage

_MOST_PAGE: Final = 10
_LONGEST_ENTRY = 1150
_LONGEST_LINK = 250
_REVERTS: Final[Mapping[RolloutStatus | None, str]] = {
    RolloutStatus.RUNNING: "being reverted by Nomad",
    RolloutStatus.FAILED: "Nomad's own revert failed",
}
_ON_ITS_WAY: Final = frozenset({Outcome.DEPLOYED, Outcome.OPEN})


def render(service: str, environment: str | None, page: HistoryPage, pages: Pages) -> Message:
    """At most ten deploys, a section each, and the buttons to other pages."""
    what = f"*{words(service, 128)}*" + (f" in *{words(environment, 128)}*" if environment else "")
    if not page.entries:
        first = f":mag: No older deploys of {what}." if pages.newest else f":mag: No deploys of {what} yet."
        return Message(first, (section(first), *turn(pages, "deploys")))
    first = f":scroll: Deploys of {what}, newest first"
    shown = [list(_lines(entry, page.posted.get(entry.deploy_id, ""))) for entry in page.entries[:_MOST_PAGE]]
    sections = [section(fit(lines, _LONGEST_ENTRY, "…")) for lines in shown]
    heads = [lines[0] for lines in shown]
    return Message(plain_of([first, *heads]), (section(first), *sections, *turn(pages, "deploys")))


def _lines(entry: Entry, url: str) -> Iterator[str]:
    linked = link(url, entry.number)
    number = linked if len(linked) <= _LONGEST_LINK else code(entry.number)
    versions = versions_of(entry.base, entry.from_release, entry.release_name)
    what = f"{versions} to *{words(entry.environment, 100)}*"
    yield f"{EMOJI[entry.status]} *{STATE_WORDS[entry.status]}* — {what} ({number})"
    yield " · ".join(_course(entry))
    why = entry.reason if entry.outcome in _ON_ITS_WAY else entry.detail
    if why:
        yield f"> {words(why, 200)}"


def _course(entry: Entry) -> Iterator[str]:
    """Who requested the deploy, who approved it, how long it took, how it ended."""
    yield f"requested by {name_of(entry.requester)} {moment(entry.requested_at)}"
    if entry.approvers:
        waited = f" within {short(entry.to_approve)}" if entry.to_approve else ""
        yield f"approved by {who(entry.approvers, (), 4)}{waited}"
    if entry.self_approved:
        yield ":warning: self-approved"
    if entry.outcome is Outcome.OPEN:
        yield f"since {moment(entry.changed_at)}"
    elif entry.took is not None:
        yield f"took {short(entry.took)}"
    else:
        yield f"ended {moment(entry.changed_at)}"
    if entry.resolved is not None:
        yield f"resolved by {name_of(entry.resolved.by)} as {code(entry.resolved.text)}"
    if entry.landed_late_at is not None:
        yield f":rotating_light: *Nomad registered it after all* {moment(entry.landed_late_at)}"
    if entry.outcome is Outcome.REVERTED:
        yield f"*{_REVERTS.get(entry.reverted, 'reverted by Nomad')}*"
