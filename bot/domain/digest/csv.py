"""Deploys as CSV for spreadsheet programs, which never take a cell of it for a formula."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta, tzinfo
from io import StringIO
from typing import Final

from bot.domain.actor import Actor, SlackUser
from bot.domain.audit.history import Entry
from bot.domain.deploy.plan import Base
from bot.domain.deploy.sentences import replaced_on

# a program that is set to another separator ends a cell at a semicolon, tab or line break, even inside quotes
_FORMULA: Final = re.compile(r'(?:^|(?<=[;\t\r\n]))(?="*[=+\-@\t\r＝＋－＠])')

_Cell = str | datetime | timedelta | Base | None
_COLUMNS: Final[Mapping[str, Callable[[Entry], _Cell]]] = {
    "deploy": lambda entry: entry.number,
    "service": lambda entry: entry.service,
    "environment": lambda entry: entry.environment,
    # a plan that is older than `base` has the version alone
    "from": lambda entry: entry.base or entry.from_version,
    "to": lambda entry: entry.version,
    "outcome": lambda entry: entry.outcome.value,
    "state": lambda entry: entry.status.value,
    "asked by": lambda entry: _who(entry.requester),
    "asked at": lambda entry: entry.requested_at,
    "approved by": lambda entry: ", ".join(entry.approvers),
    # approvals of a plan that changed are void: then the time of the last one means nothing
    "approved at": lambda entry: entry.approved_at if entry.approvers else None,
    "dispatched at": lambda entry: entry.dispatched_at,
    "ended at": lambda entry: entry.ended_at,
    "seconds to approve": lambda entry: entry.to_approve,
    "seconds to succeed": lambda entry: entry.to_succeed,
    "reason": lambda entry: entry.reason,
    "detail": lambda entry: entry.detail,
    # from here on after all others, for programs that read those by their position
    "revision": lambda entry: str(entry.revision),
    "resolved by": lambda entry: _who(entry.resolved.by) if entry.resolved else "",
    "resolved as": lambda entry: entry.resolved.text if entry.resolved else "",
    "landed late at": lambda entry: entry.landed_late_at,
}


def csv_of(entries: Sequence[Entry], zone: tzinfo) -> bytes:
    """A header and one row for each deploy, by RFC 4180, in UTF-8 with a byte order mark.

    Instants are ISO 8601 with the zone's offset, people Slack ids, durations whole seconds; an unknown value is
    empty. Text that a spreadsheet program would take for a formula gets an apostrophe in front (OWASP, *CSV
    Injection*).
    """
    text = StringIO(newline="")
    rows = csv.writer(text)
    rows.writerow(_COLUMNS)
    rows.writerows([_text(cell(entry), zone) for cell in _COLUMNS.values()] for entry in entries)
    # without the byte order mark Excel assumes another encoding
    return text.getvalue().encode("utf-8-sig")


def _text(cell: _Cell, zone: tzinfo) -> str:
    match cell:
        case datetime():
            return cell.astimezone(zone).isoformat(timespec="seconds")
        case timedelta():
            return str(round(cell.total_seconds()))
        case Base():
            return _FORMULA.sub("'", replaced_on(cell, zone))
        case _:
            return _FORMULA.sub("'", cell or "")


def _who(actor: Actor) -> str:
    return actor.id if isinstance(actor, SlackUser) else actor.key
