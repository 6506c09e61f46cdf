"""The conversations.* and reactions.* methods that an app without history scopes uses."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sandbox.slack.api.method import Method
from sandbox.slack.api.paging import page
from sandbox.slack.refusals import SlackError

if TYPE_CHECKING:
    from sandbox.slack.arguments import Arguments
    from sandbox.slack.state import Json
    from sandbox.slack.workspace import Channel
    from sandbox.slack.world import World

_KINDS = frozenset({"public_channel", "private_channel", "im", "mpim"})


def channel_object(world: World, channel: Channel) -> Json:
    """Slack's conversation object; a direct message has the person instead of a name."""
    shown: Json = {
        "id": channel.id,
        "created": 1_700_000_000,
        "is_archived": channel.archived,
        "is_im": channel.is_direct,
        "is_org_shared": False,
        "context_team_id": world.workspace.team_id,
        "updated": 1_700_000_000_000,
    }
    if channel.partner is not None:
        return {**shown, "user": channel.partner, "is_user_deleted": False, "priority": 0}
    return {
        **shown,
        "name": channel.name,
        "name_normalized": channel.name,
        "is_channel": not channel.private,
        "is_group": channel.private,
        "is_mpim": False,
        "is_private": channel.private,
        "is_general": channel.name == "general",
        "is_shared": channel.is_ext_shared,
        "is_ext_shared": channel.is_ext_shared,
        "is_pending_ext_shared": False,
        "is_member": world.workspace.bot_user in channel.members,
        "creator": channel.members[0] if channel.members else "",
        "topic": {"value": channel.topic, "creator": "", "last_set": 0},
        "purpose": {"value": "", "creator": "", "last_set": 0},
    }


def visible_channel(world: World, arguments: Arguments) -> Channel:
    """The conversation in the argument `channel`, if the app may see it: private ones only if it is a member."""
    channel = world.workspace.channel(arguments.required("channel"))
    if channel is None or (channel.private and world.workspace.bot_user not in channel.members):
        raise SlackError("channel_not_found")
    return channel


def open_(world: World, arguments: Arguments) -> Json:
    """conversations.open with one person: opens the direct message, and creates it if it does not exist."""
    if "channel" in arguments:
        return {"channel": channel_object(world, visible_channel(world, arguments))}
    users = [one for one in arguments.text("users").split(",") if one]
    if not users:
        raise SlackError("users_list_not_supplied")
    if len(users) > 1:
        # Refuse clearly: group direct messages are not simulated, because an approval bot does not need them.
        raise SlackError("not_simulated", detail="direct messages with several people are not simulated")
    person = world.workspace.person(users[0])
    if person is None:
        raise SlackError("cannot_dm_bot" if users[0] == world.workspace.bot_user else "user_not_found")
    if person.is_bot:
        raise SlackError("cannot_dm_bot")
    if person.deleted:
        raise SlackError("user_disabled")
    known = any(one.partner == person.id for one in world.workspace.channels)
    channel = world.workspace.direct_with(person.id)
    shown = channel_object(world, channel) if arguments.flag("return_im") else {"id": channel.id}
    return {"channel": shown, **({"no_op": True, "already_open": True} if known else {})}


def info(world: World, arguments: Arguments) -> Json:
    """conversations.info."""
    channel = visible_channel(world, arguments)
    shown = channel_object(world, channel)
    if arguments.flag("include_num_members"):
        shown["num_members"] = len(channel.members)
    return {"channel": shown}


def list_(world: World, arguments: Arguments) -> Json:
    """conversations.list: public channels unless `types` says otherwise; private ones only if the app is a member."""
    kinds = frozenset(arguments.text("types", "public_channel").replace(" ", "").split(","))
    if not kinds <= _KINDS:
        raise SlackError("invalid_types")
    wanted = [
        channel_object(world, one)
        for one in world.workspace.channels
        if _kind(one) in kinds
        and (not one.private or world.workspace.bot_user in one.members)
        and not (one.archived and arguments.flag("exclude_archived"))
    ]
    return page("channels", wanted, arguments)


def _kind(channel: Channel) -> str:
    if channel.is_direct:
        return "im"
    return "private_channel" if channel.private else "public_channel"


def members(world: World, arguments: Arguments) -> Json:
    """conversations.members, in pages."""
    return page("members", list(visible_channel(world, arguments).members), arguments)


def add_reaction(world: World, arguments: Arguments) -> Json:
    """reactions.add."""
    name = arguments.required("name").strip(":")
    channel = visible_channel(world, arguments)
    message = world.state.message(channel.id, arguments.required("timestamp"))
    if message is None:
        raise SlackError("message_not_found")
    people = message.reactions.setdefault(name, [])
    if world.workspace.bot_user in people:
        raise SlackError("already_reacted")
    people.append(world.workspace.bot_user)
    world.state.changed()
    return {}


_READ = ("channels:read", "groups:read", "im:read", "mpim:read")
METHODS = {
    "conversations.open": Method(open_, ("im:write", "channels:manage"), tier=3, json_body=True),
    "conversations.info": Method(info, _READ, tier=3),
    "conversations.list": Method(list_, _READ, tier=2),
    "conversations.members": Method(members, _READ, tier=4),
    "reactions.add": Method(add_reaction, ("reactions:write",), tier=3, json_body=True),
}
