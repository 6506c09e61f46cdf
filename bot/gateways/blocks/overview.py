"""The answers to ``status`` and ``whoami``: what runs where, and what a person may do."""

from __future__ import annotations

from itertools import accumulate
from typing import TYPE_CHECKING

from bot.domain.decision import Refused
from bot.domain.deploy.message import STATE_WORDS
from bot.gateways.blocks.answers import from_lines
from bot.gateways.blocks.card.message import EMOJI
from bot.gateways.blocks.parts import Message, section
from bot.gateways.blocks.reasons import blocker
from bot.gateways.blocks.text import code, fit, moment, person, words

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from bot.domain.access import Holding, Whoami
    from bot.domain.deploy.matrix import Cell, Matrix

MOST_SERVICES = 48
"""One section each, one for locks, and one that says how many more there are: Slack takes 50 blocks."""
_MOST_OPEN = 5
_MOST_LOCKS = 10
_MORE_LOCKS = "_… and more locks. All of them: `nomatron status`_"
_LONGEST = 12_000


def matrix(shown: Matrix, environment: str | None = None) -> Message:
    """The answer to ``status``: the locks, then a section for each service, a line for each environment.

    ``environment`` leaves out all others. As many services as fit into one message, and how many more there are.
    """
    sections = []
    for row in shown.rows:
        cells = [cell for cell in row if cell is not None and environment in {None, cell.environment}]
        if cells:
            sections.append(
                fit([f"*{words(cells[0].service, 128)}*", *(line for each in cells for line in _cell(each))])
            )
    closed = _locks(shown)
    if not sections:
        return from_lines("The catalog deploys nothing there.", *closed)
    if closed:
        sections.insert(0, fit(closed, pointer=_MORE_LOCKS))
    fitting = _fitting(sections)
    more = shown.more + len(sections) - len(fitting)
    rest = [f"_… and {more} more services. For one of them: `/deploy status SERVICE`_"] if more > 0 else []
    return Message("What runs where, and what is on its way.", tuple(section(text) for text in (*fitting, *rest)))


def _locks(shown: Matrix) -> list[str]:
    """A line for each lock, the newest first."""
    lines = [blocker(reason) for reason in reversed(shown.closed)]
    return [*lines[:_MOST_LOCKS], *([_MORE_LOCKS] if len(lines) > _MOST_LOCKS else [])]


def _fitting(sections: Sequence[str]) -> list[str]:
    """As many from the top as one message can hold."""
    lengths = accumulate(len(text) for text in sections[:MOST_SERVICES])
    return [text for text, length in zip(sections, lengths, strict=False) if length <= _LONGEST]


def _cell(cell: Cell) -> Iterator[str]:
    running = cell.running
    now = (
        f"{code(running.release_name, 160)} since {moment(running.changed_at)}"
        if running
        else "nothing deployed by Nomatron yet"
    )
    yield f"{words(cell.environment, 128)}: {now}"
    for deploy in cell.open[:_MOST_OPEN]:
        state = f"{EMOJI[deploy.status]} {STATE_WORDS[deploy.status]}"
        yield f"    {state}: {code(deploy.release_name, 160)} ({code(deploy.number)})"
    if len(cell.open) > _MOST_OPEN:
        yield f"    _… and {len(cell.open) - _MOST_OPEN} more_"


def whoami(found: Whoami) -> Message:
    """The answer to ``whoami``: groups, permissions, and which deploys the person could approve."""
    lines = [f":bust_in_silhouette: {person(found.user)}"]
    if isinstance(found.standing, Refused):
        lines += [f":no_entry: {words(reason.text, 400)}" for reason in found.standing.reasons]
    lines.append(f"*Groups* {_names(found.groups) or 'none of those in the catalog'}")
    if isinstance(found.standing, Refused):
        return from_lines(*lines, "*May* do nothing and *can approve* nothing, whatever the groups allow")
    may = [f"*May* {_holding(each)}" for each in found.holdings[:20]]
    lines += may or ["*May* do nothing: no role in the catalog names your groups"]
    return from_lines(*lines, f"*Can approve* {_seats(found.seats) or 'nothing'}")


def _holding(holding: Holding) -> str:
    where = "everywhere" if holding.environments is None else f"in {_names(holding.environments)}"
    what = "" if holding.services is None else f", for {_names(holding.services)}"
    return f"{_names(holding.permissions)} {where}{what}"


def _seats(seats: Sequence[tuple[str, str]]) -> str:
    shown = ", ".join(f"{words(service, 100)} in {words(environment, 100)}" for service, environment in seats[:20])
    return shown + (f" and {len(seats) - 20} more" if len(seats) > 20 else "")


def _names(names: Sequence[str]) -> str:
    shown = ", ".join(code(name, 100) for name in names[:20])
    return shown + (f" and {len(names) - 20} more" if len(names) > 20 else "")
