"""Applies an app's message from a response_url or a command's acknowledgement: posts, replaces or deletes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sandbox.slack.arguments import Arguments
from sandbox.slack.posting import post, read_revision, refuse_long_text, whisper
from sandbox.slack.refusals import SlackError

if TYPE_CHECKING:
    from sandbox.slack.state import Json, ResponseUrl, Revision
    from sandbox.slack.world import World


def speak(world: World, where: ResponseUrl, body: Json) -> None:
    """Apply `body` for the response_url `where`; raises SlackError for content that Slack refuses.

    `delete_original` and `replace_original` act on the message that was clicked. A slash command has no such message,
    so a replacement posts one more message (bolt-python issue 1268).
    """
    # To delete needs no content, so check for it first.
    arguments = Arguments(body)
    if arguments.flag("delete_original"):
        _delete(world, where)
        return
    refuse_long_text(arguments)
    revision = read_revision(arguments)
    if arguments.flag("replace_original") and _replace(world, where, revision):
        return
    thread_ts = arguments.text("thread_ts") or None
    channel = world.workspace.channel(where.channel)
    if channel is None:
        raise SlackError("channel_not_found")
    if arguments.text("response_type") == "in_channel":
        post(world, channel, revision, thread_ts)
    else:
        whisper(world, channel.id, where.user, revision.text, revision.blocks, thread_ts=thread_ts)


def _delete(world: World, where: ResponseUrl) -> None:
    message = world.state.message(where.channel, where.message_ts or "")
    if message is not None:
        message.deleted = True
    world.state.ephemerals.pop(where.ephemeral or "", None)
    world.state.changed()


def _replace(world: World, where: ResponseUrl, revision: Revision) -> bool:
    message = world.state.message(where.channel, where.message_ts or "")
    ephemeral = world.state.ephemerals.get(where.ephemeral or "")
    if message is not None:
        message.revise(revision)
    if ephemeral is not None:
        ephemeral.text, ephemeral.blocks = revision.text, revision.blocks
    world.state.changed()
    return message is not None or ephemeral is not None
