"""Where services are deployed: clusters, and environments with their rules."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

Value = str | int | float | bool | None | list["Value"] | dict[str, "Value"]
"""A variable's value in the catalog: any JSON value."""

MOST_LOG_LINES = 100
DEFAULT_EXPIRES = timedelta(hours=24)
DEFAULT_WITHIN = timedelta(days=30)
DEFAULT_ROLLBACK_WINDOW = timedelta(hours=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster:
    """A Nomad cluster. ``token_env`` names the environment variable with the token; the token itself is never here."""

    name: str
    address: str
    region: str | None = None
    token_env: str | None = None
    ca_file: str | None = None
    ui: str | None = None

    @property
    def lane(self) -> str:
        """The lane of the work for this cluster: its address and region, whatever the catalog calls it."""
        return f"{self.address} {self.region or ''}".rstrip()


@dataclass(frozen=True, slots=True)
class Rule:
    """``count`` seats for the members of ``source``: a group's name, or ``service.owners`` for the service's owners."""

    source: str
    count: int = 1


class Require(StrEnum):
    """What a release must have done in the environment that comes before."""

    PASSED = "passed"
    RUNNING = "running"


@dataclass(frozen=True, slots=True, kw_only=True)
class After:
    """An environment that comes before: what the release must have done there, for how long, and how recently."""

    environment: str
    soak: timedelta = timedelta(0)
    require: Require = Require.PASSED
    within: timedelta = DEFAULT_WITHIN


@dataclass(frozen=True, slots=True, kw_only=True)
class Versions:
    """Patterns of the versions that may be deployed (none: all of them), and of those that may not; each matches whole.

    A version that both match may not be deployed.
    """

    allow: tuple[str, ...] = ()
    deny: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """A cluster and a namespace, with the rules for deploys to them."""

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
    auto: bool = False
    """Whether a release that may be promoted here is requested without anybody asking."""
    supersede: bool = False
    """Whether a newer request ends the older ones of its service there that nothing was sent of."""
    logs: int = 0
    """How many lines of a failed task's log its deploy's thread gets; 0 for none."""
    rollback_window: timedelta = DEFAULT_ROLLBACK_WINDOW
    """How long after a deploy was dispatched a rollback to what it replaced needs no new approvals."""
    rollback_approvals: tuple[Rule, ...] | None = None
    """The rules for a rollback after that; None for the rules of any deploy."""
    versions: Versions = Versions()
    wait: timedelta = timedelta(0)
    """How long after its last approval a deploy goes at the earliest."""
