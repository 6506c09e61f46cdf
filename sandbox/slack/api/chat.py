"""The chat.* methods: post, update and delete messages, post ephemerals, and get permalinks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sandbox.slack.api.method import Method
from sandbox.slack.posting import as_slack_shows, post, read_revision, refuse_long_text, whisper
from sandbox.slack.refusals import SlackError

if TYPE_CHECKING:
    from sandbox.slack.arguments import Arguments
    from sandbox.slack.state import Json, Message
    from sandbox.slack.workspace import Channel
    from sandbox.slack.world import World


def writable_channel(world: World, arguments: Arguments) -> Channel:
    """The conversation in the argument `channel`, if the app may write to it.

    Public channels need membership or chat:write.public. For private channels without the app the error is
    `channel_not_found`. A person's id means the direct message with them.
    """
    name, workspace = arguments.required("channel"), world.workspace
    if workspace.person(name) is not None:
        return workspace.direct_with(name)
    channel = workspace.channel(name.removeprefix("#")) or next(
        (one for one in workspace.channels if one.name == name.removeprefix("#") and not one.is_direct), None
    )
    member = channel is not None and workspace.bot_user in channel.members
    # The same answer for both: an app must not learn which private channels exist.
    if channel is None or (channel.private and not member):
        raise SlackError("channel_not_found")
    if channel.archived:
        raise SlackError("is_archived")
    if not member and "chat:write.public" not in workspace.scopes:
        raise SlackError("not_in_channel")
    return channel


def _thread(world: World, channel: Channel, arguments: Arguments) -> str | None:
    thread_ts = arguments.text("thread_ts") or None
    if thread_ts is None:
        return None
    # Deleted messages keep their threads.
    parent = world.state.messages.get((channel.id, thread_ts))
    if parent is None:
        raise SlackError("thread_not_found" if _is_ts(thread_ts) else "invalid_thread_ts")
    # Threads are one level deep.
    return parent.thread_ts or parent.ts


def _is_ts(text: str) -> bool:
    seconds, _, micros = text.partition(".")
    return seconds.isdecimal() and micros.isdecimal()


def post_message(world: World, arguments: Arguments) -> Json:
    """chat.postMessage."""
    channel = writable_channel(world, arguments)
    revision = read_revision(arguments)
    thread_ts = _thread(world, channel, arguments)
    # Last of the checks: a message that is refused takes nothing from the channel's budget.
    world.limits.spend_post(channel.id)
    message = post(world, channel, revision, thread_ts)
    answer: Json = {"channel": channel.id, "ts": message.ts, "message": as_slack_shows(world, message)}
    if len(revision.text) < len(arguments.text("text")):
        answer["response_metadata"] = {"warnings": ["message_truncated"]}
    return answer


def _own_message(world: World, arguments: Arguments, refusal: str) -> Message:
    name = arguments.required("channel")
    channel = world.workspace.channel(name)
    if channel is None:
        raise SlackError("channel_not_found")
    message = world.state.message(channel.id, arguments.required("ts"))
    if message is None:
        # An ephemeral has a timestamp too, but chat.update and chat.delete cannot reach it.
        raise SlackError("message_not_found")
    if message.user != world.workspace.bot_user:
        raise SlackError(refusal)
    return message


def update(world: World, arguments: Arguments) -> Json:
    """chat.update: parts that the call leaves out do not change; an empty array removes the blocks."""
    message = _own_message(world, arguments, "cant_update_message")
    refuse_long_text(arguments)
    revision = read_revision(arguments, previous=message.now)
    # Slack marks a message as edited only if its text changed, not if only its blocks did.
    if not revision.blocks:
        message.edited = {"user": world.workspace.bot_user, "ts": world.state.new_ts()}
    message.revise(revision)
    world.state.changed()
    shown = as_slack_shows(world, message)
    return {"channel": message.channel, "ts": message.ts, "text": revision.text, "message": shown}


def delete(world: World, arguments: Arguments) -> Json:
    """chat.delete."""
    message = _own_message(world, arguments, "cant_delete_message")
    message.deleted = True
    world.state.changed()
    return {"channel": message.channel, "ts": message.ts}


def post_ephemeral(world: World, arguments: Arguments) -> Json:
    """chat.postEphemeral: only to a person who is in the channel."""
    channel = writable_channel(world, arguments)
    user = arguments.required("user")
    if world.workspace.person(user) is None:
        raise SlackError("user_not_found")
    if user not in channel.members:
        raise SlackError("user_not_in_channel")
    refuse_long_text(arguments)
    revision = read_revision(arguments)
    shown = whisper(
        world, channel.id, user, revision.text, revision.blocks, thread_ts=_thread(world, channel, arguments)
    )
    return {"message_ts": shown.id}


def get_permalink(world: World, arguments: Arguments) -> Json:
    """chat.getPermalink."""
    channel = world.workspace.channel(arguments.required("channel"))
    if channel is None:
        raise SlackError("channel_not_found")
    ts = arguments.required("message_ts")
    message = world.state.message(channel.id, ts)
    if message is None:
        raise SlackError("message_not_found")
    thread = f"?thread_ts={message.thread_ts}&cid={channel.id}" if message.thread_ts else ""
    link = f"https://{world.workspace.team_domain}.slack.com/archives/{channel.id}/p{ts.replace('.', '')}{thread}"
    return {"channel": channel.id, "permalink": link}


METHODS = {
    "chat.postMessage": Method(post_message, ("chat:write",), tier=0, json_body=True),
    "chat.update": Method(update, ("chat:write",), tier=3, json_body=True),
    "chat.delete": Method(delete, ("chat:write",), tier=3, json_body=True),
    "chat.postEphemeral": Method(post_ephemeral, ("chat:write",), tier=4, json_body=True),
    "chat.getPermalink": Method(get_permalink, tier=0),
}
