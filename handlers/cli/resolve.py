"""``nomatron resolve``: say what became of a deploy whose outcome Nomad cannot tell."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from bot.domain.actor import Operator
from bot.domain.decision import Refused
from bot.domain.deploy.dispatch import resolution_from
from bot.operations.deploys.resolve import Resolve, resolve_on_host

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bot.ports import Ports

DESCRIPTION = """Says what became of a deploy if Nomad cannot tell: `landed VERSION` or `not-landed` while it is
dispatched, `succeeded` or `failed` while it rolls out. The audit log records your name and the reason. Exits with 1 if
nothing was recorded."""


def parse(argv: Sequence[str]) -> Resolve:
    """What the arguments ask for; ends the program with 2 if they are wrong."""
    parser = argparse.ArgumentParser(prog="nomatron resolve", description=DESCRIPTION)
    parser.add_argument("deploy", metavar="D-n", help="the deploy's number")
    parser.add_argument("result", choices=("landed", "not-landed", "succeeded", "failed"), help="what became of it")
    parser.add_argument("version", metavar="VERSION", nargs="?", help="the job version; only after `landed`")
    parser.add_argument("--because", metavar="TEXT", required=True, help="how you know, for the audit log")
    words = parser.parse_args(argv)
    number = words.deploy.upper().removeprefix("D-")
    if not (number.isascii() and number.isdigit() and len(number) < 16):
        parser.error(f"{words.deploy} isn't a deploy number such as D-12")
    resolution = resolution_from(words.result if words.version is None else f"{words.result} {words.version}")
    if resolution is None:
        parser.error("write `landed VERSION`, `not-landed`, `succeeded` or `failed`")
    if not words.because.strip():
        parser.error("--because needs a reason")
    return Resolve(int(number), resolution, words.because.strip())


async def execute(asked: Resolve, ports: Ports, user: str) -> int:
    """Resolve as the operator ``user``; 0 if it was recorded, else 1, with the reason on standard error."""
    done = await resolve_on_host(ports, Operator(user), asked)
    if isinstance(done, Refused):
        sys.stderr.writelines(f"{reason.text}\n" for reason in done.reasons)
        return 1
    sys.stdout.write(f"{done.number}: recorded {asked.resolution}; it is now {done.status}\n")
    return 0
