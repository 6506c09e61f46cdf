"""The data of a workspace without its messages: people, channels, user groups and the installed app."""

from __future__ import annotations

from dataclasses import dataclass, field

DEFAULT_SCOPES = (
    "commands",
    "chat:write",
    "chat:write.public",
    "im:write",
    "users:read",
    "usergroups:read",
    "channels:read",
    "groups:read",
    "reactions:write",
    "files:write",
    "team:read",
)


@dataclass
class Person:
    """One member of the workspace, with the flags of Slack's user object that matter for permissions."""

    id: str
    name: str
    real_name: str
    tz: str = "Etc/UTC"
    # None: the workspace's own team; another id: a person of a Slack Connect partner, or of another workspace on Grid
    team_id: str | None = None
    teams: list[str] = field(default_factory=list)  # on Grid: all their workspaces; empty: this one alone
    deleted: bool = False
    is_admin: bool = False
    is_owner: bool = False
    is_restricted: bool = False
    is_ultra_restricted: bool = False
    is_stranger: bool = False
    is_bot: bool = False
    is_app_user: bool = False
    email: str = ""


@dataclass
class Channel:
    """A conversation: a public or private channel, or a direct message with the person `partner`."""

    id: str
    name: str
    private: bool = False
    archived: bool = False
    members: list[str] = field(default_factory=list)
    partner: str | None = None
    is_ext_shared: bool = False
    topic: str = ""

    @property
    def is_direct(self) -> bool:
        """Whether this is a direct message with the app."""
        return self.partner is not None


@dataclass
class UserGroup:
    """A user group ("subteam"); `disabled_at` is Unix seconds, 0 while the group is in use."""

    id: str
    handle: str
    name: str
    users: list[str] = field(default_factory=list)
    description: str = ""
    disabled_at: int = 0
    updated_at: int = 1_700_000_000


@dataclass
class Workspace:
    """The team and the installed app; `scopes` and `bot_events` are those in the app's manifest."""

    people: list[Person] = field(default_factory=list)
    channels: list[Channel] = field(default_factory=list)
    groups: list[UserGroup] = field(default_factory=list)
    team_id: str = "T0NOMATRON"
    team_name: str = "Nomatron"
    team_domain: str = "nomatron"
    enterprise_id: str = ""  # the organisation on Enterprise Grid; empty on other plans
    enterprise_name: str = "Nomatron Group"
    org_wide: bool = False  # whether the app is installed for the whole organisation instead of this workspace
    app_id: str = "A0NOMATRON"
    app_name: str = "Nomatron"
    bot_user: str = "U0NOMATRON"
    bot_id: str = "B0NOMATRON"
    scopes: tuple[str, ...] = DEFAULT_SCOPES
    bot_events: tuple[str, ...] = ()
    should_escape: bool = True
    paid_plan: bool = True
    clock: float = 0.0  # how many seconds the Date header of every answer is ahead
    verification_token: str = "simulated-verification"  # noqa: S105 - Slack's deprecated token field, no secret

    def person(self, user: str) -> Person | None:
        """The person with that id; the bot's own user is not among the people."""
        return next((one for one in self.people if one.id == user), None)

    def channel(self, channel: str) -> Channel | None:
        """The conversation with that id."""
        return next((one for one in self.channels if one.id == channel), None)

    def group(self, group: str) -> UserGroup | None:
        """The user group with that id."""
        return next((one for one in self.groups if one.id == group), None)

    def enterprise(self) -> dict[str, str]:
        """The fields ``enterprise_id`` and ``enterprise_name`` of answers and payloads; empty outside Grid."""
        if not self.enterprise_id:
            return {}
        return {"enterprise_id": self.enterprise_id, "enterprise_name": self.enterprise_name}

    def direct_with(self, user: str) -> Channel:
        """The direct message between the app and that person; creates it if it does not exist."""
        found = next((one for one in self.channels if one.partner == user), None)
        if found is None:
            found = Channel(
                id=f"D0{user[2:]}", name="directmessage", private=True, members=[user, self.bot_user], partner=user
            )
            self.channels.append(found)
        return found
