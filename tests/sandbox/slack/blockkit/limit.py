"""One of Slack's limits as a row of a table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True)
class Limit:
    """`build(n)` makes a message's blocks (a list) or a view (a dict) with the thing at size n; `at` points to it."""

    name: str
    most: int
    build: Callable[[int], Any]
    at: str
    oracle: str = ""  # the constant in slackblocks._limits
