"""The two steps of an upload: get an address for the bytes, then share the file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sandbox.slack.api.chat import writable_channel
from sandbox.slack.api.method import Method
from sandbox.slack.arguments import Arguments
from sandbox.slack.posting import post
from sandbox.slack.refusals import SlackError, invalid_arguments
from sandbox.slack.state import Revision

if TYPE_CHECKING:
    from sandbox.slack.state import Json
    from sandbox.slack.world import World


def get_upload_url(world: World, arguments: Arguments) -> Json:
    """files.getUploadURLExternal."""
    name, length = arguments.required("filename"), arguments.number("length", 0)
    if length <= 0:
        raise invalid_arguments("must be greater than 0 [json-pointer:/length]")
    file_id = world.state.new_id("F")
    world.state.files[file_id] = {
        "id": file_id,
        "name": name,
        "title": name,
        "size": length,
        "content": None,
        "user": world.workspace.bot_user,
        "shared": False,
    }
    return {"upload_url": f"{world.base}/upload/{file_id}", "file_id": file_id}


def complete_upload(world: World, arguments: Arguments) -> Json:
    """files.completeUploadExternal: marks the files as complete and, with a channel, posts them."""
    wanted = arguments.structure("files")
    if not isinstance(wanted, list) or not wanted:
        raise invalid_arguments("missing required field: files")
    channel = arguments.text("channel_id")
    target = writable_channel(world, Arguments({"channel": channel})) if channel else None
    files = [_ready(world, one) for one in wanted]
    for file, asked in zip(files, wanted, strict=True):
        file |= {"title": asked.get("title") or file["title"], "shared": True}
    shown = [{name: value for name, value in file.items() if name != "content"} for file in files]
    if target is not None:
        comment = Revision(arguments.text("initial_comment"), [])
        message = post(world, target, comment, arguments.text("thread_ts") or None)
        message.files = shown
    return {"files": shown}


def _ready(world: World, asked: Any) -> Json:
    file = world.state.files.get(asked.get("id", "")) if isinstance(asked, dict) else None
    if file is None:
        raise SlackError("file_not_found")
    if file["content"] is None:
        raise SlackError("file_update_failed", detail="nothing was uploaded to its address yet")
    return file


METHODS = {
    "files.getUploadURLExternal": Method(get_upload_url, ("files:write",), tier=4),
    "files.completeUploadExternal": Method(complete_upload, ("files:write",), tier=4, json_body=True),
}
