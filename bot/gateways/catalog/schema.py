"""The schema of the catalog's files, for validation and for the JSON Schema that editors use.

It includes keys that no code enforces yet; ``enforced`` lists them. docs/catalog.md documents the defaults; a key
without a default is required.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, Strict, model_validator

from bot.domain.access import Permission
from bot.domain.catalog.environment import DEFAULT_EXPIRES, DEFAULT_ROLLBACK_WINDOW, MOST_LOG_LINES
from bot.gateways.catalog import scalars as kinds
from bot.gateways.catalog.issues import quote

Variables = dict[kinds.VariableName, Any]
Names = Annotated[list[kinds.Name], Field(min_length=1)]
MOST_PATTERNS = 20


class Part(BaseModel):
    """A mapping of known keys. Values are never converted, and unknown keys are errors."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class GroupPart(Part):
    """A Slack user group, or a fixed list of people."""

    usergroup: kinds.UsergroupId | None = Field(None, description="Id of a Slack user group.")
    users: list[kinds.UserId] | None = Field(None, min_length=1, description="Fixed list of Slack user ids.")

    @model_validator(mode="after")
    def _one_kind(self) -> GroupPart:
        if (self.usergroup is None) == (self.users is None):
            raise ValueError("a group needs either `usergroup` or `users`; write exactly one of them")
        return self


class RolePart(Part):
    """Permissions that a group has, everywhere or only for some environments and services."""

    group: kinds.Name
    may: list[Annotated[Permission, Strict(strict=False)]] = Field(min_length=1)
    environments: Names | None = None
    services: Names | None = None


class ClusterPart(Part):
    """A Nomad cluster: where it is, and how to connect to it."""

    address: kinds.Address = Field(description="Nomad's HTTP address, such as https://nomad.eu:4646.")
    region: kinds.Region | None = None
    token_env: kinds.EnvName | None = Field(None, description="Name of the environment variable that holds the token.")
    ca_file: str | None = Field(None, min_length=1, description="Certificate authority's PEM file on the bot's host.")
    ui: kinds.Address | None = Field(None, description="Nomad's web UI, for links; default: /ui at the address.")


class RulePart(Part):
    """Seats that the members of one group can fill."""

    source: kinds.GroupRef = Field(alias="from", description="A group's name, or service.owners.")
    count: int = Field(1, ge=1, le=20)


def _environment_alone(value: Any) -> Any:
    return {"environment": value} if isinstance(value, str) else value


class AfterPart(Part):
    """An environment that a release must have passed, or must be running in."""

    environment: kinds.Name
    soak: kinds.Duration = timedelta()
    require: Literal["passed", "running"] = "passed"
    within: kinds.PositiveDuration = timedelta(days=30)


VersionPatterns = Annotated[list[kinds.VersionPattern], Field(min_length=1, max_length=MOST_PATTERNS)]


class VersionsPart(Part):
    """The versions that may be deployed; a pattern must match the whole version."""

    allow: VersionPatterns | None = Field(None, description="Only versions that one of these patterns matches.")
    deny: VersionPatterns | None = Field(None, description="No version that one of these patterns matches.")

    @model_validator(mode="after")
    def _any(self) -> VersionsPart:
        if self.allow is None and self.deny is None:
            raise ValueError("`versions` needs `allow` or `deny`; write one of them, or remove the key")
        return self


class FreezePart(Part):
    """A window in which the environment is closed: recurring (cron, for) or once (from, to; both dates included)."""

    name: kinds.Name
    cron: kinds.Cron | None = None
    lasts: kinds.PositiveDuration | None = Field(None, alias="for")
    first: kinds.Date | None = Field(None, alias="from")
    last: kinds.Date | None = Field(None, alias="to")

    @model_validator(mode="after")
    def _one_kind(self) -> FreezePart:
        given = tuple(each is not None for each in (self.cron, self.lasts, self.first, self.last))
        if given not in {(True, True, False, False), (False, False, True, True)}:
            raise ValueError(
                "a freeze needs either `cron` and `for`, or `from` and `to`; write exactly one of these pairs"
            )
        if self.first and self.last and self.first > self.last:
            raise ValueError(f"the freeze ends on {self.last}, before it begins; swap `from` and `to`")
        return self


class RiskPart(Part):
    """The risks that block a plan, and those that it is only marked with."""

    forbid: list[kinds.RiskName] | None = None
    flag: list[kinds.RiskName] | None = None


class BreakGlassPart(Part):
    """How soon a deploy that bypassed a gate must be reviewed."""

    review_within: kinds.PositiveDuration = timedelta(hours=24)


class EnvironmentPart(Part):
    """A cluster and a namespace, and the rules for deploys to it."""

    name: kinds.Name
    cluster: kinds.Name
    namespace: kinds.Namespace = "default"
    channel: kinds.ChannelId = Field(description="Slack channel for this environment's deploys.")
    variables: Variables = Field(default_factory=dict)
    approvals: list[RulePart] = Field(description="All rules must be met; [] if nobody needs to approve.")
    self_approval: bool = Field(default=False, description="Whether the requester may approve their own request.")
    expires: kinds.PositiveDuration = Field(
        DEFAULT_EXPIRES, description="How long a deploy may wait before it expires."
    )
    reason: Literal["required", "optional"] = "optional"
    after: list[Annotated[AfterPart, BeforeValidator(_environment_alone, json_schema_input_type=AfterPart | str)]] = (
        Field(default_factory=list)
    )
    logs: int = Field(
        0,
        ge=0,
        le=MOST_LOG_LINES,
        description="Lines of a failed task's log in the deploy's thread. Its secrets cannot all be masked.",
    )
    auto: bool = Field(
        default=False, description="Whether a promotion is requested as soon as `after` holds. Approvals stay."
    )
    wait: kinds.Duration = timedelta()
    supersede: bool = Field(
        default=False, description="Whether a newer request replaces older waiting ones of the same service."
    )
    versions: VersionsPart | None = None
    freezes: list[FreezePart] = Field(default_factory=list)
    risk: RiskPart | None = None
    rollback_window: kinds.Duration = Field(
        DEFAULT_ROLLBACK_WINDOW,
        description="How long after its dispatch a deploy can be rolled back without new approvals.",
    )
    rollback_approvals: list[RulePart] | None = Field(
        None, description="Rules for a rollback after that, instead of `approvals`; default: those."
    )
    break_glass: BreakGlassPart | None = None

    @model_validator(mode="after")
    def _time_to_go(self) -> EnvironmentPart:
        if self.wait >= self.expires:
            raise ValueError(
                f"`wait` is not shorter than `expires` in `{self.name}`, so every deploy would expire first; shorten it"
            )
        return self


class DigestPart(Part):
    """A daily report of the deploys, at most one per channel."""

    channel: kinds.ChannelId = Field(description="Slack channel to post it to.")
    at: kinds.TimeOfDay = Field(description='Local time at which it is due and its day ends, such as "09:00".')
    environments: Names | None = Field(None, description="Environments to report on; default: all.")
    timezone: kinds.Timezone | None = Field(None, description="IANA time zone of `at`; default: the catalog's.")


class TemplatePart(Part):
    """A jobspec file, and the variables that all services with this template share."""

    file: kinds.InsidePath
    variables: Variables = Field(default_factory=dict)


class PlacementPart(Part):
    """A service's settings for one environment."""

    variables: Variables = Field(default_factory=dict)
    approvals: list[RulePart] = Field(default_factory=list, description="Rules added to the environment's.")
    channel: kinds.ChannelId | None = Field(None, description="Replaces the environment's channel.")
    template: kinds.Name | None = None


def _variable_alone(value: Any) -> Any:
    if not isinstance(value, str | dict):
        problem = f"{quote(value)} is no variable's name; write one such as `count`, or {{name: count, pattern: ...}}"
        # pydantic reports only a ValueError
        raise ValueError(problem)  # noqa: TRY004
    return {"name": value} if isinstance(value, str) else value


class SettablePart(Part):
    """A variable that a request may set; ``pattern`` allows longer text, and only text that matches it as a whole."""

    name: kinds.VariableName
    pattern: kinds.SettingPattern | None = None


class ServicePart(Part):
    """A service: one Nomad job in each of its environments."""

    name: kinds.Name
    template: kinds.Name
    owners: kinds.Name | None = Field(
        None, description="A group's name; gives the approvals that service.owners asks for."
    )
    job: kinds.JobId | None = Field(None, description="Nomad's job id, may contain {environment}; default: the name.")
    version_variable: kinds.VariableName = Field(description="The template's variable that is set to the version.")
    compare: kinds.Compare | None = Field(
        None, description="Link to a comparison of two versions, with {from} and {to}."
    )
    variables: Variables = Field(default_factory=dict)
    settable: list[
        Annotated[SettablePart, BeforeValidator(_variable_alone, json_schema_input_type=SettablePart | str)]
    ] = Field(default_factory=list, description="Variables that a request may set.")
    show: list[kinds.Shown] = Field(default_factory=list, description="Values shown in plans; others are redacted.")
    environments: dict[kinds.Name, PlacementPart | None] = Field(min_length=1)


class CatalogFile(Part):
    """``nomatron.yaml``."""

    timezone: kinds.Timezone = Field(description="IANA time zone, such as Europe/Amsterdam.")
    admin_channel: kinds.ChannelId | None = Field(None, description="Slack channel for messages to operators.")
    groups: dict[kinds.Name, GroupPart] = Field(default_factory=dict)
    roles: list[RolePart] = Field(default_factory=list)
    identities: dict[kinds.Identity, kinds.UserId] = Field(default_factory=dict)
    clusters: dict[kinds.Name, ClusterPart] = Field(min_length=1)
    environments: list[EnvironmentPart] = Field(min_length=1)
    digests: list[DigestPart] = Field(default_factory=list)
    templates: dict[kinds.Name, TemplatePart] = Field(min_length=1)
    services: list[ServicePart] = Field(default_factory=list)


class ServicesFile(Part):
    """``services/*.yaml``: one file per team."""

    services: list[ServicePart]
