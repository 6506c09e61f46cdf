"""Changes as lines of text for a preformatted block; changes that do not fit are counted."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence

from bot.domain.deploy.plan import Change
from bot.domain.jobdiff.changes import reason
from bot.domain.jobdiff.redaction import is_mark

LIMIT = 2_900
"""Most characters after escaping, which is how Slack counts them; its limit for a text is 3,000."""

_VALUE = 160
_TEXT_LINES = 12
_SIGNS = {"Added": "+", "Deleted": "-"}


def lines(changes: Sequence[Change], limit: int = LIMIT) -> list[str]:
    """The text diff, with a heading for each part of the job; it ends with ``+12 more`` if changes did not fit."""
    result: list[str] = []
    heading: tuple[str, ...] | None = None
    room = limit
    for done, change in enumerate(changes):
        block = [*([] if change.path[:-1] == heading else [_heading(change)]), *_change(change)]
        more = f"+{len(changes) - done} more"
        room_after = room - cost(block)
        # the last change needs no room for a count of further ones
        if room_after < (cost([more]) if done + 1 < len(changes) else 0):
            return [*result, more]
        result += block
        room = room_after
        heading = change.path[:-1]
    return result


def whole(changes: Sequence[Change]) -> str:
    """Every change, with its whole values and texts: for a file, or pages."""
    result: list[str] = []
    heading: tuple[str, ...] | None = None
    for change in changes:
        result += [*([] if change.path[:-1] == heading else [", ".join(change.path[:-1]) or "job"]), *_whole(change)]
        heading = change.path[:-1]
    return "\n".join(result)


def _whole(change: Change) -> list[str]:
    name, sign = change.path[-1] if change.path else "job", _SIGNS.get(change.kind, "~")
    why = f" ({said})" if (said := reason(change)) else ""
    both = (
        f"{change.old or '(none)'} → {change.new or '(none)'}" if change.kind == "Edited" else change.new or change.old
    )
    value = "changed (hidden)" if change.hidden else " ".join(both.splitlines())
    return [f"  {sign} {name}: {value}{why}", *(f"      {line}" for line in change.diff)]


def cost(block: Iterable[str]) -> int:
    """The number of characters of these lines, with line ends, and ``&``, ``<`` and ``>`` escaped for Slack."""
    return sum(len(line) + 1 + 4 * line.count("&") + 3 * (line.count("<") + line.count(">")) for line in block)


def _heading(change: Change) -> str:
    where = ", ".join(change.path[:-1]) or "job"
    effect = f" ({change.effect})" if change.effect else ""
    return _short(where, _VALUE) + effect


def _change(change: Change) -> list[str]:
    name = _short(change.path[-1], _VALUE) if change.path else "job"
    sign = _SIGNS.get(change.kind, "~")
    if not is_mark(change.old + change.new) and ("\n" in change.old.strip() or "\n" in change.new.strip()):
        return [f"  {sign} {name}:", *_text(change)]
    return [f"  {sign} {name}{_values(change)}"]


def _values(change: Change) -> str:
    old, new = _short(change.old, _VALUE), _short(change.new, _VALUE)
    if is_mark(change.new) or is_mark(change.old):
        return f": {_hidden(change, old, new)}"
    if change.kind == "Edited":
        return f": {old or '(none)'} → {new or '(none)'}"
    value = new or old
    return f": {value}" if value else ""


def _hidden(change: Change, old: str, new: str) -> str:
    if change.kind == "Edited":
        return f"changed {old or '(none)'} → {new or '(none)'}"
    return f"set {new}" if new else f"removed {old}"


def _text(change: Change) -> list[str]:
    """The lines that differ, for a value of several lines."""
    compared = difflib.unified_diff(change.old.splitlines(), change.new.splitlines(), lineterm="", n=0)
    changed = [line for line in list(compared)[2:] if not line.startswith("@@")]
    shown = [f"      {_short(line, _VALUE)}" for line in changed[:_TEXT_LINES]]
    left = len(changed) - len(shown)
    return shown + ([f"      … {left} more lines"] if left else [])


def _short(value: str, limit: int) -> str:
    """The value on one line, with at most ``limit`` characters."""
    said = " ".join(value.split())
    return said if len(said) <= limit else said[: limit - 1] + "…"
