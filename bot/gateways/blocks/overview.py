"""The answers to ``status`` and ``whoami``: what runs where, and what a person may do."""

from __future__ import annotations

from itertools import accumulate
from typing import TYPE_CHECKING

from bot.domain.decision import Refused
from bot.domain.deploy.matrix import Health, Origin
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
"""One section each, one above them, and one that says how many more there are: Slack takes 50 blocks."""
_MOST_OPEN = 5
_MOST_LOCKS = 10
_MORE_LOCKS = "_… and more locks. All of them: `nomatron status`_"
_MORE_DIFFERENCES = "_… and more differences. All of them: `nomatron status SERVICE`_"
_LONGEST = 12_000


def matrix(shown: Matrix, environment: str | None = None) -> Message:
    """The answer to ``status``: silent clusters, locks, then a section for each service, a line for each environment.

    ``environment`` leaves out all others. As many services as fit into one message, and how many more there are.
    """
    sections = []
    for row in shown.rows:
        cells = [cell for cell in row if cell is not None and environment in {None, cell.environment}]
        if cells:
            sections.append(
                fit([f"*{words(cells[0].service, 128)}*", *(line for each in cells for line in _cell(each))])
            )
    above = [*_silent(shown), *_locks(shown)]
    if not sections:
        return from_lines("The catalog deploys nothing there.", *above)
    if above:
        sections.insert(0, fit(above, pointer=_MORE_LOCKS))
    fitting = _fitting(sections)
    more = shown.more + len(sections) - len(fitting)
    rest = [f"_… and {more} more services. For one of them: `/deploy status SERVICE`_"] if more > 0 else []
    # only the answer for one service has them
    differing = [fit(lines, pointer=_MORE_DIFFERENCES) for lines in _differences(shown)]
    ends = _fitting(differing, _LONGEST - sum(map(len, fitting)))
    if len(ends) < len(differing):
        ends.append(_MORE_DIFFERENCES)
    texts = (*fitting, *rest, *ends)
    return Message("What runs where, and what is on its way.", tuple(section(text) for text in texts))


def _locks(shown: Matrix) -> list[str]:
    """A line for each lock, the newest first."""
    lines = [blocker(reason) for reason in reversed(shown.closed)]
    return [*lines[:_MOST_LOCKS], *([_MORE_LOCKS] if len(lines) > _MOST_LOCKS else [])]


def _silent(shown: Matrix) -> list[str]:
    """Why nobody knows what some environments run."""
    return [
        f":grey_question: What runs in {_names(each.environments)} is unknown (cluster {code(each.cluster, 100)}). "
        f"{words(each.why, 300)}"
        for each in shown.silent[:_MOST_LOCKS]
    ]


def _differences(shown: Matrix) -> Iterator[list[str]]:
    """How each environment's job differs from that of the one before."""
    for each in shown.differences:
        pair = f"*{words(each.before, 128)} and {words(each.after, 128)}*"
        if not each.lines:
            yield [f":left_right_arrow: {pair} have the same job, apart from where it runs"]
            continue
        yield [f":left_right_arrow: {pair} differ", *(f"• {words(line, 160)}" for line in each.lines)]


def _fitting(sections: Sequence[str], room: int = _LONGEST) -> list[str]:
    """As many from the top as fit into so many characters, and into one message."""
    lengths = accumulate(len(text) for text in sections[:MOST_SERVICES])
    return [text for text, length in zip(sections, lengths, strict=False) if length <= room]


def _cell(cell: Cell) -> Iterator[str]:
    running = cell.running
    parts = [
        f"{code(running.release_name, 160)} since {moment(running.changed_at)}"
        if running
        else "nothing deployed by Nomatron yet",
        *_health(cell),
    ]
    lock = ":lock: " if cell.closed else ""
    yield f"{lock}{words(cell.environment, 128)}: {', '.join(parts)}"
    if cell.trouble:
        since = cell.live.since if cell.live and cell.live.origin is Origin.OUTSIDE else None
        yield f"    :warning: {words(cell.trouble, 300)}{f' _Since {moment(since)}._' if since else ''}"
    if cell.promotes_to:
        yield f"    :arrow_right: can be promoted to {_names(cell.promotes_to)}"
    for deploy in cell.open[:_MOST_OPEN]:
        state = f"{EMOJI[deploy.status]} {STATE_WORDS[deploy.status]}"
        yield f"    {state}: {code(deploy.release_name, 160)} ({code(deploy.number)})"
    if len(cell.open) > _MOST_OPEN:
        yield f"    _… and {len(cell.open) - _MOST_OPEN} more_"


def _health(cell: Cell) -> list[str]:
    """What Nomad says of the job, in a few words; nothing for a place where there is no job, and none is missing."""
    if cell.live is None or (cell.live.health is Health.ABSENT and cell.running is None):
        return []
    said = words(cell.live.words, 100)
    return [f"_Nomad: {said}_" if cell.live.health is Health.UNKNOWN else said]


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
