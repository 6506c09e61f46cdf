"""Changes as lines of text for a preformatted block: flagged ones first, whole or as far as they fit."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence

from bot.domain.deploy.plan import Change
from bot.domain.jobdiff.changes import reason

LIMIT = 2_900
"""Most characters after escaping, which is how Slack counts them; its limit for a text is 3,000."""

WARNING = "⚠"

_VALUE = 160
_TEXT_LINES = 12
_SIGNS = {"Added": "+", "Deleted": "-"}
_HIDDEN = {"Added": "added (hidden)", "Deleted": "removed (hidden)", "Edited": "changed (hidden)"}


def lines(changes: Sequence[Change], limit: int = LIMIT) -> list[str]:
    """The flagged changes, a line each, then the others under a heading for each part of the job.

    It ends with ``+12 more, none of them flagged`` if changes did not fit.
    """
    result: list[str] = []
    heading: tuple[str, ...] | None = None
    room = limit
    for done, change in enumerate(changes):
        block = _block(change, heading, _VALUE, _TEXT_LINES)
        left = [more(changes[done:])]
        room_after = room - cost(block)
        # the last change needs no room for a count of further ones
        if room_after < (cost(left) if done + 1 < len(changes) else 0):
            return [*result, *left]
        result += block
        room = room_after
        heading = None if change.flags else change.path[:-1]
    return result


def whole(changes: Sequence[Change]) -> str:
    """Every change, with its whole values and texts: for a file, or pages."""
    result: list[str] = []
    heading: tuple[str, ...] | None = None
    for change in changes:
        result += _block(change, heading, 0, 0)
        heading = None if change.flags else change.path[:-1]
    return "\n".join(result)


def line(change: Change, limit: int = _VALUE) -> str:
    """One change on one line, with its place and, if it is flagged, the reason."""
    where = ", ".join(change.path) or "job"
    said = f"{safe(where)}{_values(change, limit)}"
    return f"{WARNING} {reason(change)}: {said}" if change.flags else said


def more(changes: Sequence[Change]) -> str:
    """``+3 more, none of them flagged``."""
    flagged = sum(1 for change in changes if change.flags)
    return f"+{len(changes)} more, {flagged or 'none'} of them flagged"


def cost(block: Iterable[str]) -> int:
    """The number of characters of these lines, with line ends, and ``&``, ``<`` and ``>`` escaped for Slack."""
    return sum(len(line) + 1 + 4 * line.count("&") + 3 * (line.count("<") + line.count(">")) for line in block)


def _block(change: Change, heading: tuple[str, ...] | None, limit: int, text_lines: int) -> list[str]:
    """The lines of a change; ``heading`` is the one above it, and 0 is no limit."""
    effect = f" ({change.effect})" if change.effect else ""
    if change.flags:
        return [f"{line(change, limit)}{effect}", *_text(change, limit, text_lines)]
    above = [] if change.path[:-1] == heading else [f"{_short(', '.join(change.path[:-1]) or 'job', limit)}{effect}"]
    name = _short(change.path[-1], limit) if change.path else "job"
    said = f"  {_SIGNS.get(change.kind, '~')} {name}{_values(change, limit)}"
    return [*above, said, *_text(change, limit, text_lines)]


def _values(change: Change, limit: int) -> str:
    """The values, or how the change is said if nobody may see them."""
    if change.hidden and not change.diff:
        return f": {_HIDDEN[change.kind]}"
    if change.diff:
        return f": {len(change.diff)} {'line differs' if len(change.diff) == 1 else 'lines differ'}"
    if change.kind == "Edited" and (change.old or change.new):
        old, new = _around_difference(change.old, change.new, limit)
        return f": {old or '(none)'} → {new or '(none)'}"
    value = _short(change.new or change.old, limit)
    return f": {value}" if value else ""


def _text(change: Change, limit: int, text_lines: int) -> list[str]:
    """The lines that differ, for a text of several lines."""
    shown = change.diff[: text_lines or None]
    left = len(change.diff) - len(shown)
    said = [f"      {each[0]}{_short(each[1:], limit, keep_space=True)}" for each in shown]
    return said + ([f"      … {left} more {'line' if left == 1 else 'lines'}"] if left else [])


def _around_difference(old: str, new: str, limit: int) -> tuple[str, str]:
    """Both values; of long ones, the part in which they differ, with how much is left out on each side."""
    if not limit or max(len(old), len(new)) <= limit:
        return safe(old), safe(new)
    shortest = min(len(old), len(new))
    same = next((at for at in range(shortest) if old[at] != new[at]), shortest)
    start = max(0, same - limit // 4)
    return _part(old, start, limit), _part(new, start, limit)


def _part(value: str, start: int, limit: int) -> str:
    end = start + limit
    before = f"({start:,} characters) …" if start else ""
    after = f"… ({len(value) - end:,} more characters)" if len(value) > end else ""
    return f"{before}{safe(value[start:end])}{after}"


def _short(value: str, limit: int, *, keep_space: bool = False) -> str:
    """The value on one line; what is cut off is counted."""
    said = value if keep_space else " ".join(value.split())
    return _part(said, 0, limit) if limit and len(said) > limit else safe(said)


def safe(value: str) -> str:
    """A text in which no character moves, hides or breaks the others; right-to-left words stay where they are."""
    said = "".join(_visible(each) if _is_control(each) else each for each in value)
    if any(unicodedata.bidirectional(each) in {"R", "AL", "AN"} for each in said):
        return f"\u2068{said}\u2069"
    return said


def _is_control(character: str) -> bool:
    return unicodedata.category(character) in {"Cc", "Cf", "Cs", "Zl", "Zp"} and character != "\t"


def _visible(character: str) -> str:
    return {"\n": "\\n", "\r": "\\r"}.get(character) or f"\\u{ord(character):04x}"
