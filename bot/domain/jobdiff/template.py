"""Two texts of a template as a line diff in which names can be read, and values only if they are harmless."""

from __future__ import annotations

import difflib
import re
from typing import Final

from bot.domain.jobdiff.text import LIMIT, cost

_LONGEST: Final = 160
_HIDDEN: Final = "…"
_SHOWN_NAMES: Final = frozenset({"driver", "image", "mode", "port", "provider", "type"})
"""Attributes whose values are never secret."""
_BLOCK = re.compile(r"[A-Za-z_][\w-]*(?:\s+(?:\"[\w.$ {}-]*\"|[\w-]+))*\s*\{\s*\}?")
_CLOSING = re.compile(r"[\]})\s,]*")
_ATTRIBUTE = re.compile(r"(?P<name>\"?[A-Za-z_][\w.-]*\"?)(?P<sign>\s*[=:]\s*)(?P<value>.*)")
_HARMLESS = re.compile(
    r"(?:-?\d+(?:\.\d+)?|true|false|null|\"\d+(?:ms|s|m|h)\"|\"\d+\"|(?:var|local|each|env)\.[\w.]+|\"\$\{[^\"{}]*\}\"|[\[{(])"
    r"\s*,?"
)


def template_diff(old: str, new: str, limit: int = LIMIT) -> str:
    """The lines that differ, with a line around them; what does not fit is counted. Empty if nothing differs."""
    compared = list(difflib.unified_diff(old.splitlines(), new.splitlines(), lineterm="", n=1))[2:]
    lines = [line if line.startswith("@@") else f"{line[0]} {_masked(line[1:])}" for line in compared]
    room = limit - cost([f"… {len(lines)} more lines"])
    shown: list[str] = []
    for line in lines:
        room -= cost([line])
        if room < 0:
            return "\n".join([*shown, f"… {len(lines) - len(shown)} more lines"])
        shown.append(line)
    return "\n".join(shown)


def _masked(line: str) -> str:
    """The line with what may be secret left out: only names, numbers, durations and references stay."""
    text = line.strip()
    indent = " " * (len(line) - len(line.lstrip()))
    if not text or _BLOCK.fullmatch(text) or _CLOSING.fullmatch(text):
        return f"{indent}{text}"[:_LONGEST]
    found = _ATTRIBUTE.fullmatch(text)
    if found is None:
        # a comment, or a line of a file or script inside the template
        return f"{indent}{_HIDDEN}"
    shown = _HARMLESS.fullmatch(found["value"]) or found["name"] in _SHOWN_NAMES
    return f"{indent}{found['name']}{found['sign']}{found['value'] if shown else _HIDDEN}"[:_LONGEST]
