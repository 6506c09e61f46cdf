"""The record that describes a Web API method: scopes, tier, how it reads arguments, and its function."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from sandbox.slack.arguments import Arguments
from sandbox.slack.state import Json
from sandbox.slack.world import World

Run: TypeAlias = Callable[[World, Arguments], Json]


@dataclass(frozen=True)
class Method:
    """One method. `scopes`: any one of them is enough, none means any token; `tier` is a key of `tiers.BUDGETS`."""

    run: Run
    scopes: tuple[str, ...] = ()
    tier: int = 3
    json_body: bool = False
