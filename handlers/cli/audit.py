"""``nomatron audit``: read the audit log. ``list`` prints its events, newest first."""

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
from bot.domain.digest.schedule import day_of
from bot.domain.names import named
from bot.operations.queries.audit import actor_of, audit, cursor_from, cursor_text, is_actor, no_actor
from bot.ports.audit import AuditQuery
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
    from datetime import tzinfo

    from bot.operations.queries.audit import AuditPage
    from bot.ports import Ports
    from bot.ports.audit import Cursor, Stored

_LIST: Final = """Print the audit log's events, newest first: all of them, or those of one day (in the catalog's time
zone), one service, one environment, one actor or one deploy."""
_COMMANDS: Final = {"list": "print events, newest first"}
_DATE = re.compile(r"\d{4}\D\d{1,2}\D\d{1,2}")


def parse(argv: Sequence[str]) -> argparse.Namespace:
    """The arguments of ``nomatron audit list``."""
    commands = "\n".join(f"  {name}  {help_}" for name, help_ in _COMMANDS.items())
    parser = argparse.ArgumentParser(
        prog="nomatron audit",
        description="Read the audit log.",
        epilog=f"commands:\n{commands}\n\nFor more on a command: `nomatron audit COMMAND --help`.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("command", choices=_COMMANDS, metavar="COMMAND", help="one of the commands below")
    parser.add_argument("rest", nargs=argparse.REMAINDER, metavar="...", help="the command's own arguments")
    return _parse_list(parser.parse_args(argv).rest)


def _parse_list(argv: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="nomatron audit list", description=_LIST)
    parser.add_argument(
        "words",
        nargs="*",
        metavar="DAY|SERVICE|D-n",
        help=f"a day, a service, a deploy, or several of these; a day is {DAY_FORMS}",
    )
    parser.add_argument("--in", dest="environment", metavar="ENV", help="only this environment")
    parser.add_argument(
        "--by", type=_actor, metavar="WHO", help="only this actor: a Slack user id, or a key such as system:expiry"
    )
    parser.add_argument(
        "--before", type=_cursor, metavar="CURSOR", help="the next page: CURSOR is on the last line of the page before"
    )
    parser.add_argument("--limit", type=page_length, default=50, metavar="N", help="events on a page, 1 to 1000 (50)")
    parser.add_argument(
        "--all",
        dest="steps",
        action="store_true",
        help="also the steps that Nomatron takes by itself, not only a count",
    )
    parser.add_argument("--json", action="store_true", help="print JSON for programs: always all events")
    # options may stand between the words
    words = parser.parse_intermixed_args(argv)
    words.day, words.service, words.deploy = _conditions(parser, words.words)
    return words


def _conditions(parser: argparse.ArgumentParser, words: Sequence[str]) -> tuple[str | None, ...]:
    """The day, the service and the deploy as text; None for one that is missing."""
    days = [word for word in words if day_named(word, EARLIEST) or _DATE.fullmatch(word)]
    deploys = [word for word in words if deploy_number(word) is not None]
    services = [word for word in words if word not in days and word not in deploys]
    for day in days:
        if day_named(day, EARLIEST) is None:
            parser.error(f"{day} isn't a day: write {DAY_FORMS}")
    if max(map(len, (days, services, deploys))) > 1:
        parser.error(f"write one day, one service and one deploy at most; a day is {DAY_FORMS}")
    return tuple(next(iter(each), None) for each in (days, services, deploys))


def _actor(word: str) -> str:
    if not is_actor(word):
        raise argparse.ArgumentTypeError(no_actor(word))
    return word


def _cursor(word: str) -> Cursor:
    cursor = cursor_from(word)
    if cursor is None:
        raise argparse.ArgumentTypeError(f"{word} isn't a cursor: copy it from the last line of the page before")
    return cursor


async def execute(words: argparse.Namespace, ports: Ports) -> int:
    """Print a page of events. The exit status is 1, with a sentence on standard error, if the query is refused."""
    query = await _query(words, ports)
    if isinstance(query, Refused):
        return print_refusal(query)
    page = await audit(ports, query, words.limit)
    if isinstance(page, Refused):
        return print_refusal(page)
    sys.stdout.write(json.dumps(_document(page), indent=2) + "\n" if words.json else _text(page, query, words))
    return 0


async def _query(words: argparse.Namespace, ports: Ports) -> AuditQuery | Refused:
    catalog = await catalog_of(ports)
    service, deploy = words.service, words.deploy
    # a service may be named like a deploy number
    if deploy is not None and service is None and named(deploy, catalog.services):
        service, deploy = deploy, None
    elif service and (other := no_service(service, catalog)):
        return other
    actor = await actor_of(ports, words.by) if words.by else None
    if isinstance(actor, Refused):
        return actor
    zone = ZoneInfo(catalog.timezone)
    day = day_named(words.day, ports.clock.now().astimezone(zone).date()) if words.day else None
    return AuditQuery(
        span=day_of(day, zone) if day else None,
        service=service_of(service, catalog),
        environment=environment_of(words.environment, catalog),
        actor=actor,
        deploy=deploy_number(deploy) if deploy else None,
        before=words.before,
        steps=words.steps or words.json,
    )


def _document(page: AuditPage) -> dict[str, Any]:
    return {
        "events": [{"index": stored.index, **json.loads(stored.body)} for stored in page.events],
        "next": cursor_text(page.next) if page.next else None,
    }


def _text(page: AuditPage, query: AuditQuery, words: argparse.Namespace) -> str:
    zone = ZoneInfo(page.zone)
    header = (f"TIME ({page.zone})", "WHO", "DEPLOY", "SERVICE", "ENVIRONMENT", "WHAT")
    text = table(header, [_row(stored, zone) for stored in page.events]) if page.events else ""
    left = f"left out: {page.folded} of Nomatron's own steps; --all prints them\n" if page.folded else ""
    older = f"older: {_older(page.next, query, words, zone)}\n" if page.next else ""
    return f"{text}{left}{older}" or "No audit events match.\n"


def _row(stored: Stored, zone: tzinfo) -> tuple[str, ...]:
    body = json.loads(stored.body)
    return (
        local(datetime.fromisoformat(body["at"]), zone),
        who(actor_from_key(body["actor"])),
        f"D-{body['deploy']}" if "deploy" in body else "",
        body.get("service", ""),
        body.get("environment", ""),
        sentence(body).text,
    )


def _older(cursor: Cursor, query: AuditQuery, words: argparse.Namespace, zone: tzinfo) -> str:
    """The command for the next page. It names the date, because ``today`` may be another day by then."""
    day = query.span.begins.astimezone(zone).date().isoformat() if query.span else None
    options = (("--in", words.environment), ("--by", words.by), ("--limit", words.limit if words.limit != 50 else None))
    given = [part for name, value in options if value is not None for part in (name, str(value))]
    given += ["--all"] if words.steps else []
    about = [*filter(None, (day, words.service, words.deploy)), *given]
    return shlex.join(["nomatron", "audit", "list", *about, "--before", cursor_text(cursor)])
