"""``nomatron status [SERVICE] [--json]``: what Nomad has in each environment, and what waits there."""

from __future__ import annotations

import argparse
import json
import sys
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from bot.domain.audit.sentences import one_line
from bot.domain.decision import refuse
from bot.domain.deploy.message import STATE_WORDS
from bot.domain.documents import document_of
from bot.domain.names import named, unknown_name
from bot.operations.queries.matrix import matrix
from handlers.cli.arguments import catalog_of, print_refusal
from handlers.cli.locks import line_of, lock_document
from handlers.cli.terminal import local, table

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from bot.domain.catalog.catalog import Catalog
    from bot.domain.deploy.deploy import Deploy
    from bot.domain.deploy.matrix import Cell, Live, Matrix
    from bot.ports import Ports


DESCRIPTION = """Shows what succeeded last in each environment, what Nomad has there now, and the open deploys. Asks
every cluster once, for at most a few seconds. Exits with 1 if the active catalog does not have the service."""


def parse(argv: Sequence[str]) -> argparse.Namespace:
    """The command's arguments."""
    parser = argparse.ArgumentParser(prog="nomatron status", description=DESCRIPTION)
    parser.add_argument("service", nargs="?", help="only this service")
    parser.add_argument("--json", action="store_true", help="print JSON for programs (docs/interfaces.md)")
    return parser.parse_args(argv)


async def execute(words: argparse.Namespace, ports: Ports) -> int:
    """Print the table; 1 if the active catalog does not have the service."""
    catalog = await catalog_of(ports)
    services = catalog.services
    service = named(words.service, services) if words.service else None
    if words.service and service is None:
        return print_refusal(refuse("unknown-service", unknown_name("service", words.service, services)))
    found = await matrix(ports, service)
    if words.json:
        sys.stdout.write(json.dumps(_document(found), indent=2) + "\n")
        return 0
    sys.stdout.write(_table(found, catalog))
    sys.stdout.writelines(f"{line}\n" for line in _below(found))
    sys.stdout.writelines(f"{line_of(lock, catalog)}\n" for lock in found.locks)
    return 0


def _document(found: Matrix) -> dict[str, Any]:
    return {
        "environments": list(found.environments),
        "services": [
            {"service": row[0].service, "environments": {cell.environment: _cell(cell) for cell in row}}
            for row in _rows(found)
        ],
        "locks": [lock_document(lock) for lock in found.locks],
        "silent": [
            {"cluster": each.cluster, "environments": list(each.environments), "why": each.why} for each in found.silent
        ],
        "differences": [
            {"before": each.before, "after": each.after, "lines": list(each.lines)} for each in found.differences
        ],
    }


def _rows(found: Matrix) -> list[list[Cell]]:
    rows = ([cell for cell in row if cell] for row in found.rows)
    return [row for row in rows if row]


def _cell(cell: Cell) -> dict[str, Any]:
    return {
        "running": _deploy(cell.running) if cell.running else None,
        "open": [_deploy(deploy) for deploy in cell.open],
        "nomad": _live(cell.live) if cell.live else None,
        "promotes_to": list(cell.promotes_to),
        "closed_by": [reason.code for reason in cell.closed],
    }


def _live(live: Live) -> dict[str, Any]:
    base = live.base
    return {
        "health": live.health.value,
        "wanted": live.wanted,
        "running": live.running,
        "starting": live.starting,
        "unplaced": live.unplaced,
        "unreachable": live.unreachable,
        "origin": live.origin.value if live.origin else None,
        "deploy": f"D-{base.deploy}" if base and base.deploy is not None else None,
        "version": base.version if base else None,
        "since": document_of(live.since),
    }


def _deploy(deploy: Deploy) -> dict[str, Any]:
    return {
        "deploy": deploy.number,
        "version": deploy.version,
        "revision": deploy.revision,
        "status": deploy.status.value,
        "requester": deploy.requester.key,
        "requested_at": document_of(deploy.requested_at),
        "changed_at": document_of(deploy.changed_at),
    }


def _table(found: Matrix, catalog: Catalog) -> str:
    zone = ZoneInfo(catalog.timezone)
    header = ["SERVICE", "ENVIRONMENT", "VERSION", f"SINCE ({catalog.timezone})", "NOMAD", "WAITS", "CAN GO TO"]
    return table(header, [_line(cell, zone) for row in _rows(found) for cell in row])


def _line(cell: Cell, zone: ZoneInfo) -> list[str]:
    running, live = cell.running, cell.live
    waits = [f"{each.number} {each.release_name} {STATE_WORDS[each.status].lower()}" for each in cell.open]
    return [
        cell.service,
        cell.environment,
        running.release_name if running else "nothing yet",
        local(running.changed_at, zone) if running else "",
        live.words if live else "",
        "; ".join([*(reason.code for reason in cell.closed), *waits]),
        ", ".join(cell.promotes_to),
    ]


def _below(found: Matrix) -> Iterator[str]:
    """What does not fit into the table: what is not as it should be, whom nobody could ask, what differs."""
    for row in _rows(found):
        for cell in row:
            if cell.trouble:
                yield one_line(f"{cell.service} in {cell.environment}: {cell.trouble}", 400)
    for each in found.silent:
        yield one_line(f"unknown: {', '.join(each.environments)} (cluster {each.cluster}): {each.why}", 400)
    for pair in found.differences:
        if not pair.lines:
            yield f"{pair.before} and {pair.after} have the same job, apart from where it runs"
        for line in pair.lines:
            yield one_line(f"{pair.before} and {pair.after} differ: {line}", 400)
