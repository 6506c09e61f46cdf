"""The sandbox's control API beside Nomad's own: the state and the switches for the page and for tests."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

from aiohttp import web

from sandbox.nomad.jobs.register import Order, register
from sandbox.nomad.pretence import ACLS, Pretence
from sandbox.nomad.records import JobKey, Json
from sandbox.nomad.refusals import Refused
from sandbox.nomad.specification import KEPT_BY_SERVER
from sandbox.nomad.switches import ANY, OUTAGES, Failing, RegisterRule
from sandbox.nomad.wire.picture import picture

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from sandbox.nomad.cluster import Cluster
    from sandbox.nomad.state import State
    from sandbox.nomad.wire.stream import OpenStreams

    Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

ANSWERS = ("normal", "late", "never", "reset")
SOMEONE = "someone"
# a heartbeat reveals a closed page, and keeps proxies from closing a quiet connection
KEEP_ALIVE_S = 15.0


def read_field(body: Json, name: str, *kinds: type, default: Any = None) -> Any:
    """A field of the body. Raises Refused with 400 and the wanted type if it has another type."""
    value = body.get(name, default)
    if not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds):
        listed = " or ".join(kind.__name__ for kind in kinds)
        raise Refused(400, f'"{name}" must be a {listed}, not {value!r}')
    return value


class Control:
    """The handlers under /sandbox."""

    def __init__(self, cluster: Cluster, streams: OpenStreams) -> None:
        self._cluster = cluster
        self._streams = streams
        self._saved: State | None = None

    def add_paths(self, app: web.Application) -> None:
        """Serve them."""
        reads = {"state": self.state, "registers": self.registers}
        writes = {
            "fail": self.fail,
            "change": self.change,
            "register": self.register,
            "next-register": self.next_register,
            "outage": self.outage,
            "capacity": self.capacity,
            "drop-streams": self.drop_streams,
            "snapshot": self.snapshot,
            "speed": self.speed,
            "pretend": self.pretend,
        }
        app.router.add_get("/sandbox/events", self.events)
        for name, read in reads.items():
            app.router.add_get(f"/sandbox/{name}", self._reading(read))
        for name, write in writes.items():
            app.router.add_post(f"/sandbox/{name}", self._writing(write))

    @staticmethod
    def _reading(read: Callable[[], object]) -> Handler:
        async def handle(_request: web.Request) -> web.StreamResponse:
            return web.json_response(read())

        return handle

    @staticmethod
    def _writing(write: Callable[[Json], object]) -> Handler:
        async def handle(request: web.Request) -> web.StreamResponse:
            try:
                body = json.loads(await request.text() or "{}")
            except ValueError as error:
                raise Refused(400, f"the body must be JSON: {error}") from error
            if not isinstance(body, dict):
                raise Refused(400, "the body must be a JSON object")
            return web.json_response(write(body))

        return handle

    def state(self) -> Json:
        """The state of the cluster, as `picture` describes it."""
        return picture(self._cluster)

    def registers(self) -> list[Json]:
        """All registers that arrived."""
        return self._cluster.switches.registers

    async def events(self, request: web.Request) -> web.StreamResponse:
        """Server-sent events: the index, each time something has changed."""
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream", "Cache-Control": "no-cache"})
        await response.prepare(request)
        try:
            while True:
                # taken before writing, so that no change meanwhile is lost
                changed = self._cluster.changed
                await response.write(f'data: {{"index":{self._cluster.state.index}}}\n\n'.encode())
                await self._next(changed, response)
        except ConnectionError:
            # the page was closed
            return response

    @staticmethod
    async def _next(changed: asyncio.Event, response: web.StreamResponse) -> None:
        while True:
            try:
                async with asyncio.timeout(KEEP_ALIVE_S):
                    await changed.wait()
            except TimeoutError:
                await response.write(b": nothing new\n\n")
            else:
                return

    def fail(self, body: Json) -> Json:
        """Make tasks that contain a text exit with code 1, or stop that."""
        match = read_field(body, "match", str)
        if not match:
            raise Refused(400, '"match" must be a text from the tasks\' config or environment')
        failing = Failing(
            read_field(body, "namespace", str, default=ANY), read_field(body, "job", str, default=ANY), match
        )
        self._cluster.set_failing(failing, on=read_field(body, "fail", bool, default=True))
        return self._cluster.switches.describe()

    def change(self, body: Json) -> Json:
        """Register a version with other environment variables, as a colleague with a Nomad token could."""
        namespace, job_id = read_field(body, "namespace", str, default="default"), read_field(body, "job", str)
        job = self._cluster.state.jobs.get(JobKey(namespace, job_id))
        if job is None:
            raise Refused(404, f'there is no job "{job_id}" in namespace "{namespace}"')
        env = read_field(body, "env", dict)
        # drop the fields that the server sets: Nomad would honour a Version
        sent = {name: value for name, value in job.items() if name not in KEPT_BY_SERVER | {"VersionTag"}}
        sent["TaskGroups"] = [with_env(group, env) for group in job["TaskGroups"] or []]
        return register(self._cluster.state, Order(sent, namespace, token_id=SOMEONE))

    def register(self, body: Json) -> Json:
        """Register a job as it is given, without its source, as a colleague with a Nomad token could."""
        job = read_field(body, "job", dict)
        if not isinstance(job.get("ID"), str):
            raise Refused(400, '"job" must be a job as Nomad\'s API takes it, with an "ID"')
        order = Order(job, read_field(body, "namespace", str, default="default"), token_id=SOMEONE)
        return register(self._cluster.state, order)

    def next_register(self, body: Json) -> Json:
        """Set a rule for the next register, or for the next `times` registers; for one job if the body names it."""
        when, answer = (
            read_field(body, "when", str, default="before"),
            read_field(body, "answer", str, dict, default="normal"),
        )
        if when not in {"before", "after"}:
            raise Refused(400, f'"when" must be "before" or "after", not {when!r}')
        if isinstance(answer, dict):
            answer = (read_field(answer, "status", int), read_field(answer, "text", str))
        elif answer not in ANSWERS:
            listed = ", ".join(ANSWERS)
            raise Refused(400, f'"answer" must be one of {listed}, or a status and a text, not {answer!r}')
        seconds = float(read_field(body, "seconds", int, float, default=0 if answer == "normal" else 25))
        where = {name: read_field(body, name, str, default=ANY) for name in ("namespace", "job")}
        rule = RegisterRule(read_field(body, "apply", bool, default=True), when, answer, seconds, **where)
        self._cluster.switches.next_registers += [rule] * read_field(body, "times", int, default=1)
        self._cluster.notify_change()
        return self._cluster.switches.describe()

    def outage(self, body: Json) -> Json:
        """Start or end an outage of all of Nomad's paths; cuts open streams, except that `hang` only silences them."""
        mode = read_field(body, "mode", str)
        if mode not in OUTAGES:
            raise Refused(400, f'"mode" must be one of {", ".join(OUTAGES)}, not {mode!r}')
        self._cluster.switches.set_outage(mode)
        if mode not in {"none", "hang"}:
            self._streams.cut_all()
        self._cluster.notify_change()
        return self._cluster.switches.describe()

    def capacity(self, body: Json) -> Json:
        """Set the memory of each node."""
        memory = read_field(body, "memory_mb", int)
        if memory < 0:
            raise Refused(400, f'"memory_mb" must be 0 or more, not {memory}')
        self._cluster.set_memory(memory)
        return self._cluster.switches.describe()

    def drop_streams(self, _body: Json) -> Json:
        """Cut all open event streams."""
        return {"dropped": self._streams.cut_all()}

    def snapshot(self, body: Json) -> Json:
        """Save a snapshot of Nomad's state, or with `restore` go back to the last one and cut all event streams."""
        state = self._cluster.state
        if not read_field(body, "restore", bool, default=False):
            self._saved = state.snapshot()
        elif self._saved is None:
            raise Refused(400, "there is no snapshot to restore")
        else:
            state.restore(self._saved)
            self._streams.cut_all()
        self._cluster.notify_change()
        return {"index": state.index}

    def pretend(self, body: Json) -> Json:
        """Pretend another clock, version or ACLs from now on; settings that the body leaves out get their defaults."""
        acl = read_field(body, "acl", str, default="off")
        if acl not in ACLS:
            raise Refused(400, f'"acl" must be one of {", ".join(ACLS)}, not {acl!r}')
        given = read_field(body, "capabilities", dict, default={})
        self._cluster.switches.pretence = Pretence(
            clock=float(read_field(body, "clock", int, float, default=0)),
            version=read_field(body, "version", str, default=""),
            acl=acl,
            capabilities={str(namespace): tuple(map(str, names)) for namespace, names in given.items()},
            readable=read_field(body, "readable", bool, default=True),
        )
        self._cluster.notify_change()
        return body

    def speed(self, body: Json) -> Json:
        """Change the speed of Nomad's durations."""
        try:
            self._cluster.set_speed(float(read_field(body, "speed", int, float)))
        except ValueError as error:
            raise Refused(400, str(error)) from error
        return {"speed": self._cluster.clock.speed}


def with_env(group: Json, env: Json) -> Json:
    """A copy of a group whose tasks have these environment variables, too."""
    texts = {str(name): str(value) for name, value in env.items()}
    return {**group, "Tasks": [{**task, "Env": {**(task["Env"] or {}), **texts}} for task in group["Tasks"] or []]}
