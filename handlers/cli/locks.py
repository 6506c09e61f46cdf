"""``nomatron lock`` and ``nomatron unlock``, and how the command line shows a lock."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from bot.domain.actor import Operator, actor_from_key
from bot.domain.audit.sentences import one_line
from bot.domain.decision import Refused
from bot.domain.documents import document_of
from bot.domain.locks import Target
from bot.operations.locks import lock as locking
from bot.operations.locks import unlock as unlocking
from handlers.cli.arguments import catalog_of
from handlers.cli.terminal import local, who

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bot.domain.catalog.catalog import Catalog
    from bot.domain.decision import Reason
    from bot.domain.locks import Lock
    from bot.ports import Ports

LOCK = """Closes a service in an environment, an environment, or everything: what is ready waits, and rollouts that run
finish. Needs no permission and works while Slack is unreachable. The audit log records your name and the reason. Exits
with 1 if nothing was locked."""
UNLOCK = """Lifts a lock: what waited for it goes on. Needs no permission and works while Slack is unreachable. The
audit log records your name and the reason. Exits with 1 if nothing was lifted."""


def parse_lock(argv: Sequence[str]) -> Target:
    """What to lock; ends the program with 2 if the arguments are wrong."""
    parser = _parser("lock", LOCK)
    parser.add_argument("--for", dest="lasts", metavar="DURATION", help="when it ends by itself, such as 2h or 1d12h")
    return _target(parser, argv)


def parse_unlock(argv: Sequence[str]) -> Target:
    """What to unlock; ends the program with 2 if the arguments are wrong."""
    return _target(_parser("unlock", UNLOCK), argv)


def _parser(verb: str, description: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=f"nomatron {verb}", description=description)
    parser.add_argument("target", metavar="SERVICE|ENV|everything", help=f"what to {verb}")
    parser.add_argument("--in", dest="environment", metavar="ENV", help="only there")
    parser.add_argument("--because", metavar="TEXT", required=True, help="why, for all who wait and the audit log")
    return parser


def _target(parser: argparse.ArgumentParser, argv: Sequence[str]) -> Target:
    words = parser.parse_args(argv)
    lasts = getattr(words, "lasts", None)
    return Target(word=words.target, environment=words.environment, reason=words.because, lasts=lasts)


async def lock(target: Target, ports: Ports, user: str) -> int:
    """Lock as the operator ``user``; 0 if it was done, else 1, with the reasons on standard error."""
    done = await locking.lock(ports, Operator(user), target)
    catalog = await catalog_of(ports)
    if isinstance(done, Refused):
        return _refused(done, catalog)
    sys.stdout.write(f"{line_of(done, catalog)}\n")
    return 0


async def unlock(target: Target, ports: Ports, user: str) -> int:
    """Unlock as the operator ``user``; 0 if it was done, else 1, with the reasons on standard error."""
    done = await unlocking.unlock(ports, Operator(user), target)
    if isinstance(done, Refused):
        return _refused(done, await catalog_of(ports))
    said = f"unlocked: {done.scope.name}; {who(done.holder)} had locked it: {done.reason}"
    sys.stdout.write(f"{one_line(said, 2000)}\n")
    return 0


def _refused(refusal: Refused, catalog: Catalog) -> int:
    sys.stderr.writelines(f"{_said(reason, catalog)}\n" for reason in refusal.reasons)
    return 1


def _said(reason: Reason, catalog: Catalog) -> str:
    """The reason, and what surfaces with mentions show beside it."""
    zone = ZoneInfo(catalog.timezone)
    since = f" Since {local(reason.since, zone)} ({catalog.timezone})" if reason.since else ""
    by = f", by {who(actor_from_key(reason.by))}" if reason.by else ""
    until = f", until {local(reason.possible_at, zone)}" if reason.possible_at else ""
    return one_line(f"{reason.text}{since}{by}{until}{'.' if since else ''}", 2000)


def line_of(lock: Lock, catalog: Catalog) -> str:
    """``locked: production until 2026-11-22 14:00:00 (UTC), since …, by U0SAM00001: the database moves``."""
    zone = ZoneInfo(catalog.timezone)
    until = f"until {local(lock.until, zone)}" if lock.until else "until somebody lifts the lock"
    when = f"{until}, since {local(lock.placed_at, zone)} ({catalog.timezone})"
    return one_line(f"locked: {lock.scope.name} {when}, by {who(lock.holder)}: {lock.reason}", 2000)


def lock_document(lock: Lock) -> dict[str, Any]:
    """A lock as JSON for programs."""
    return {
        "service": lock.service or None,
        "environment": lock.environment or None,
        "reason": lock.reason,
        "holder": lock.holder.key,
        "placed_at": document_of(lock.placed_at),
        "until": document_of(lock.until),
    }
