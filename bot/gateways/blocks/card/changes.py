"""The change list of a deploy's message: flagged changes first, then the others, and every further one counted."""

from __future__ import annotations

import difflib
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from bot.domain.deploy.plan import Flag
from bot.domain.jobdiff.changes import reason
from bot.domain.jobdiff.whole import explicit, nothing, tally
from bot.gateways.blocks.text import SECTION, code, words

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bot.domain.deploy.plan import Change, Plan

FLAG: Final = ":warning:"
_MOST_OTHERS = 20
_VALUE, _NAME, _WHERE, _REASON = 90, 90, 150, 200
_TEXT_LINES = 6
_ESCAPED = 10
"""How much longer a text becomes at most, escaped: its own cut has named what it leaves out, a second would not."""
_DONE_OUTSIDE: Final = {"Added": "removed", "Deleted": "added", "Edited": "changed"}
"""What was done outside Nomatron, if this kind of change undoes it."""
_SPACES = re.compile(r"^ +| +$| {2,}")
_RESOURCES = "resources"
"""A word around cpu and memory that tells nobody anything."""
_COUNT = 120
"""Room for the line that counts what is not shown."""


def sections_of(plan: Plan, room: int) -> list[str]:
    """The list as texts of sections, with at most ``room`` characters in all."""
    if not plan.changes:
        return [f":mag: *{words(nothing(plan))}*"]
    flagged = [each for each in plan.changes if each.flags]
    others = [each for each in plan.changes if not each.flags]
    heading = f"{FLAG if flagged else ':mag:'} *{tally(plan.changes)}*"
    lines, shown = _fitting(flagged, room - len(heading) - _COUNT)
    dangers, more = [heading, *lines], []
    if shown == len(flagged):
        left = room - len("\n".join(dangers)) - _COUNT
        lines, fitting = _fitting(others, left, _MOST_OTHERS)
        more, shown = lines, shown + fitting
    count = _uncounted(len(plan.changes) - shown, flagged=max(0, len(flagged) - shown))
    if more and flagged:
        return [*_in_sections(dangers), *_in_sections([*more, *count])]
    return _in_sections([*dangers, *more, *count])


def _uncounted(left: int, *, flagged: int) -> list[str]:
    """The line that counts the changes that are not on the message."""
    of_them = f"{flagged} of them flagged" if flagged else "none of them flagged"
    return [f"_+{left} more, {of_them}: in the thread_"] if left else []


def _fitting(changes: Sequence[Change], room: int, most: int | None = None) -> tuple[list[str], int]:
    """Lines of as many changes as fit, under headings that say where in the job they are; and how many those are."""
    lines: list[str] = []
    where: tuple[str, ...] | None = None
    for number, change in enumerate(changes[:most]):
        at, name = _place(change)
        block = [*([] if at == where else [f"*{_short(', '.join(at) or 'job', _WHERE)}*"]), *_lines(change, name)]
        room -= sum(len(line) + 1 for line in block)
        if room < 0:
            return lines, number
        lines += block
        where = at
    return lines, min(len(changes), len(changes) if most is None else most)


def _place(change: Change) -> tuple[tuple[str, ...], str]:
    """The group and the task that a change is in, and its name there: few headings for many changes."""
    inside = 0
    # a whole group or task has its name in its place's stead
    while inside < len(change.path) - 1 and change.path[inside].startswith(("group ", "task ")):
        inside += 1
    name = ", ".join(part for part in change.path[inside:] if part != _RESOURCES)
    return change.path[:inside], name or ", ".join(change.path) or "job"


def _lines(change: Change, name: str) -> list[str]:
    """A change: its name, its values if they may be seen, and why it is flagged."""
    sign = FLAG if change.flags else "•"
    why = _short(_reason(change), _REASON) if change.flags else ""
    tail = f" — _{why}_" if why else ""
    text = text_of(change)
    if text:
        count = "1 line differs" if len(text) == 1 else f"{len(text)} lines differ"
        return [f"{sign} {_short(name, _NAME)} {_verb(change)}: {count}{tail}", *_first(text)]
    return [f"{sign} {_short(name, _NAME)} {_values(change)}{tail}"]


def text_of(change: Change) -> tuple[str, ...]:
    """The lines that differ in a text of several lines, masked if it is hidden; empty for any other value."""
    if change.diff or is_hidden(change) or "\n" not in change.old.strip() + change.new.strip():
        return change.diff
    # a plan that is older than the lines
    compared = difflib.unified_diff(change.old.splitlines(), change.new.splitlines(), lineterm="", n=0)
    return tuple(line for line in list(compared)[2:] if not line.startswith("@@"))


def _reason(change: Change) -> str:
    """Why it is flagged, as far as the line does not say it already."""
    said = {Flag.UNDOES_OUTSIDE} | ({Flag.REMOVED} if change.kind == "Deleted" else set())
    rest = reason(replace(change, flags=tuple(flag for flag in change.flags if flag not in said)))
    outside = f"{_DONE_OUTSIDE[change.kind]} outside Nomatron" if Flag.UNDOES_OUTSIDE in change.flags else ""
    version = f", version {change.outside}" if outside and change.outside is not None else ""
    return ", ".join(each for each in (rest, f"{outside}{version}") if each)


def _verb(change: Change) -> str:
    return {"Added": "added", "Deleted": "removed"}.get(change.kind, "changed")


def is_hidden(change: Change) -> bool:
    """Whether nobody may see the values; plans of an earlier Nomatron have marks in their place."""
    return change.hidden or change.old.startswith("(hmac ") or change.new.startswith("(hmac ")


def _values(change: Change) -> str:
    if is_hidden(change):
        return f"{_verb(change)} _(hidden)_"
    old, new = _around_difference(change.old, change.new)
    match change.kind:
        case "Added" if change.path[:1] and change.path[0].startswith("setting "):
            return f"is {_code(new)}"
        case "Added":
            return f"added: {_code(new)}" if change.new else "added"
        case "Deleted":
            return f"removed, was {_code(old)}" if change.old else "removed"
        case _:
            return f"{_code(old) if change.old else '(none)'} → {_code(new) if change.new else '(none)'}"


def _first(lines: Sequence[str]) -> list[str]:
    shown = [f"      {_code(_cut(line))}" for line in lines[:_TEXT_LINES]]
    left = len(lines) - len(shown)
    return [*shown, f"      _{left} more lines in the plan_"] if left else shown


def _around_difference(old: str, new: str) -> tuple[str, str]:
    """Both values, cut around the first character that differs if they are long; the cut says how much is left out."""
    pairs = enumerate(zip(old, new, strict=False))
    same = next((at for at, (one, two) in pairs if one != two), min(len(old), len(new)))
    start = max(0, same - _VALUE // 3) if max(len(old), len(new)) > _VALUE else 0
    return _cut(old, start), _cut(new, start)


def _cut(value: str, start: int = 0, limit: int = _VALUE) -> str:
    shown = value[start : start + limit]
    left = len(value) - start - len(shown)
    return ("…" if start else "") + shown + (f"… (+{left} characters)" if left > 0 else "")


def _short(text: str, limit: int) -> str:
    """A name or a reason on one line; a cut says how much is left out."""
    return words(explicit(_cut(text, 0, limit)), limit * _ESCAPED)


def _code(value: str) -> str:
    # a space too many is a difference, too
    shown = _SPACES.sub(lambda found: "␣" * len(found[0]), explicit(value))
    return code(shown, 2 * _VALUE * _ESCAPED)


def _in_sections(lines: Sequence[str]) -> list[str]:
    """The lines as texts of at most a section each."""
    texts: list[str] = []
    for line in lines:
        if texts and len(texts[-1]) + 1 + len(line) <= SECTION:
            texts[-1] += f"\n{line}"
        else:
            texts.append(line)
    return texts


# --- in a few words ---


def in_a_line(plan: Plan, limit: int = 400) -> str:
    """The list folded to a line of plain text: how many changes, and the flagged ones as far as they fit."""
    if not plan.changes:
        return nothing(plan)
    flagged = [each for each in plan.changes if each.flags]
    counted = tally(plan.changes)
    return f"{counted}: {most_of(flagged, limit - len(counted) - 2)}" if flagged else counted


def most_of(changes: Sequence[Change], limit: int) -> str:
    """As many changes as fit, in plain text, and the number of the others: ``memory MB 2048 → 512; +3 more``."""
    said: list[str] = []
    for number, change in enumerate(changes):
        left = len(changes) - number - 1
        longer = "; ".join([*said, _plain(change), *([f"+{left} more"] if left else [])])
        if len(longer) > limit:
            return "; ".join([*said, f"+{left + 1} more"]) if said else f"{left + 1} of them"
        said.append(_plain(change))
    return "; ".join(said)


def _plain(change: Change) -> str:
    name = _cut(_place(change)[1], 0, 60)
    if change.kind != "Edited" or text_of(change):
        return explicit(f"{name} {_verb(change)}")
    if is_hidden(change):
        return explicit(f"{name} changed (hidden)")
    old, new = (_cut(each, 0, 30) or "(none)" for each in _around_difference(change.old, change.new))
    return explicit(f"{name} {old} → {new}")
