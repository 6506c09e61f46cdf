"""What people read on a terminal: tables, instants in a time zone, who somebody is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.domain.actor import Actor, CiIdentity, SlackUser
from bot.domain.audit.sentences import one_line

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime, tzinfo

LONGEST_CELL = 200


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Lines of columns under their headings; an empty cell is a dash, and each is one line whatever is in it."""
    lines = [list(header), *([one_line(cell, LONGEST_CELL) or "-" for cell in row] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    padded = ("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) for line in lines)
    return "".join(f"{line.rstrip()}\n" for line in padded)


def local(instant: datetime, zone: tzinfo) -> str:
    """``2026-11-21 13:00:05+01:00``: with the offset, as an hour can come twice."""
    return instant.astimezone(zone).isoformat(sep=" ", timespec="seconds")


def who(actor: Actor) -> str:
    """A person's Slack id; for what is no person in Slack its key."""
    match actor:
        case SlackUser(id=user) | CiIdentity(human=str(user)):
            return user
        case _:
            return actor.key
