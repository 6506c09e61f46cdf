"""``nomatron history SERVICE``: a service's deploys and how each one ended, newest first."""

from __future__ import annotations

import argparse
import json
import shlex
import sys
from typing import TYPE_CHECKING, Any, Final
from zoneinfo import ZoneInfo

from bot.domain.audit.history import Outcome
from bot.domain.decision import Refused
from bot.domain.deploy.message import STATE_WORDS
from bot.domain.deploy.sentences import replaced_on
from bot.domain.documents import document_of
from bot.domain.durations import short
from bot.operations.queries.history import history
from handlers.cli.arguments import (
    catalog_of,
    deploy_number,
    environment_of,
    no_service,
    page_length,
    print_refusal,
    service_of,
)
from handlers.cli.terminal import local, table, who

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import timedelta, tzinfo

    from bot.domain.audit.history import Entry, HistoryPage
    from bot.domain.deploy.plan import Base
    from bot.ports import Ports

DESCRIPTION: Final = (
    "Shows a service's deploys and how each ended, newest first. Exits with 1 if the service is unknown."
)
_LIMIT: Final = 20


def parse(argv: Sequence[str]) -> argparse.Namespace:
    """The command's arguments."""
    parser = argparse.ArgumentParser(prog="nomatron history", description=DESCRIPTION)
    parser.add_argument("service", metavar="SERVICE", help="a service; it may have left the catalog")
    parser.add_argument("--in", dest="environment", metavar="ENV", help="only this environment")
    parser.add_argument("--before", type=_deploy, metavar="D-n", help="only deploys requested before this one")
    parser.add_argument(
        "--limit", type=page_length, default=_LIMIT, metavar="N", help="deploys per page, 1 to 1000 (default: 20)"
    )
    parser.add_argument("--json", action="store_true", help="print JSON for programs (docs/interfaces.md)")
    return parser.parse_args(argv)


def _deploy(word: str) -> int:
    number = deploy_number(word)
    if number is None:
        raise argparse.ArgumentTypeError(f"`{word}` is not a deploy: write a number such as D-12")
    return number


async def execute(words: argparse.Namespace, ports: Ports) -> int:
    """Print a page of deploys; 1, with the reason on standard error, if the service or environment is unknown."""
    catalog = await catalog_of(ports)
    other = no_service(words.service, catalog)
    if other is not None:
        return print_refusal(other)
    words.service = service_of(words.service, catalog)
    words.environment = environment_of(words.environment, catalog)
    page = await history(ports, words.service, words.environment, words.before, words.limit)
    if isinstance(page, Refused):
        return print_refusal(page)
    sys.stdout.write(json.dumps(_document(page), indent=2) + "\n" if words.json else _text(page, words))
    return 0


def _document(page: HistoryPage) -> dict[str, Any]:
    return {
        "deploys": [_deploy_document(entry) for entry in page.entries],
        "next": f"D-{page.next}" if page.next else None,
    }


def _deploy_document(entry: Entry) -> dict[str, Any]:
    return {
        "deploy": entry.number,
        "service": entry.service,
        "environment": entry.environment,
        "version": entry.version,
        "revision": entry.revision,
        "from_version": entry.from_version,
        "base": _base_document(entry.base),
        "status": entry.status.value,
        "outcome": entry.outcome.value,
        "requester": entry.requester.key,
        "reason": entry.reason,
        "approvers": list(entry.approvers),
        **document_of(
            {
                "requested_at": entry.requested_at,
                "approved_at": entry.approved_at,
                "dispatched_at": entry.dispatched_at,
                "registered_at": entry.landed_at,
                "stuck_at": entry.stuck_at,
                "ended_at": entry.ended_at,
                "landed_late_at": entry.landed_late_at,
            }
        ),
        "seconds_to_approve": _seconds(entry.to_approve),
        "seconds_to_succeed": _seconds(entry.to_succeed),
        "detail": entry.detail,
        "nomad_revert": entry.reverted or None,
        "resolved_by": entry.resolved.by.key if entry.resolved else None,
        "resolved_as": entry.resolved.text if entry.resolved else None,
    }


def _base_document(base: Base | None) -> dict[str, Any] | None:
    """What the deploy replaced, with a deploy by its number; None if it was never planned, or long ago."""
    if base is None:
        return None
    facts: dict[str, Any] = document_of(base)
    return {**facts, "deploy": None if base.deploy is None else f"D-{base.deploy}"}


def _text(page: HistoryPage, words: argparse.Namespace) -> str:
    if not page.entries:
        return "No deploys found.\n"
    zone = ZoneInfo(page.zone)
    header = (
        "DEPLOY", f"REQUESTED ({page.zone})", "BY", "ENVIRONMENT", "VERSION", "FROM", "STATE", "APPROVED BY", "TOOK",
        "REASON",
    )  # fmt: skip
    text = table(header, [_row(entry, zone) for entry in page.entries])
    return text + (f"older: {_older(page, words)}\n" if page.next else "")


def _seconds(duration: timedelta | None) -> int | None:
    """Whole seconds, rounded as in the digest's CSV so that the two agree."""
    return None if duration is None else round(duration.total_seconds())


def _row(entry: Entry, zone: tzinfo) -> tuple[str, ...]:
    return (
        entry.number,
        local(entry.requested_at, zone),
        who(entry.requester),
        entry.environment,
        entry.release_name,
        entry.from_release or replaced_on(entry.base, zone) or "",
        _state(entry),
        ", ".join(entry.approvers),
        "" if entry.took is None else short(entry.took),
        entry.reason if entry.outcome in {Outcome.DEPLOYED, Outcome.OPEN} else entry.detail or entry.reason,
    )


def _state(entry: Entry) -> str:
    word = STATE_WORDS[entry.status]
    reverted = f", Nomad's revert: {entry.reverted}" if entry.outcome is Outcome.REVERTED else ""
    resolved = f", resolved by {who(entry.resolved.by)} as {entry.resolved.text}" if entry.resolved else ""
    return f"{word}{reverted}{resolved}{', landed after its end' if entry.landed_late_at else ''}"


def _older(page: HistoryPage, words: argparse.Namespace) -> str:
    """The command that prints the next page."""
    options = (("--in", words.environment), ("--limit", words.limit if words.limit != _LIMIT else None))
    given = [part for name, value in options if value is not None for part in (name, str(value))]
    return shlex.join(["nomatron", "history", words.service, *given, "--before", f"D-{page.next}"])
