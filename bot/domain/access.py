"""Who may do what: groups have permissions, nothing is allowed unless granted, and only some people count at all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final, Protocol

from bot.domain.actor import Actor, Operator, human_behind
from bot.domain.decision import Allowed, Decision, Refused, instead, refuse


class Permission(StrEnum):
    """All permissions. Approving needs none: whoever is in a group that a rule names can fill its seat."""

    BREAK_GLASS = "break-glass"
    LOCK = "lock"
    PROMOTE = "promote"
    PROMOTE_CANARY = "promote-canary"
    REQUEST = "request"
    RESOLVE = "resolve"
    RESTART = "restart"
    ROLLBACK = "rollback"
    RUN = "run"
    SCALE = "scale"
    STOP = "stop"
    WITHDRAW = "withdraw"


@dataclass(frozen=True, slots=True)
class Group:
    """A named set of people: either a Slack user group (by id) or a fixed list of Slack user ids."""

    name: str
    usergroup: str | None = None
    users: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Grant:
    """Permissions that a group has; ``None`` means all environments or all services."""

    group: str
    may: frozenset[Permission]
    environments: frozenset[str] | None = None
    services: frozenset[str] | None = None

    def covers(self, permission: Permission, service: str, environment: str) -> bool:
        """Whether this grant gives the permission for that service in that environment."""
        return (
            permission in self.may
            and (self.environments is None or environment in self.environments)
            and (self.services is None or service in self.services)
        )


@dataclass(frozen=True, slots=True)
class Holding:
    """What one grant gives to a person: permissions, and where they hold; None means everywhere."""

    permissions: tuple[Permission, ...]
    environments: tuple[str, ...] | None
    services: tuple[str, ...] | None


@dataclass(frozen=True, slots=True)
class Whoami:
    """A person as the catalog sees them: the read model of ``whoami``.

    ``standing`` is whether they count at all, ``groups`` are those of the catalog that they are in, ``seats`` the
    (service, environment) pairs whose deploys they could approve.
    """

    user: str
    standing: Decision
    groups: tuple[str, ...]
    holdings: tuple[Holding, ...]
    seats: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Person:
    """A Slack user, from ``users.info``; a flag that Slack omits is false. ``stranger``: from another organisation.

    ``team`` is the home workspace. ``teams`` are all workspaces of a person on Enterprise Grid, else empty.
    """

    id: str
    team: str
    deleted: bool = False
    bot: bool = False
    guest: bool = False
    stranger: bool = False
    name: str = ""
    teams: frozenset[str] = frozenset()

    def standing(self, team: str) -> Decision:
        """Whether this person may request and approve in our workspace; the name never matters."""
        if self.deleted:
            return refuse("person-deactivated", "This Slack account is deactivated, so it cannot request or approve.")
        if self.bot:
            return refuse("person-bot", "This is a bot's account. Only people can request and approve.")
        if self.stranger or team not in (self.teams or {self.team}):
            return self._foreign()
        if self.guest:
            return refuse("person-guest", "Guests of this Slack workspace cannot request or approve.")
        return Allowed()

    def _foreign(self) -> Refused:
        if self.teams and not self.stranger:
            return refuse(
                "person-elsewhere",
                "Only members of this Slack workspace can request and approve here. "
                "On Enterprise Grid, an admin of the organisation can add people of its other workspaces.",
            )
        return refuse(
            "person-foreign", "People of another organisation (Slack Connect) cannot request or approve here."
        )


@dataclass(frozen=True, slots=True)
class Membership:
    """A snapshot, taken at ``at``, of the members of Slack user groups (by id) and of the people in them."""

    team: str
    at: datetime
    usergroups: Mapping[str, frozenset[str]]
    people: Mapping[str, Person]

    def members(self, group: Group) -> frozenset[str]:
        """The user ids in a group, whether they count or not; empty for a user group that the snapshot lacks."""
        if group.usergroup is None:
            return group.users
        return self.usergroups.get(group.usergroup, frozenset())

    def counts(self, user: str) -> bool:
        """Whether this person may request and approve; False if the snapshot lacks them."""
        return isinstance(self.standing(user), Allowed)

    def standing(self, user: str) -> Decision:
        """Whether this person may request and approve, and if not, why; refused if the snapshot lacks them."""
        person = self.people.get(user)
        if person is None:
            return refuse("person-unknown", "Slack did not say who this is. Try again in a minute.")
        return person.standing(self.team)


@dataclass(frozen=True, slots=True)
class Resource:
    """What somebody wants to act on: a service in an environment; an empty name stands for all of them."""

    service: str = ""
    environment: str = ""

    def __str__(self) -> str:
        if self.service and self.environment:
            return f"{self.service} in {self.environment}"
        return f"everything in {self.environment}" if self.environment else "everything"


class Granting(Protocol):
    """What grants permissions: the catalog."""

    @property
    def groups(self) -> Mapping[str, Group]:
        """The groups by name."""

    @property
    def grants(self) -> Sequence[Grant]:
        """What each group may."""


ON_THE_HOST: Final = frozenset({Permission.LOCK, Permission.RESOLVE})
"""The permissions of whoever can run commands on the host: they could change the database anyway."""


def authorize(
    actor: Actor, permission: Permission, resource: Resource, rules: Granting, membership: Membership | None
) -> Decision:
    """Whether ``actor`` has ``permission`` for all of the resource. Every way in asks this, and only this.

    A grant for some services or environments does not cover all of them. A refusal names who could do it instead. An
    actor without a person behind it has no permission, but for an operator on the host, for whom Slack is not asked
    (``membership`` is None).
    """
    if isinstance(actor, Operator) and permission in ON_THE_HOST:
        return Allowed()
    covering = [each for each in rules.grants if each.covers(permission, resource.service, resource.environment)]
    holders = [rules.groups[grant.group] for grant in covering]
    users = tuple(sorted({user for group in holders for user in group.users}))
    usergroups = tuple(dict.fromkeys(group.usergroup for group in holders if group.usergroup))
    user = human_behind(actor)
    if user is None or membership is None:
        nobody = refuse("nobody-behind", "This identity belongs to no person, so it has no permissions.")
        return instead(nobody, users=users, groups=usergroups)
    standing = membership.standing(user)
    if isinstance(standing, Refused):
        return instead(standing, users=users, groups=usergroups)
    if any(user in membership.members(group) for group in holders):
        return Allowed()
    return refuse(
        "no-permission",
        f"You need the `{permission}` permission for {resource}.",
        users=users,
        groups=usergroups,
    )
