"""What doctor makes of Slack's answers: scopes, channels, user groups, people."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from bot.domain.access import Person
from bot.domain.catalog.catalog import Catalog
from bot.domain.decision import Refused
from bot.domain.diagnosis.finding import Finding, untold, warning, well

INVITE = "invite the app there (/invite @Nomatron), or name another channel in the catalog"


@dataclass(frozen=True, slots=True, kw_only=True)
class BotToken:
    """What ``auth.test`` says; ``scopes`` are those of its X-OAuth-Scopes header, None where it had none."""

    team: str
    team_name: str
    scopes: frozenset[str] | None
    date: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    """A conversation as ``conversations.info`` shows it to the bot; ``direct`` is one that is no channel."""

    id: str
    name: str
    archived: bool = False
    private: bool = False
    member: bool = False
    external: bool = False
    direct: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class UserGroup:
    """A Slack user group with its number of members."""

    id: str
    handle: str
    disabled: bool
    members: int


def scopes(token: BotToken, needed: frozenset[str]) -> Finding:
    """The token's scopes against those of the manifest; more than needed is said, not held against it."""
    subject = "slack scopes"
    if token.scopes is None:
        return untold(
            subject, "Slack's answer names no scopes", "compare the app's OAuth page with `nomatron manifest`"
        )
    missing = sorted(needed - token.scopes)
    if missing:
        return Finding(
            subject,
            f"the token lacks {', '.join(missing)}",
            "paste the output of `nomatron manifest --url URL` into the app, then install it anew",
        )
    spare = sorted(token.scopes - needed)
    return well(subject, "all are granted" + (f", and not needed: {', '.join(spare)}" if spare else ""))


def channel_uses(catalog: Catalog) -> dict[str, str]:
    """Every channel id of the catalog, and in words what it is for."""
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
    """A word where nobody would be told what operators must know."""
    if catalog.admin_channel:
        return ()
    return (
        warning(
            "admin channel",
            "the catalog names none, so nobody is told what operators must know",
            "set admin_channel in nomatron.yaml",
        ),
    )


def channel(channel_id: str, used: str, found: Channel | None) -> tuple[Finding, ...]:
    """Whether the app can post there, and who else reads it. A private channel without us looks like none at all."""
    subject = f"channel {channel_id} ({used})"
    if found is None:
        return (Finding(subject, "does not exist, or is private and the app was not invited", INVITE),)
    if found.direct:
        return (Finding(subject, "is a direct message, not a channel", "name a channel in the catalog"),)
    wrong = []
    if found.archived:
        wrong.append(Finding(subject, f"#{found.name} is archived", "unarchive it, or name another in the catalog"))
    if found.private and not found.member:
        wrong.append(Finding(subject, f"#{found.name} is private and the app was not invited", INVITE))
    if found.external:
        wrong.append(
            Finding(
                subject,
                f"#{found.name} is shared with another organisation, which reads every deploy",
                "name a channel of your own workspace in the catalog",
            )
        )
    kind = "private, and the app is in it" if found.private else "public"
    return tuple(wrong) or (well(subject, f"#{found.name} is {kind}"),)


def usergroup_uses(catalog: Catalog) -> dict[str, str]:
    """Every Slack user group id of the catalog, and the names that it has there."""
    return _by_id((group.usergroup, group.name) for group in catalog.groups.values() if group.usergroup)


def usergroup(group_id: str, names: str, found: UserGroup | None) -> Finding:
    """Whether anybody can be in that group."""
    subject = f"user group {group_id} ({names})"
    if found is None:
        return Finding(subject, "does not exist in this workspace", "correct its id in the catalog's groups")
    if found.disabled:
        return Finding(subject, f"@{found.handle} is disabled", "enable it in Slack, or name another in the catalog")
    if not found.members:
        return Finding(subject, f"@{found.handle} has no members", "add people to it in Slack")
    return well(subject, f"@{found.handle} has {found.members} member{'' if found.members == 1 else 's'}")


def people_uses(catalog: Catalog) -> dict[str, str]:
    """Every person whom a fixed list names, and the groups that do."""
    return _by_id((user, group.name) for group in catalog.groups.values() for user in sorted(group.users))


def person(user: str, groups: str, found: Person | None, team: str) -> Finding:
    """Whether one named in a fixed list counts at all."""
    subject = f"person {user} ({groups})"
    if found is None:
        return Finding(subject, "Slack knows nobody with this id", "correct or remove it in the catalog's groups")
    standing = found.standing(team)
    if isinstance(standing, Refused):
        said = standing.reasons[0].text
        return Finding(subject, said.rstrip("."), "take this person out of the catalog's groups")
    return well(subject, f"{found.name or 'somebody'} counts")


def _by_id(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    found: dict[str, list[str]] = {}
    for each, name in pairs:
        found.setdefault(each, []).append(name)
    return {each: ", ".join(names) for each, names in found.items()}
