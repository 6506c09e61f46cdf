"""Handles Web API calls: checks faults, token, method, scopes and limits, and runs the method."""

from __future__ import annotations

import asyncio
import hmac
from typing import TYPE_CHECKING

from aiohttp import web

from sandbox.slack.api import chat, conversations, files, identity, people, views
from sandbox.slack.app.hooks import FAULT_NAME, UPLOAD_NAME, answer_response_url, take_upload
from sandbox.slack.arguments import Arguments, read_arguments
from sandbox.slack.refusals import SlackError
from sandbox.slack.state import ApiCall

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from sandbox.slack.api.method import Method
    from sandbox.slack.faults import Fault, FaultTable
    from sandbox.slack.state import Json
    from sandbox.slack.world import World

METHODS: dict[str, Method] = {
    **chat.METHODS,
    **conversations.METHODS,
    **files.METHODS,
    **identity.METHODS,
    **people.METHODS,
    **views.METHODS,
}
HTML = "<!DOCTYPE html><html><head><title>Server Error | Slack</title></head><body><h1>Server Error</h1></body></html>"


class WebApi:
    """Answers `/api/METHOD`; `closing` is set when the server stops, and ends calls that wait."""

    def __init__(self, world: World, faults: FaultTable, bot_token: str, closing: asyncio.Event) -> None:
        self._world = world
        self._faults = faults
        self._token = bot_token
        self._closing = closing

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answer one call, and record it."""
        call = ApiCall(at=self._world.state.now(), method=request.match_info["method"], args={})
        self._remember(call)
        return await self._behind_faults(request, call, lambda: self._answer(request, call))

    async def answer_hook(self, request: web.Request) -> web.StreamResponse:
        """Answer one post to a response_url, with faults and a record as for any call."""
        call = ApiCall(at=self._world.state.now(), method=FAULT_NAME, args={})
        self._remember(call)
        return await self._behind_faults(request, call, lambda: answer_response_url(self._world, request, call))

    async def answer_upload(self, request: web.Request) -> web.StreamResponse:
        """Receive one file's bytes, with faults and a record as for any call."""
        call = ApiCall(at=self._world.state.now(), method=UPLOAD_NAME, args={})
        self._remember(call)
        return await self._behind_faults(request, call, lambda: take_upload(self._world, request, call))

    def _remember(self, call: ApiCall) -> None:
        self._world.state.calls.append(call)
        self._world.state.changed()

    async def _behind_faults(
        self, request: web.Request, call: ApiCall, answer: Callable[[], Awaitable[web.Response]]
    ) -> web.StreamResponse:
        # Faults come before the token, because a Slack that is down checks nothing.
        fault = self._faults.strike(call.method)
        mode = fault.mode if fault else ""
        if fault is None or mode in {"slow", "lost"}:
            await _first_of(self._closing, fault.seconds if fault and mode == "slow" else 0)
            response = await answer()
            if mode != "lost":
                return response
            call.status, call.error = None, "answer lost"
            return cut(request)
        call.args = await _arguments_of(request)
        call.error = f"fault: {mode}"
        if mode == "silent":
            await self._closing.wait()
            return cut(request)
        response = _faulty(fault)
        call.status = response.status
        return response

    async def _answer(self, request: web.Request, call: ApiCall) -> web.Response:
        try:
            fields = await self._run(request, call)
        except SlackError as refused:
            response = _refusal(refused)
            call.error = refused.name
        else:
            response = web.json_response({"ok": True, **fields})
            call.ok = True
        call.status = response.status
        # Slack returns the scopes of the token, so only with a valid one.
        if call.error not in {"not_authed", "invalid_auth"}:
            response.headers["X-OAuth-Scopes"] = ",".join(self._world.workspace.scopes)
            response.headers["X-Accepted-OAuth-Scopes"] = ",".join(_method_scopes(call.method))
        return response

    async def _run(self, request: web.Request, call: ApiCall) -> Json:
        method = METHODS.get(call.method)
        # Read the arguments first, so that the record of a refused call has them.
        raw, warnings = await read_arguments(request, json_body=method is None or method.json_body)
        call.args = _without_token(raw)
        if method is None:
            raise SlackError("unknown_method", req_method=call.method)
        # The only method that Slack answers without a token.
        if call.method != "api.test":
            self._check_token(request, raw)
        # Calls that are refused below count for the rate limit, too.
        self._world.limits.spend(call.method, method.tier)
        self._check_scopes(method)
        fields = method.run(self._world, Arguments(call.args))
        if warnings:
            fields = {**fields, "warning": ",".join(warnings)}
            fields["response_metadata"] = {"warnings": warnings, **fields.get("response_metadata", {})}
        return fields

    def _check_token(self, request: web.Request, raw: Json) -> None:
        header = request.headers.get("Authorization", "")
        given = header.removeprefix("Bearer ").strip() or raw.get("token")
        if not given:
            raise SlackError("not_authed")
        if not hmac.compare_digest(str(given).encode(), self._token.encode()):
            raise SlackError("invalid_auth")

    def _check_scopes(self, method: Method) -> None:
        granted = self._world.workspace.scopes
        if method.scopes and not set(method.scopes) & set(granted):
            raise SlackError("missing_scope", needed=",".join(method.scopes), provided=",".join(granted))


def _method_scopes(name: str) -> tuple[str, ...]:
    return METHODS[name].scopes if name in METHODS else ()


async def _arguments_of(request: web.Request) -> Json:
    """The arguments for the record; empty if they cannot be read."""
    try:
        raw, _ = await read_arguments(request, json_body=True)
    except SlackError:
        return {}
    return _without_token(raw)


def _without_token(raw: Json) -> Json:
    return {name: value for name, value in raw.items() if name != "token"}


def _refusal(refused: SlackError) -> web.Response:
    # Only rate limits have their own HTTP status; every other refusal is a 200 with `ok: false`.
    if refused.retry_after is not None:
        headers = {"Retry-After": str(refused.retry_after)}
        return web.json_response({"ok": False, "error": refused.name}, status=429, headers=headers)
    return web.json_response({"ok": False, "error": refused.name, **refused.fields})


def _faulty(fault: Fault) -> web.Response:
    if fault.mode == "429":
        return _refusal(SlackError("ratelimited", retry_after=max(1, round(fault.seconds))))
    if fault.mode == "500":
        return web.json_response({"ok": False, "error": "internal_error"}, status=500)
    if fault.mode == "html":
        return web.Response(text=HTML, content_type="text/html", status=502)
    return _refusal(SlackError(fault.mode.removeprefix("error:")))


async def _first_of(closing: asyncio.Event, seconds: float) -> None:
    """Wait that many seconds, or until the server stops."""
    if not seconds:
        return
    try:
        async with asyncio.timeout(seconds):
            await closing.wait()
    except TimeoutError:
        return


def cut(request: web.Request) -> web.Response:
    """Close the caller's connection without an answer."""
    if request.transport is not None:
        request.transport.abort()
    # aiohttp needs a response, but nothing is sent on the aborted connection.
    return web.Response()
