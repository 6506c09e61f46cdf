"""Turns Nomad's nested multi-errors and warnings into plain sentences (docs/nomad.md, "Multi-errors")."""

from __future__ import annotations

import re

_HEADER = re.compile(r"^\d+ (?:error|warning)s?(?: occurred)?:\s*$")
_INLINE_HEADER = re.compile(r"\d+ (?:error|warning)s?(?: occurred)?:\s*$")
_BULLET = re.compile(r"^\s*\*\s+")


def flatten(text: str) -> tuple[str, ...]:
    r"""The sentences of a nested multi-error, each with the context around it first.

    ``1 error occurred:\n\t* Task group web validation failed: 1 error occurred:\n\t* Missing task driver`` becomes
    ``Task group web validation failed: Missing task driver``. Lines that belong to no list stay as they are.
    """
    sentences: list[str] = []
    context = ""
    for line in text.splitlines():
        if not line.strip() or _HEADER.match(line):
            continue
        said = _BULLET.sub("", line).strip()
        if inline := _INLINE_HEADER.search(said):
            context += said[: inline.start()]
            continue
        sentences.append(context + said)
    return tuple(sentences) or ((context.strip(),) if context else ())


def one_line(text: str, limit: int = 300) -> str:
    """A multi-error, or any text, on one line, cut to ``limit`` characters with an ellipsis."""
    said = "; ".join(flatten(text))
    return said if len(said) <= limit else said[: limit - 1].rstrip() + "…"
