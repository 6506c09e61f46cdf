"""The table of Nomad's paths, and the steps of a call: outage, body, blocking wait, answer or refusal."""

from __future__ import annotations

import asyncio
import json
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from sandbox.nomad.refusals import Refused
from sandbox.nomad.wire import cluster_paths, jobs
from sandbox.nomad.wire.call import REGION, Answer, Call, Missing, Wait, answer_response, refusal_response, wait_of
from sandbox.nomad.wire.registering import register_job

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from aiohttp import web

    from sandbox.nomad.cluster import Cluster

    Plain = Callable[[Call], Answer]
    Special = Callable[[Call], Awaitable[web.StreamResponse]]
    Handlers = Mapping[str, Plain]
    Served = Callable[[web.Request], Awaitable[web.StreamResponse]]

MAX_BODY_BYTES = 32 * 1024 * 1024

# a job's id may contain slashes, so the rest of the path is matched from the end, as Nomad does
AFTER_JOB: Mapping[str, Handlers] = {
    "": {"GET": jobs.job, "DELETE": jobs.deregister},
    "plan": {"POST": jobs.plan_job, "PUT": jobs.plan_job},
    "versions": {"GET": jobs.versions},
    "submission": {"GET": jobs.submission},
    "deployments": {"GET": jobs.deployments},
    "deployment": {"GET": jobs.latest_deployment},
    "allocations": {"GET": jobs.allocations},
    "evaluations": {"GET": jobs.evaluations},
    "summary": {"GET": jobs.summary},
    "revert": {"POST": jobs.revert_job, "PUT": jobs.revert_job},
    "stable": {"POST": jobs.stable, "PUT": jobs.stable},
    "dispatch": {"POST": jobs.dispatch_job, "PUT": jobs.dispatch_job},
    "scale": {"POST": jobs.scale_job, "PUT": jobs.scale_job},
    "evaluate": {"POST": jobs.evaluate_job, "PUT": jobs.evaluate_job},
}
TAG: Handlers = {"POST": jobs.tag_version, "PUT": jobs.tag_version, "DELETE": jobs.untag_version}
PATHS: Mapping[str, Handlers] = {
    "/v1/validate/job": {"POST": jobs.validate, "PUT": jobs.validate},
    "/v1/deployments": {"GET": cluster_paths.deployments},
    "/v1/deployment/promote/{id}": {"POST": cluster_paths.promote_deployment, "PUT": cluster_paths.promote_deployment},
    "/v1/deployment/fail/{id}": {"POST": cluster_paths.fail_deployment, "PUT": cluster_paths.fail_deployment},
    "/v1/deployment/pause/{id}": {"POST": cluster_paths.pause_deployment, "PUT": cluster_paths.pause_deployment},
    "/v1/deployment/allocations/{id}": {"GET": cluster_paths.deployment_allocations},
    "/v1/deployment/{id}": {"GET": cluster_paths.deployment},
    "/v1/evaluations": {"GET": cluster_paths.evaluations},
    "/v1/evaluation/{id}": {"GET": cluster_paths.evaluation},
    "/v1/evaluation/{id}/allocations": {"GET": cluster_paths.evaluation_allocations},
    "/v1/allocations": {"GET": cluster_paths.allocations},
    "/v1/allocation/{id}": {"GET": cluster_paths.allocation},
    "/v1/namespaces": {"GET": cluster_paths.namespaces, "PUT": cluster_paths.put_namespace},
    "/v1/namespace": {"POST": cluster_paths.put_namespace, "PUT": cluster_paths.put_namespace},
    "/v1/namespace/{name}": {
        "GET": cluster_paths.namespace,
        "POST": cluster_paths.put_namespace,
        "PUT": cluster_paths.put_namespace,
    },
    "/v1/nodes": {"GET": cluster_paths.nodes},
    "/v1/regions": {"GET": cluster_paths.regions},
    "/v1/status/leader": {"GET": cluster_paths.leader},
    "/v1/status/peers": {"GET": cluster_paths.peers},
    "/v1/agent/health": {"GET": cluster_paths.health},
    "/v1/agent/self": {"GET": cluster_paths.agent_self},
    "/v1/acl/token/self": {"GET": cluster_paths.token_self},
    "/v1/acl/policy/{name}": {"GET": cluster_paths.policy},
}


async def call_of(cluster: Cluster, request: web.Request, parts: dict[str, str]) -> Call:
    """Reads a call with its body. Raises Refused: 400 if the body is not JSON, 500 for another region."""
    region = request.query.get("region", "")
    if region not in {"", REGION}:
        raise Refused(500, "No path to region")
    body: Any = None
    if request.method in {"POST", "PUT"}:
        text = await request.read()
        try:
            body = json.loads(text) if text else {}
        except ValueError as error:
            raise Refused(400, f"invalid JSON: {error}") from error
    return Call(cluster, request, body, parts)


async def plain_answer(call: Call, handler: Plain) -> web.Response:
    """The handler's answer; for a blocking query, once its index is higher than the query's."""
    wait = wait_of(call) if call.request.method == "GET" else None
    deadline = time.monotonic() + (wait.seconds if wait else 0.0)
    while True:
        # taken before the read, so that a change in between is not missed
        changed = call.cluster.changed
        response, index = once(call, handler)
        left = deadline - time.monotonic()
        if wait is None or has_news(wait, index) or left <= 0:
            return response
        try:
            async with asyncio.timeout(left):
                await changed.wait()
        except TimeoutError:
            return once(call, handler)[0]


def has_news(wait: Wait, index: int | None) -> bool:
    """Whether there is something new for a blocking query."""
    return index is None or index > wait.index


def once(call: Call, handler: Plain) -> tuple[web.Response, int | None]:
    """The current answer and its index."""
    try:
        answer = handler(call)
    # a blocking read of a missing record waits until it exists
    except Missing as missing:
        response = refusal_response(missing)
        response.headers["X-Nomad-Index"] = str(missing.index)
        return response, missing.index
    return answer_response(call, answer), answer.index


async def dispatch_call(
    cluster: Cluster, request: web.Request, handlers: Handlers, parts: dict[str, str]
) -> web.Response:
    """Answer a call by its method."""
    handler = handlers.get(request.method)
    if handler is None:
        raise Refused(405, "Invalid method")
    return await plain_answer(await call_of(cluster, request, parts), handler)


def job_path(raw: str) -> tuple[str, Handlers, dict[str, str]]:
    """Splits a path after /v1/job/ into handlers and its decoded parts, such as the job id."""
    stem, _, last = raw.rpartition("/")
    if last == "tag" and stem.rpartition("/")[0].endswith("/versions"):
        head, _, name = stem.rpartition("/")
        return unquote(head.removesuffix("/versions")), TAG, {"name": unquote(name)}
    if stem and last in AFTER_JOB:
        return unquote(stem), AFTER_JOB[last], {}
    return unquote(raw), AFTER_JOB[""], {}


class Paths:
    """Nomad's API for one cluster."""

    def __init__(self, cluster: Cluster, special: Mapping[str, Mapping[str, Special]]) -> None:
        """`special` has the paths whose handlers write their response themselves."""
        self._cluster = cluster
        self._special = special

    def add_to(self, app: web.Application) -> None:
        """Serve them."""
        app.router.add_route("*", "/v1/jobs", self._jobs)
        for path, handlers in PATHS.items():
            app.router.add_route("*", path, self._plain(handlers))
        for path, writers in self._special.items():
            app.router.add_route("*", path, self._written_by(writers))
        app.router.add_route("*", "/v1/job/{rest:.+}", self._job)

    def _plain(self, handlers: Handlers) -> Served:
        async def handle(request: web.Request) -> web.StreamResponse:
            return await dispatch_call(self._cluster, request, handlers, dict(request.match_info))

        return handle

    def _written_by(self, writers: Mapping[str, Special]) -> Served:
        async def handle(request: web.Request) -> web.StreamResponse:
            handler = writers.get(request.method)
            if handler is None:
                raise Refused(405, "Invalid method")
            return await handler(await call_of(self._cluster, request, dict(request.match_info)))

        return handle

    async def _jobs(self, request: web.Request) -> web.StreamResponse:
        if request.method in {"POST", "PUT"}:
            return await register_job(await call_of(self._cluster, request, {}))
        return await dispatch_call(self._cluster, request, {"GET": jobs.job_list}, {})

    async def _job(self, request: web.Request) -> web.StreamResponse:
        job_id, handlers, rest = job_path(request.rel_url.raw_path.removeprefix("/v1/job/"))
        parts = {"job": job_id, **rest}
        if handlers is AFTER_JOB[""] and request.method in {"POST", "PUT"}:
            return await register_job(await call_of(self._cluster, request, parts))
        return await dispatch_call(self._cluster, request, handlers, parts)
