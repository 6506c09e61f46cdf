"""The control interface under /sandbox, with which the page and end-to-end tests act as people."""

from __future__ import annotations

import contextlib
import json
from dataclasses import asdict
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from aiohttp import web

from sandbox.slack.api.people import user_object
from sandbox.slack.people.finding import person_of
from sandbox.slack.people.reading import change, number, signed_number, strings, whole
from sandbox.slack.refusals import ControlError
from sandbox.slack.snapshot import snapshot

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Awaitable, Callable

    from aiohttp.typedefs import Handler

    from sandbox.slack.app.events import Events
    from sandbox.slack.faults import FaultTable
    from sandbox.slack.people.interactions import Interactions
    from sandbox.slack.people.submissions import Submissions
    from sandbox.slack.state import Json
    from sandbox.slack.world import World

PREFIX = "/sandbox/"
_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


class Control:
    """Handlers of the control interface."""

    def __init__(
        self,
        world: World,
        faults: FaultTable,
        interactions: Interactions,
        submissions: Submissions,
        events: Events,
        closing: asyncio.Event,
    ) -> None:
        self._world = world
        self._faults = faults
        self._events = events
        self._closing = closing
        self._posts: dict[str, Callable[[Json], Awaitable[Json]]] = {
            "command": interactions.command,
            "action": interactions.act,
            "submit": submissions.submit,
            "close": submissions.close,
            "raw": interactions.raw,
            "options": interactions.options,
            "shortcut": interactions.shortcut,
            "people": self._people,
            "groups": self._groups,
            "channels": self._channels,
            "workspace": self._workspace,
            "home": self._home,
            "event": self._event,
            "fault": self._fault,
            "limits": self._limits,
            "dismiss": self._dismiss,
        }

    def routes(self) -> list[web.RouteDef]:
        """All routes of the control interface."""
        return [
            web.get("/sandbox/state", self._state),
            web.get("/sandbox/calls", self._calls),
            web.get("/sandbox/requests", self._requests),
            web.get("/sandbox/events", self._stream),
            web.get("/sandbox/files/{file}", self._file),
            web.post("/sandbox/{what}", self._post),
        ]

    def switches(self) -> Json:
        """The current faults and rate limits."""
        return {"faults": self._faults.standing(), "limits": self._world.limits.enforced}

    async def _state(self, request: web.Request) -> web.Response:
        user = request.query.get("as")
        me = person_of(self._world, user) if user else None
        return web.json_response(snapshot(self._world, me, self.switches()))

    async def _calls(self, _: web.Request) -> web.Response:
        return web.json_response([asdict(one) for one in self._world.state.calls])

    async def _requests(self, _: web.Request) -> web.Response:
        return web.json_response([asdict(one) for one in self._world.state.deliveries])

    async def _file(self, request: web.Request) -> web.Response:
        """The bytes of a file that the app shared, always as plain text, so that the browser never runs them."""
        file = self._world.state.files.get(request.match_info["file"])
        if file is None or not file["shared"]:
            raise ControlError(f"There is no file {request.match_info['file']!r}.", 404)
        return web.Response(body=file["content"], content_type="text/plain", charset="utf-8")

    async def _post(self, request: web.Request) -> web.Response:
        act = self._posts.get(request.match_info["what"])
        if act is None:
            raise ControlError(f"There is no control call {request.match_info['what']!r}.", 404)
        answer = await act(await _json_object(request))
        self._world.state.changed()
        return web.json_response(answer)

    async def _people(self, asked: Json) -> Json:
        person = person_of(self._world, asked.get("user"))
        strings(asked, "teams", person.teams)
        change(person, {name: value for name, value in asked.items() if name != "user"})
        user = user_object(self._world.workspace, person)
        await self._events.emit({"type": "user_change", "user": user, "cache_ts": int(self._world.state.now())})
        return asdict(person)

    async def _groups(self, asked: Json) -> Json:
        group = self._world.workspace.group(str(asked.get("group")))
        if group is None:
            raise ControlError(f"There is no user group {asked.get('group')!r}.", 404)
        wanted = strings(asked, "users", group.users)
        before, users = set(group.users), [person_of(self._world, user).id for user in wanted]
        previous, group.updated_at = group.updated_at, int(self._world.state.now())
        group.users, group.disabled_at = users, group.updated_at if asked.get("disabled") else 0
        # Slack sends a delta with counts as text; apps should treat it as a hint and read the group again.
        await self._events.emit(
            {
                "type": "subteam_members_changed",
                "subteam_id": group.id,
                "team_id": self._world.workspace.team_id,
                "date_previous_update": previous,
                "date_update": group.updated_at,
                "added_users": sorted(set(users) - before),
                "added_users_count": str(len(set(users) - before)),
                "removed_users": sorted(before - set(users)),
                "removed_users_count": str(len(before - set(users))),
            }
        )
        return asdict(group)

    async def _channels(self, asked: Json) -> Json:
        channel = self._world.workspace.channel(str(asked.get("channel")))
        if channel is None:
            raise ControlError(f"There is no channel {asked.get('channel')!r}.", 404)
        strings(asked, "members", channel.members)
        change(channel, {name: value for name, value in asked.items() if name not in {"channel", "partner"}})
        return asdict(channel)

    async def _workspace(self, asked: Json) -> Json:
        """Change settings of the workspace: granted scopes, the plan, Slack's clock, and Enterprise Grid."""
        workspace = self._world.workspace
        scopes = strings(asked, "scopes", list(workspace.scopes))
        workspace.clock = signed_number(asked, "clock", workspace.clock)
        change(workspace, {name: asked[name] for name in ("paid_plan", "enterprise_id", "org_wide") if name in asked})
        workspace.scopes = tuple(scopes)
        return {"scopes": scopes, "paid_plan": workspace.paid_plan, "clock": workspace.clock}

    async def _home(self, asked: Json) -> Json:
        person = person_of(self._world, asked.get("user"))
        direct = self._world.workspace.direct_with(person.id)
        event = {"type": "app_home_opened", "user": person.id, "channel": direct.id, "tab": "home"}
        delivery = await self._events.emit(event)
        return {"sent": delivery is not None, "status": delivery.status if delivery else None}

    async def _event(self, asked: Json) -> Json:
        event = asked.get("event")
        if not isinstance(event, dict) or not isinstance(event.get("type"), str):
            raise ControlError('Give an event: {"event": {"type": ...}}.', 400)
        delivery = await self._events.emit(event, always=True)
        return {"status": delivery.status if delivery else None, "error": delivery.error if delivery else None}

    async def _fault(self, asked: Json) -> Json:
        method, mode = str(asked.get("method", "*")), str(asked.get("mode", "none"))
        self._faults.put(method, mode, number(asked, "seconds", 1), whole(asked, "times"))
        return self.switches()

    async def _limits(self, asked: Json) -> Json:
        self._world.limits.enforced = bool(asked.get("enforced", True))
        return self.switches()

    async def _dismiss(self, asked: Json) -> Json:
        gone = self._world.state.ephemerals.pop(str(asked.get("ephemeral")), None)
        return {"dismissed": gone is not None}

    async def _stream(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream", "Cache-Control": "no-store"})
        allow_origin(request, response)
        await response.prepare(request)
        seen = -1
        with contextlib.suppress(ConnectionError):  # the listener has disconnected
            # The first line has the current index; several changes in a row make one line.
            while not self._closing.is_set():
                seen = await self._world.state.wait_for_change(seen)
                await response.write(f"data: {json.dumps({'index': seen})}\n\n".encode())
        return response


async def _json_object(request: web.Request) -> Json:
    # Require JSON: without a preflight, a page of another site can only post forms and plain text.
    if request.content_type != "application/json":
        raise ControlError("Send JSON with Content-Type: application/json.", 415)
    try:
        body = json.loads(await request.text() or "{}")
    except ValueError as wrong:
        raise ControlError(f"The body is not JSON: {wrong}.", 400) from wrong
    if not isinstance(body, dict):
        raise ControlError("Send a JSON object.", 400)
    return body


def allow_origin(request: web.Request, response: web.StreamResponse) -> None:
    """Allow a page on this machine to read the answer."""
    origin = request.headers.get("Origin")
    if origin and urlsplit(origin).hostname in _LOOPBACK:
        response.headers["Access-Control-Allow-Origin"] = origin
        response.headers["Access-Control-Allow-Headers"] = "Content-Type"
        response.headers["Access-Control-Allow-Methods"] = "GET, POST"


@web.middleware
async def control_guard(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answers refused control calls with an error text, and refuses calls from pages of other sites."""
    if not request.path.startswith(PREFIX):
        return await handler(request)
    # The control interface has no password, so pages of other sites in the same browser must not reach it.
    origin = request.headers.get("Origin")
    response: web.StreamResponse
    if origin and urlsplit(origin).hostname not in _LOOPBACK:
        return web.json_response({"error": "The sandbox answers pages on this machine only."}, status=403)
    if request.method == "OPTIONS":
        response = web.Response(status=204)
    else:
        try:
            response = await handler(request)
        except ControlError as refused:
            response = web.json_response({"error": str(refused)}, status=refused.status)
    if not response.prepared:
        allow_origin(request, response)
    return response
