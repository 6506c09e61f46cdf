"""``nomatron rollback``: go back to what ran before, from the host."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from bot.domain.actor import Operator
from bot.domain.audit.sentences import one_line
from bot.domain.decision import Refused
from bot.domain.deploy.deploy import BASELINE
from bot.domain.rollback import Rollback
from bot.operations.rollback.request import request_rollback

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bot.ports import Ports

DESCRIPTION = """Requests a rollback: the job that ran before is registered again, and the service is locked there with
the reason. Needs no permission, but the approvals that any rollback needs. The audit log records your name and the
reason. Exits with 1 if nothing was requested."""


def parse(argv: Sequence[str]) -> Rollback:
    """What to roll back; ends the program with 2 if the arguments are wrong."""
    parser = argparse.ArgumentParser(prog="nomatron rollback", description=DESCRIPTION)
    parser.add_argument("service", metavar="SERVICE", help="the service's name")
    parser.add_argument("--in", dest="environment", metavar="ENV", help="where; needed if there are several")
    parser.add_argument("--to", metavar="D-n|baseline", help="the deploy to go back to, or the job before Nomatron")
    parser.add_argument("--because", metavar="TEXT", required=True, help="why, for the lock and the audit log")
    words = parser.parse_args(argv)
    to: int | str | None = words.to
    if words.to is not None and words.to.casefold() != BASELINE:
        number = words.to.upper().removeprefix("D-")
        if not (number.isascii() and number.isdigit() and len(number) < 16):
            parser.error(f"{words.to} isn't a deploy number such as D-12, or {BASELINE}")
        to = int(number)
    elif words.to is not None:
        to = BASELINE
    return Rollback(service=words.service, environment=words.environment, reason=words.because, to=to)


async def execute(asked: Rollback, ports: Ports, user: str) -> int:
    """Roll back as the operator ``user``; 0 if it was recorded, else 1, with the reasons on standard error."""
    done = await request_rollback(ports, Operator(user), asked)
    if isinstance(done, Refused):
        sys.stderr.writelines(f"{one_line(reason.text, 2000)}\n" for reason in done.reasons)
        return 1
    deploy = done.deploy
    what = f"{deploy.service} {deploy.release_name} to {deploy.environment}"
    said = "already requested" if done.existing else "recorded"
    lines = (f"{deploy.number}: {said}: {what}", *done.notes, *(reason.text for reason in done.holds))
    sys.stdout.writelines(f"{one_line(line, 2000)}\n" for line in lines)
    return 0
