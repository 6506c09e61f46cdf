"""Read the audit log. Commands: ``list`` prints its events, newest first."""

from __future__ import annotations

import argparse
import json
import re
import shlex
import sys
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final
from zoneinfo import ZoneInfo

from bot.domain.actor import actor_from_key
from bot.domain.audit.sentences import sentence
from bot.domain.day import DAY_FORMS, EARLIEST, day_named
from bot.domain.decision import Refused
from bot.operations.queries.audit import AuditAsk, audit, cursor_of, is_actor, place_at
from handlers.cli.arguments import catalog_of, deploy_number, no_service, page_length, print_refusal
from handlers.cli.terminal import local, table, who

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import tzinfo

    from bot.domain.catalog.catalog import Catalog
    from bot.operations.queries.audit import AuditPage
    from bot.ports import Ports
    from bot.ports.audit import Place, Stored

_LIST: Final = """Print the audit log's events, newest first: of one day (of the catalog's time zone), one service, one
environment, one actor or one deploy, or all of them."""
_COMMANDS: Final = {"list": "print events, newest first"}
_DATE = re.compile(r"\d{4}\D\d{1,2}\D\d{1,2}")


def parse(argv: Sequence[str]) -> argparse.Namespace:
    """The command's words: ``list`` and its own."""
    commands = "\n".join(f"  {name}  {help_}" for name, help_ in _COMMANDS.items())
    parser = argparse.ArgumentParser(
        prog="nomatron audit",
        description="Read the audit log.",
        epilog=f"commands:\n{commands}\n\n`nomatron audit COMMAND --help` says more of each.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("command", choices=_COMMANDS, metavar="COMMAND", help="one of the commands below")
    parser.add_argument("rest", nargs=argparse.REMAINDER, metavar="...", help="the command's own words")
    return _parse_list(parser.parse_args(argv).rest)


def _parse_list(argv: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="nomatron audit list", description=_LIST)
    parser.add_argument(
        "words",
        nargs="*",
        metavar="DAY|SERVICE|D-n",
        help=f"a day, a service, a deploy, or several of these; a day is {DAY_FORMS}",
    )
    parser.add_argument("--in", dest="environment", metavar="ENV", help="one environment alone")
    parser.add_argument(
        "--by", type=_actor, metavar="WHO", help="one actor alone: a Slack user id, or a key such as system:expiry"
    )
    parser.add_argument(
        "--before", type=_place, metavar="CURSOR", help="the page after this: from the end of the one before"
    )
    parser.add_argument("--limit", type=page_length, default=50, metavar="N", help="events on a page, 1 to 1000 (50)")
    parser.add_argument("--json", action="store_true", help="print JSON for programs")
    # options may stand between the words
    words = parser.parse_intermixed_args(argv)
    words.day, words.service, words.deploy = _conditions(parser, words.words)
    return words


def _conditions(parser: argparse.ArgumentParser, words: Sequence[str]) -> tuple[str | None, ...]:
    """The day, the service and the deploy, each as it was typed."""
    days = [word for word in words if day_named(word, EARLIEST) or _DATE.fullmatch(word)]
    deploys = [word for word in words if deploy_number(word) is not None]
    services = [word for word in words if word not in days and word not in deploys]
    for day in days:
        if day_named(day, EARLIEST) is None:
            parser.error(f"{day} is no day: write {DAY_FORMS}")
    if max(map(len, (days, services, deploys))) > 1:
        parser.error(f"write one day, one service and one deploy at most; a day is {DAY_FORMS}")
    return tuple(next(iter(each), None) for each in (days, services, deploys))


def _actor(word: str) -> str:
    if not is_actor(word):
        raise argparse.ArgumentTypeError(
            f"{word} names nobody: write a Slack user id such as U0ALICE001, or an actor's key such as operator:root, "
            "system:expiry or slack:TEAM:USER"
        )
    return word


def _place(word: str) -> Place:
    place = place_at(word)
    if place is None:
        raise argparse.ArgumentTypeError(f"{word} is no cursor: take it from the end of the page before")
    return place


async def execute(words: argparse.Namespace, ports: Ports) -> int:
    """Print a page of events; 1 where what is asked for is not known, with words on standard error."""
    ask = _asked(words, await catalog_of(ports))
    if isinstance(ask, Refused):
        return print_refusal(ask)
    page = await audit(ports, ask, words.before, words.limit)
    if isinstance(page, Refused):
        return print_refusal(page)
    sys.stdout.write(json.dumps(_document(page), indent=2) + "\n" if words.json else _text(page, words))
    return 0


def _asked(words: argparse.Namespace, catalog: Catalog) -> AuditAsk | Refused:
    if words.deploy in catalog.services and words.service is None:
        return AuditAsk(words.day, words.deploy, words.environment, words.by)
    other = no_service(words.service, catalog) if words.service else None
    deploy = deploy_number(words.deploy) if words.deploy else None
    return other or AuditAsk(words.day, words.service, words.environment, words.by, deploy)


def _document(page: AuditPage) -> dict[str, Any]:
    return {
        "events": [{"index": stored.index, **json.loads(stored.body)} for stored in page.events],
        "next": cursor_of(page.next) if page.next else None,
    }


def _text(page: AuditPage, words: argparse.Namespace) -> str:
    if not page.events:
        return "No audit event fits.\n"
    zone = ZoneInfo(page.zone)
    header = ("TIME", "WHO", "DEPLOY", "SERVICE", "ENVIRONMENT", "WHAT")
    text = table(header, [_row(stored, zone) for stored in page.events])
    return text + (f"older: {_older(page, words, zone)}\n" if page.next else "")


def _row(stored: Stored, zone: tzinfo) -> tuple[str, ...]:
    body = json.loads(stored.body)
    return (
        local(datetime.fromisoformat(body["at"]), zone),
        who(actor_from_key(body["actor"])),
        f"D-{body['deploy']}" if "deploy" in body else "",
        body.get("service", ""),
        body.get("environment", ""),
        sentence(body),
    )


def _older(page: AuditPage, words: argparse.Namespace, zone: tzinfo) -> str:
    """The command that prints the page after this one; with its date, as ``today`` may be another day by then."""
    day = page.span.begins.astimezone(zone).date().isoformat() if page.span else None
    options = (("--in", words.environment), ("--by", words.by), ("--limit", words.limit if words.limit != 50 else None))
    given = [part for name, value in options if value is not None for part in (name, str(value))]
    before = ["--before", cursor_of(page.next)] if page.next else []
    return shlex.join(["nomatron", "audit", "list", *filter(None, (day, words.service, words.deploy)), *given, *before])
