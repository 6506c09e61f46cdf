"""``nomatron status [SERVICE] [--json]``: the version that runs in each environment, and the open deploys."""

from __future__ import annotations

import argparse
import json
import sys
from typing import TYPE_CHECKING, Any

from bot.domain.decision import refuse
from bot.domain.deploy.message import STATE_WORDS
from bot.domain.documents import document_of
from bot.domain.names import named, unknown_name
from bot.operations.queries.status import matrix
from handlers.cli.arguments import catalog_of, print_refusal
from handlers.cli.locks import line_of, lock_document
from handlers.cli.terminal import table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bot.domain.deploy.deploy import Deploy
    from bot.domain.deploy.matrix import Cell, Matrix
    from bot.ports import Ports


DESCRIPTION = """Shows the version that runs in each environment, and the open deploys. Exits with 1 if the active
catalog does not have the service."""


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
    sys.stdout.write(_table(found))
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
    }


def _rows(found: Matrix) -> list[list[Cell]]:
    rows = ([cell for cell in row if cell] for row in found.rows)
    return [row for row in rows if row]


def _cell(cell: Cell) -> dict[str, Any]:
    return {
        "running": _deploy(cell.running) if cell.running else None,
        "open": [_deploy(deploy) for deploy in cell.open],
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


def _table(found: Matrix) -> str:
    header = ["SERVICE", *(name.upper() for name in found.environments)]
    return table(header, [[_name(row), *(_words(cell) for cell in row)] for row in found.rows])


def _name(row: tuple[Cell | None, ...]) -> str:
    return next((cell.service for cell in row if cell), "")


def _words(cell: Cell | None) -> str:
    if cell is None:
        return "-"
    running = cell.running.release_name if cell.running else "nothing yet"
    waiting = (f"{each.number} {each.release_name} {STATE_WORDS[each.status].lower()}" for each in cell.open)
    return "; ".join([running, *waiting])
