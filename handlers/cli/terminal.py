"""Formats text for a terminal: tables, local times, names of actors."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.domain.actor import Actor, CiIdentity, SlackUser
from bot.domain.audit.sentences import one_line

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime, tzinfo

LONGEST_CELL = 200


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Rows under a header, in aligned columns. An empty cell becomes a dash, and every cell is cut to one line."""
    lines = [list(header), *([one_line(cell, LONGEST_CELL) or "-" for cell in row] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    padded = ("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) for line in lines)
    return "".join(f"{line.rstrip()}\n" for line in padded)


def local(instant: datetime, zone: tzinfo) -> str:
    """``2026-11-21 13:00:05``; with its offset in the hour that comes twice when a clock is set back.

    The table's header names the zone, once.
    """
    there = instant.astimezone(zone)
    twice = there.replace(fold=0).utcoffset() != there.replace(fold=1).utcoffset()
    return there.isoformat(sep=" ", timespec="seconds") if twice else f"{there:%Y-%m-%d %H:%M:%S}"


def who(actor: Actor) -> str:
    """The Slack user id of a person, or the key of any other actor."""
    match actor:
        case SlackUser(id=user) | CiIdentity(human=str(user)):
            return user
        case _:
            return actor.key
