"""Posts into conversations, and checks text, blocks and metadata for posts, updates and response_urls."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any

from sandbox.slack.blockkit.filling import fill_blocks
from sandbox.slack.blockkit.validator import message_problems, text_length
from sandbox.slack.refusals import SlackError
from sandbox.slack.state import Ephemeral, Json, Message, Revision

if TYPE_CHECKING:
    from sandbox.slack.arguments import Arguments
    from sandbox.slack.blockkit.shapes import Problem
    from sandbox.slack.workspace import Channel
    from sandbox.slack.world import World

TRUNCATED_ABOVE = 40_000
# A post cuts long text, but an update or an ephemeral refuses it (ChatGPT-in-Slack issue 102).
REFUSED_ABOVE = 4_000
# Slack refuses messages with more text than this in all blocks together, as measured in bolt-js issue 2509.
BLOCKS_TEXT = 13_200
METADATA_BYTES = 16_000
MOST_ATTACHMENTS = 100


def read_revision(arguments: Arguments, *, previous: Revision | None = None) -> Revision:
    """The content in a call, with missing parts from `previous`; raises SlackError if Slack would refuse it."""
    _refuse_what_is_not_simulated(arguments)
    blocks = read_blocks(arguments)
    attachments = read_attachments(arguments)
    metadata = read_metadata(arguments)
    if previous is not None:
        blocks = previous.blocks if blocks is None else blocks
        attachments = previous.attachments if attachments is None else attachments
        metadata = previous.metadata if metadata is None else metadata
    text = arguments.text("text")
    if not text and not blocks and not attachments:
        raise SlackError("no_text")
    return Revision(text[:TRUNCATED_ABOVE], blocks or [], attachments or [], metadata)


def read_blocks(arguments: Arguments) -> list[Json] | None:
    """The validated blocks of a message, with Slack's ids filled in; None if the call has none."""
    blocks = arguments.structure("blocks")
    if blocks is None:
        return None
    _refuse("invalid_blocks", message_problems(blocks))
    if text_length(blocks) > BLOCKS_TEXT:
        raise SlackError("msg_blocks_too_long")
    return fill_blocks(blocks)


def read_attachments(arguments: Arguments) -> list[Json] | None:
    """The legacy attachments of a message, with validated blocks; None if the call has none."""
    attachments = arguments.structure("attachments")
    if attachments is None:
        return None
    if not isinstance(attachments, list) or not all(isinstance(one, dict) for one in attachments):
        raise SlackError("invalid_attachments")
    if len(attachments) > MOST_ATTACHMENTS:
        raise SlackError("too_many_attachments")
    for number, one in enumerate(attachments):
        if one.get("blocks") is not None:
            _refuse("invalid_attachments", message_problems(one["blocks"], f"/attachments/{number}/blocks"))
    return attachments


def _refuse(name: str, problems: list[Problem]) -> None:
    if problems:
        lines = [str(problem) for problem in problems]
        raise SlackError(name, errors=lines, response_metadata={"messages": [f"[ERROR] {line}" for line in lines]})


def _refuse_what_is_not_simulated(arguments: Arguments) -> None:
    """Raise `not_simulated`, which real Slack does not have, rather than ignore a part of the call."""
    for name in ("markdown_text", "username", "icon_url", "icon_emoji"):
        if arguments.text(name):
            raise SlackError("not_simulated", detail=f"{name} is not simulated")
    if arguments.flag("reply_broadcast"):
        raise SlackError("not_simulated", detail="reply_broadcast is not simulated")


def read_metadata(arguments: Arguments) -> Json | None:
    """Message metadata `{event_type, event_payload}`; raises Slack's errors for any other form or size."""
    metadata = arguments.structure("metadata")
    if metadata is None:
        return None
    whole = isinstance(metadata, dict) and set(metadata) <= {"event_type", "event_payload", "entities"}
    if not whole or not isinstance(metadata.get("event_type"), str) or not metadata["event_type"]:
        raise SlackError("invalid_metadata_format")
    if not isinstance(metadata.get("event_payload"), dict):
        raise SlackError("invalid_metadata_schema")
    if len(str(metadata)) > METADATA_BYTES:
        raise SlackError("metadata_too_large")
    return dict(metadata)


def refuse_long_text(arguments: Arguments) -> None:
    """Raise `msg_too_long` for text that Slack refuses instead of cutting it."""
    if len(arguments.text("text")) > REFUSED_ABOVE:
        raise SlackError("msg_too_long")


def post(world: World, channel: Channel, revision: Revision, thread_ts: str | None = None) -> Message:
    """Post a message of the app in a conversation, or in the thread of `thread_ts`."""
    message = Message(
        ts=world.state.new_ts(), channel=channel.id, user=world.workspace.bot_user, now=revision, thread_ts=thread_ts
    )
    world.state.messages[channel.id, message.ts] = message
    world.state.changed()
    return message


def whisper(
    world: World,
    channel: str,
    user: str,
    text: str,
    blocks: list[Json] | None = None,
    *,
    thread_ts: str | None = None,
    sender: str = "app",
) -> Ephemeral:
    """Show a message to one person only; its id is the timestamp that Slack returns as `message_ts`."""
    ephemeral = Ephemeral(
        id=world.state.new_ts(),
        channel=channel,
        user=user,
        text=text,
        blocks=blocks or [],
        at=world.state.now(),
        thread_ts=thread_ts,
        sender=sender,
    )
    world.state.ephemerals[ephemeral.id] = ephemeral
    world.state.changed()
    return ephemeral


def as_slack_shows(world: World, message: Message, revision: Revision | None = None) -> Json:
    """The JSON of a message for the Web API and interaction payloads, optionally at an earlier revision."""
    shown, workspace = revision or message.now, world.workspace
    body: dict[str, Any] = {
        "type": "message",
        "user": message.user,
        "ts": message.ts,
        "bot_id": workspace.bot_id,
        "app_id": workspace.app_id,
        "text": shown.text,
        "team": workspace.team_id,
        "blocks": shown.blocks or [_text_as_rich_text(shown.text)],
    }
    replies = world.state.replies(message)
    optional = {
        "attachments": shown.attachments,
        "metadata": shown.metadata,
        # A message with replies has its own timestamp as thread_ts, so it looks like a reply.
        "thread_ts": message.thread_ts or (message.ts if replies else None),
        "reply_count": len(replies),
        "latest_reply": replies[-1].ts if replies else None,
        "edited": message.edited,
        "files": message.files,
    }
    body.update({name: value for name, value in optional.items() if value})
    return body


def _text_as_rich_text(text: str) -> Json:
    section = {"type": "rich_text_section", "elements": [{"type": "text", "text": text}]}
    return {"type": "rich_text", "block_id": secrets.token_urlsafe(4)[:5], "elements": [section]}
