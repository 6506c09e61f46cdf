"""Services: each is one Nomad job in each of its environments, rendered from a template."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from bot.domain.catalog.environment import Rule, Value
from bot.domain.catalog.variable import Declaration

UNADDRESSABLE: Final = frozenset({".", ".."})
"""Job ids that no address can hold: in a path they mean another folder, so that a call would reach something else."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    """A Nomad HCL2 jobspec with ``variable`` blocks: its text, and the variables that it declares.

    ``required`` are those without a default, ``declarations`` has each one's type, default and validations (nothing in
    a catalog that an older version stored). The same file works with ``nomad job run -var``.
    """

    name: str
    file: str
    text: str
    declared: frozenset[str]
    required: frozenset[str]
    variables: Mapping[str, Value]
    declarations: Mapping[str, Declaration] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Placement:
    """A service's settings for one environment: variables, additional approvals, another channel or template."""

    environment: str
    variables: Mapping[str, Value]
    approvals: tuple[Rule, ...] = ()
    channel: str | None = None
    template: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """A service. ``job`` is Nomad's job id that may hold ``{environment}``; ``placements`` is keyed by environment.

    ``settable`` are the variables that a request may set; ``patterns`` has the pattern of those that have one.
    """

    name: str
    template: str
    owners: str | None
    job: str
    version_variable: str
    compare: str | None
    variables: Mapping[str, Value]
    settable: frozenset[str]
    show: frozenset[str]
    placements: Mapping[str, Placement]
    patterns: Mapping[str, str] = field(default_factory=dict)

    def job_id(self, environment: str) -> str:
        """Nomad's job id for that environment."""
        return self.job.replace("{environment}", environment)
