"""Where things are deployed: a cluster, and an environment with the rules that hold there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

Value = str | int | float | bool | None | list["Value"] | dict[str, "Value"]
"""A variable's value as the catalog writes it: whatever JSON can say."""

DEFAULT_EXPIRES = timedelta(hours=24)
DEFAULT_WITHIN = timedelta(days=30)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster:
    """A Nomad to talk to. ``token_env`` names the setting that holds the token; the token itself is never here."""

    name: str
    address: str
    region: str | None = None
    token_env: str | None = None
    ca_file: str | None = None
    ui: str | None = None


@dataclass(frozen=True, slots=True)
class Rule:
    """A number of seats. ``source`` is a group's name, or ``service.owners`` for the group of the service's owners."""

    source: str
    count: int = 1


class Require(StrEnum):
    """What must be true of a release in the environment before."""

    PASSED = "passed"
    RUNNING = "running"


@dataclass(frozen=True, slots=True, kw_only=True)
class After:
    """An environment that comes before: what the release must have done there, for how long, and how lately."""

    environment: str
    soak: timedelta = timedelta(0)
    require: Require = Require.PASSED
    within: timedelta = DEFAULT_WITHIN


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """A cluster and a namespace, and the rules that hold there."""

    name: str
    cluster: str
    namespace: str = "default"
    channel: str
    variables: Mapping[str, Value]
    approvals: tuple[Rule, ...]
    self_approval: bool = False
    expires: timedelta = DEFAULT_EXPIRES
    reason_required: bool = False
    after: tuple[After, ...] = ()
