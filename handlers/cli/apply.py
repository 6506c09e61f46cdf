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

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from bot.ports import Ports


def parse(argv: Sequence[str]) -> argparse.Namespace:
    """The command's words: none."""
    return argparse.ArgumentParser(prog="nomatron apply", description=__doc__).parse_args(argv)


async def execute(_: argparse.Namespace, ports: Ports, folder: Path, user: str) -> int:
    """Apply ``folder`` as ``user`` of this host; 0 where it is active now, 1 with every error where it is not."""
    reading = read(folder)
    lines = [f"{issue}" for issue in reading.errors] + [f"warning: {issue}" for issue in reading.warnings]
    if reading.catalog is None:
        sys.stderr.writelines(f"{line}\n" for line in lines)
        sys.stderr.write(f"{folder} has {len(reading.errors)} errors; the active catalog stays as it is.\n")
        return 1
    outcome = await apply(ports, Operator(user), reading.catalog)
    if isinstance(outcome, Refused):
        sys.stderr.writelines(f"{reason.text}\n" for reason in outcome.reasons)
        return 1
    sys.stderr.writelines(f"{line}\n" for line in lines)
    sys.stdout.writelines(
        f"withdrawn: {each.number} {each.service} to {each.environment}\n" for each in outcome.withdrawn
    )
    state = "is active now" if outcome.changed else "was active already"
    sys.stdout.write(f"catalog {outcome.active.fingerprint[:12]} {state}\n")
    for each in await upcoming(ports):
        sys.stdout.write(f"digest for {each.channel}: next on {each.due:%Y-%m-%d at %H:%M %Z}\n")
    return 0
