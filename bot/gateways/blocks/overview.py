"""What runs where, and who somebody is here: answers that are lists."""

from __future__ import annotations

from itertools import accumulate
from typing import TYPE_CHECKING, Protocol

from bot.domain.decision import Refused
from bot.domain.deploy.message import STATE_WORDS
from bot.gateways.blocks.answers import said
from bot.gateways.blocks.card.message import EMOJI
from bot.gateways.blocks.parts import Message, section
from bot.gateways.blocks.text import code, cut, fit, moment, person, words

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from bot.domain.decision import Decision
    from bot.domain.deploy.deploy import Deploy

MOST_SERVICES = 49
"""One section each, and one that tells of the rest: Slack takes 50 blocks."""
_MOST_OPEN = 5
_LONGEST = 12_000


class ShownCell(Protocol):
    """A service in an environment: what succeeded last there, and what is on its way."""

    @property
    def service(self) -> str:
        """The service's name."""

    @property
    def environment(self) -> str:
        """The environment's name."""

    @property
    def running(self) -> Deploy | None:
        """What succeeded last."""

    @property
    def open(self) -> tuple[Deploy, ...]:
        """What is on its way."""


class ShownHolding(Protocol):
    """Permissions from one grant; None means everywhere."""

    @property
    def permissions(self) -> Sequence[str]:
        """Their names."""

    @property
    def environments(self) -> tuple[str, ...] | None:
        """Where they hold."""

    @property
    def services(self) -> tuple[str, ...] | None:
        """For what they hold."""


def matrix(rows: Sequence[Sequence[ShownCell | None]], environment: str | None = None, *, more: int = 0) -> Message:
    """``status``: a section for each service, a line for each environment; ``environment`` shows that one alone.

    ``more`` is how many services are not among the rows.
    """
    sections = []
    for row in rows:
        cells = [cell for cell in row if cell is not None and environment in {None, cell.environment}]
        if cells:
            sections.append(
                fit([f"*{words(cells[0].service, 128)}*", *(line for each in cells for line in _cell(each))])
            )
    if not sections:
        return said("Nothing is deployed by this catalog there yet.")
    fitting = _fitting(sections)
    more += len(sections) - len(fitting)
    rest = [f"_… and {more} more services; name one: `/deploy status SERVICE`_"] if more > 0 else []
    shown = [*fitting, *rest]
    return Message(cut("What runs where, and what waits.", 200), tuple(section(text) for text in shown))


def _fitting(sections: Sequence[str]) -> list[str]:
    """As many from the top as one message can hold."""
    lengths = accumulate(len(text) for text in sections[:MOST_SERVICES])
    return [text for text, length in zip(sections, lengths, strict=False) if length <= _LONGEST]


def _cell(cell: ShownCell) -> Iterator[str]:
    running = cell.running
    now = f"{code(running.version, 160)} since {moment(running.changed_at)}" if running else "nothing from Nomatron yet"
    yield f"{words(cell.environment, 128)}: {now}"
    for deploy in cell.open[:_MOST_OPEN]:
        state = f"{EMOJI[deploy.status]} {STATE_WORDS[deploy.status]}"
        yield f"    {state}: {code(deploy.version, 160)} ({code(deploy.number)})"
    if len(cell.open) > _MOST_OPEN:
        yield f"    _… and {len(cell.open) - _MOST_OPEN} more_"


def whoami(
    user: str,
    standing: Decision,
    groups: Sequence[str],
    holdings: Sequence[ShownHolding],
    seats: Sequence[tuple[str, str]],
) -> Message:
    """``whoami``: groups, permissions, and whose seats the person could fill."""
    lines = [f":bust_in_silhouette: {person(user)}"]
    if isinstance(standing, Refused):
        lines += [f":no_entry: {words(reason.text, 400)}" for reason in standing.reasons]
    lines.append(f"*Groups* {_names(groups) or 'none of this catalog'}")
    if isinstance(standing, Refused):
        return said(*lines, "*May* nothing, and *can approve* nothing, whatever the groups allow")
    lines += [f"*May* {_holding(each)}" for each in holdings[:20]] or ["*May* nothing: no role names your groups"]
    lines.append(f"*Can approve* {_seats(seats) or 'nothing'}")
    return said(*lines)


def _holding(holding: ShownHolding) -> str:
    where = "everywhere" if holding.environments is None else f"in {_names(holding.environments)}"
    what = "" if holding.services is None else f", for {_names(holding.services)}"
    return f"{_names(holding.permissions)} {where}{what}"


def _seats(seats: Sequence[tuple[str, str]]) -> str:
    shown = ", ".join(f"{words(service, 100)} in {words(environment, 100)}" for service, environment in seats[:20])
    return shown + (f" and {len(seats) - 20} more" if len(seats) > 20 else "")


def _names(names: Sequence[str]) -> str:
    shown = ", ".join(code(name, 100) for name in names[:20])
    return shown + (f" and {len(names) - 20} more" if len(names) > 20 else "")
