"""``/deploy help``: all commands, or one of them. The texts come from the verb table, as ready mrkdwn."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.gateways.blocks.answers import from_lines
from bot.gateways.blocks.text import words

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from bot.gateways.blocks.parts import Message


def overview(commands: Iterable[tuple[str, str]], later: Sequence[str], now: str = "") -> Message:
    """Each command's form and summary, the names that come ``later``, and a sentence on what to do ``now``."""
    lines = (f"`{form}` — {summary}" for form, summary in commands)
    names = ", ".join(f"`{name}`" for name in later)
    return from_lines(
        "*Nomatron* deploys to Nomad, with the approvals that each environment asks for.",
        *lines,
        *([f"Not available yet: {names}."] if names else []),
        *([f":arrow_right: {words(now, 1200)}"] if now else []),
    )


def topic(form: str, details: Sequence[str], permission: str | None) -> Message:
    """One command: how to type it, what it does, and the permission that it needs."""
    needs = [f"You need the `{permission}` permission."] if permission else []
    return from_lines(f"`{form}`", *details, *needs)
