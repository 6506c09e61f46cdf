"""The addresses to which apps post: response_urls, with five posts in thirty minutes, and file uploads."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from aiohttp import web

from sandbox.slack.app.speaking import speak
from sandbox.slack.refusals import SlackError

if TYPE_CHECKING:
    from sandbox.slack.state import ApiCall, Json, ResponseUrl
    from sandbox.slack.world import World

# The names of response_urls and uploads among the methods that can have faults.
FAULT_NAME, UPLOAD_NAME = "response_url", "upload"


async def answer_response_url(world: World, request: web.Request, call: ApiCall) -> web.Response:
    """Handle a post to a response_url; refusals have an `error`, with 404 for a used-up or unknown address."""
    try:
        where = _usable(world, request.match_info["key"])
        call.args = await _body(request)
        # From here on the post counts, even if its content is refused.
        where.posts_left -= 1
        speak(world, where, call.args)
    except SlackError as refused:
        call.error = refused.name
        call.status = 404 if refused.name in {"used_url", "expired_url", "no_service"} else 400
        return web.json_response({"ok": False, "error": refused.name, **refused.fields}, status=call.status)
    call.ok, call.status = True, 200
    return web.json_response({"ok": True})


def _usable(world: World, key: str) -> ResponseUrl:
    where = world.state.response_urls.get(key)
    if where is None:
        raise SlackError("no_service")
    if world.state.now() > where.expires:
        raise SlackError("expired_url")
    if where.posts_left <= 0:
        raise SlackError("used_url")
    return where


async def _body(request: web.Request) -> Json:
    if request.content_type == "application/x-www-form-urlencoded":
        text = str((await request.post()).get("payload", ""))
    else:
        text = await request.text()
    try:
        body = json.loads(text)
    except ValueError as wrong:
        raise SlackError("invalid_payload") from wrong
    if not isinstance(body, dict):
        raise SlackError("invalid_payload")
    return body


async def take_upload(world: World, request: web.Request, call: ApiCall) -> web.Response:
    """Receive the bytes of a file at an address from files.getUploadURLExternal."""
    answer = await _keep_bytes(world, request)
    call.ok, call.status = answer.status == 200, answer.status
    return answer


async def _keep_bytes(world: World, request: web.Request) -> web.Response:
    file = world.state.files.get(request.match_info["file"])
    if file is None:
        return web.Response(status=404, text="not found")
    if request.content_type == "multipart/form-data":
        part = next(iter((await request.post()).values()), b"")
        content = part.file.read() if isinstance(part, web.FileField) else part
    else:
        content = await request.read()
    size = len(content)
    if size != file["size"]:
        return web.Response(status=400, text=f"expected {file['size']} bytes, got {size}")
    file["content"] = content
    return web.Response(text=f"OK - {size}")
