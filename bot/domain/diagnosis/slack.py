"""The findings about Slack: scopes, channels, user groups, people."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from bot.domain.access import Person
from bot.domain.catalog.catalog import Catalog
from bot.domain.decision import Refused
from bot.domain.diagnosis.finding import Finding, ok, unknown, warning

INVITE = "invite the app (/invite @Nomatron in that channel), or name another channel in the catalog"


@dataclass(frozen=True, slots=True, kw_only=True)
class BotToken:
    """The answer of ``auth.test``; ``scopes`` is its X-OAuth-Scopes header, None if it has none.

    ``org_wide`` if the app is installed for a whole organisation (Enterprise Grid), not for one workspace.
    """

    team: str
    team_name: str
    scopes: frozenset[str] | None
    date: datetime | None
    org_wide: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    """A conversation as ``conversations.info`` shows it to the bot; ``direct`` if it is a direct message."""

    id: str
    name: str
    archived: bool = False
    private: bool = False
    member: bool = False
    external: bool = False
    direct: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class UserGroup:
    """A Slack user group; ``members`` is how many it has."""

    id: str
    handle: str
    disabled: bool
    members: int


def token(found: BotToken) -> Finding:
    """Whose the token is; an error for one of an organisation-wide installation, whose clicks we only refuse."""
    subject = "slack token"
    if found.org_wide:
        return Finding(
            subject,
            "belongs to an installation for the whole organisation, which isn't supported",
            "install the app in one workspace, and use the bot token of that installation",
        )
    return ok(subject, f"belongs to a bot in {found.team_name or 'the workspace'} ({found.team})")


def scopes(token: BotToken, needed: frozenset[str]) -> Finding:
    """Whether the token has the scopes of the manifest. Extra scopes are named, but are no problem."""
    subject = "slack scopes"
    if token.scopes is None:
        return unknown(
            subject, "Slack's answer lists no scopes", "compare the app's OAuth page with `nomatron manifest`"
        )
    missing = sorted(needed - token.scopes)
    if missing:
        return Finding(
            subject,
            f"the token lacks {', '.join(missing)}",
            "paste the output of `nomatron manifest --url URL` into the app, then reinstall it",
        )
    spare = sorted(token.scopes - needed)
    return ok(subject, "all are granted" + (f" (not needed: {', '.join(spare)})" if spare else ""))


def channel_uses(catalog: Catalog) -> dict[str, str]:
    """The ids of all channels in the catalog, each with what uses it, in words."""
    uses: dict[str, list[str]] = {}
    if catalog.admin_channel:
        uses.setdefault(catalog.admin_channel, []).append("admin_channel")
    for environment in catalog.environments.values():
        uses.setdefault(environment.channel, []).append(environment.name)
    for service in catalog.services.values():
        for name, placement in service.placements.items():
            if placement.channel:
                uses.setdefault(placement.channel, []).append(f"{service.name} in {name}")
    for digest in catalog.digests:
        uses.setdefault(digest.channel, []).append(f"digest at {digest.at}")
    return {channel: ", ".join(words) for channel, words in uses.items()}


def admin_channel(catalog: Catalog) -> tuple[Finding, ...]:
    """A warning if the catalog has no admin channel."""
    if catalog.admin_channel:
        return ()
    return (
        warning(
            "admin channel",
            "the catalog names none, so messages for operators go nowhere",
            "set admin_channel in nomatron.yaml",
        ),
    )


def channel(channel_id: str, used: str, found: Channel | None) -> tuple[Finding, ...]:
    """Whether the app can post in a channel, and whether another organisation can read it.

    For Slack, a private channel that the app is not in does not exist.
    """
    subject = f"channel {channel_id} ({used})"
    if found is None:
        return (Finding(subject, "does not exist, or is private and the app is not in it", INVITE),)
    if found.direct:
        return (Finding(subject, "is a direct message, not a channel", "name a channel in the catalog"),)
    wrong = []
    if found.archived:
        wrong.append(Finding(subject, f"#{found.name} is archived", "unarchive it, or name another in the catalog"))
    if found.private and not found.member:
        wrong.append(Finding(subject, f"#{found.name} is private and the app is not in it", INVITE))
    if found.external:
        wrong.append(
            Finding(
                subject,
                f"#{found.name} is shared with another organisation, which could read every deploy",
                "name a channel that only your own workspace can read",
            )
        )
    kind = "private, and the app is in it" if found.private else "public"
    return tuple(wrong) or (ok(subject, f"#{found.name} is {kind}"),)


def usergroup_uses(catalog: Catalog) -> dict[str, str]:
    """The ids of all Slack user groups in the catalog, each with its names there."""
    return _by_id((group.usergroup, group.name) for group in catalog.groups.values() if group.usergroup)


def usergroup(group_id: str, names: str, found: UserGroup | None) -> Finding:
    """Whether a user group exists, is enabled and has members."""
    subject = f"user group {group_id} ({names})"
    if found is None:
        return Finding(subject, "does not exist in this workspace", "correct its id in the catalog's groups")
    if found.disabled:
        return Finding(subject, f"@{found.handle} is disabled", "enable it in Slack, or name another in the catalog")
    if not found.members:
        return Finding(subject, f"@{found.handle} has no members", "add people to it in Slack")
    return ok(subject, f"@{found.handle} has {found.members} member{'' if found.members == 1 else 's'}")


def people_uses(catalog: Catalog) -> dict[str, str]:
    """The ids of all people in fixed lists, each with the names of their groups."""
    return _by_id((user, group.name) for group in catalog.groups.values() for user in sorted(group.users))


def person(user: str, groups: str, found: Person | None, team: str) -> Finding:
    """Whether a person in a fixed list may request and approve."""
    subject = f"person {user} ({groups})"
    if found is None:
        return Finding(subject, "Slack knows nobody with this id", "correct or remove it in the catalog's groups")
    standing = found.standing(team)
    if isinstance(standing, Refused):
        problem = standing.reasons[0].text
        return Finding(subject, problem.rstrip("."), "remove this person from the catalog's groups")
    return ok(subject, f"{found.name or 'this person'} can request and approve")


def _by_id(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    found: dict[str, list[str]] = {}
    for each, name in pairs:
        found.setdefault(each, []).append(name)
    return {each: ", ".join(names) for each, names in found.items()}
