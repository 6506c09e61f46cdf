"""``nomatron apply``: check the catalog folder and make it the active catalog."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from bot.domain.actor import Operator
from bot.domain.decision import Refused
from bot.gateways.catalog import read
from bot.operations.catalog import apply
from bot.operations.digest.schedule import upcoming
from handlers.cli.check import issue_lines

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from bot.ports import Ports


DESCRIPTION = """Checks the catalog folder of NOMATRON_CATALOG and makes it the active catalog. If it has errors,
exits with 1 and changes nothing."""


def parse(argv: Sequence[str]) -> argparse.Namespace:
    """The command's arguments: there are none."""
    return argparse.ArgumentParser(prog="nomatron apply", description=DESCRIPTION).parse_args(argv)


async def execute(_: argparse.Namespace, ports: Ports, folder: Path, user: str) -> int:
    """Apply ``folder`` as the operator ``user``; 0 if it is active now, else 1, with every error on standard error."""
    reading = read(folder)
    lines = issue_lines(folder, reading)
    if reading.catalog is None:
        sys.stderr.writelines(f"{line}\n" for line in lines)
        errors = f"{len(reading.errors)} error{'' if len(reading.errors) == 1 else 's'}"
        sys.stderr.write(f"{folder}: {errors}. Nothing was applied; the active catalog has not changed.\n")
        return 1
    outcome = await apply(ports, Operator(user), reading.catalog)
    if isinstance(outcome, Refused):
        sys.stderr.writelines(f"{reason.text}\n" for reason in outcome.reasons)
        return 1
    sys.stderr.writelines(f"{line}\n" for line in lines)
    sys.stdout.writelines(
        f"withdrawn: {each.number} {each.service} to {each.environment}\n" for each in outcome.withdrawn
    )
    state = "is now active" if outcome.changed else "was already active"
    sys.stdout.write(f"catalog {outcome.active.fingerprint[:12]} {state}\n")
    for each in await upcoming(ports):
        sys.stdout.write(f"digest for {each.channel}: next on {each.due:%Y-%m-%d at %H:%M %Z}\n")
    return 0
