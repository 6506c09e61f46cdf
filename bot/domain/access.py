"""Who may do what: permissions by group, deny unless granted, and what makes a person count at all."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from bot.domain.actor import Actor, human_behind
from bot.domain.decision import Allowed, Decision, Refused, instead, refuse


class Permission(StrEnum):
    """The closed list. There is none to approve: being in a group that a rule names is what lets one fill its seat."""

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
    """A named set of people: a Slack user group (its id), or a fixed list of Slack user ids; exactly one of the two."""

    name: str
    usergroup: str | None = None
    users: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Grant:
    """Permissions that a group holds; ``None`` means everywhere, a set narrows."""

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
    """What ``users.info`` says of somebody; a flag that it leaves out is false."""

    id: str
    team: str
    deleted: bool = False
    bot: bool = False
    guest: bool = False
    stranger: bool = False
    name: str = ""

    def standing(self, team: str) -> Decision:
        """Whether this person counts at all in our team; never by name."""
        if self.deleted:
            return refuse("person-deactivated", "This Slack account is deactivated, so it counts nowhere.")
        if self.bot:
            return refuse("person-bot", "This is a bot's account; only people count.")
        if self.stranger or self.team != team:
            return refuse(
                "person-foreign", "People of another organisation (Slack Connect) cannot request or approve here."
            )
        if self.guest:
            return refuse("person-guest", "Guests of this Slack workspace cannot request or approve.")
        return Allowed()


@dataclass(frozen=True, slots=True)
class Membership:
    """A snapshot of who is in which Slack user group (by id) and who people are, as Slack said at ``at``."""

    team: str
    at: datetime
    usergroups: Mapping[str, frozenset[str]]
    people: Mapping[str, Person]

    def members(self, group: Group) -> frozenset[str]:
        """The user ids in a group, counting or not; a user group that was not asked for is empty, hence closed."""
        if group.usergroup is None:
            return group.users
        return self.usergroups.get(group.usergroup, frozenset())

    def counts(self, user: str) -> bool:
        """Whether this is an active person of our own team; one that was not asked for does not count."""
        return isinstance(self.standing(user), Allowed)

    def standing(self, user: str) -> Decision:
        """Whether one person counts; unknown is no."""
        person = self.people.get(user)
        if person is None:
            return refuse("person-unknown", "Slack did not say who this is, so it does not count; try again.")
        return person.standing(self.team)


def authorize(
    actor: Actor,
    permission: Permission,
    *,
    service: str,
    environment: str,
    groups: Mapping[str, Group],
    grants: Iterable[Grant],
    membership: Membership,
) -> Decision:
    """Whether ``actor`` holds ``permission`` there; the one gate that every way in passes through.

    Refused with who could do it instead. An actor without a person behind it holds nothing.
    """
    holders = [groups[grant.group] for grant in grants if grant.covers(permission, service, environment)]
    users = tuple(sorted({user for group in holders for user in group.users}))
    usergroups = tuple(dict.fromkeys(group.usergroup for group in holders if group.usergroup))
    user = human_behind(actor)
    if user is None:
        nobody = refuse("nobody-behind", "No person stands behind this identity, so it holds no permission.")
        return instead(nobody, users=users, groups=usergroups)
    standing = membership.standing(user)
    if isinstance(standing, Refused):
        return instead(standing, users=users, groups=usergroups)
    if any(user in membership.members(group) for group in holders):
        return Allowed()
    return refuse(
        "no-permission",
        f"You do not hold the permission `{permission}` for {service} in {environment}.",
        users=users,
        groups=usergroups,
    )
