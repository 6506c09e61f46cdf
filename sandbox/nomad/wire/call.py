"""One HTTP call for Nomad's handlers, and the answers that they return."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aiohttp import web

from sandbox.nomad.records import JobKey, Json, duration
from sandbox.nomad.refusals import Refused

if TYPE_CHECKING:
    from sandbox.nomad.cluster import Cluster

REGION = "global"
MAX_WAIT_NS = 300 * 1_000_000_000


@dataclass(frozen=True)
class Answer:
    """A 200: its JSON, the index for X-Nomad-Index (None for no such header), and what asks for the next page."""

    body: Any
    index: int | None = None
    next_token: str = ""


class Missing(Refused):
    """A 404 for a read; it has an index, so that a blocking query can wait."""

    def __init__(self, text: str, index: int) -> None:
        super().__init__(404, text)
        self.index = index


@dataclass(frozen=True)
class Call:
    """A request whose body has been read."""

    cluster: Cluster
    request: web.Request
    body: Any
    parts: dict[str, str]

    @property
    def query(self) -> dict[str, str]:
        """The query's parameters; the first value of a repeated one."""
        return {name: self.request.query[name] for name in self.request.query}

    @property
    def namespace(self) -> str:
        """The namespace of the call."""
        return self.request.query.get("namespace") or "default"

    @property
    def key(self) -> JobKey:
        """The key of the job in the path."""
        return JobKey(self.namespace, self.parts["job"])

    def flag(self, name: str) -> bool:
        """The value of a boolean parameter. Raises Refused with 400 if it is not a boolean."""
        text = self.request.query.get(name, "false").lower()
        if text not in {"true", "false", "1", "0", "t", "f"}:
            raise Refused(400, f"Failed to parse value of \"{name}\" ('{text}') as a bool")
        return text in {"true", "1", "t"}

    @property
    def fields(self) -> Json:
        """The body as a JSON object. Raises Refused with 400 if it is anything else."""
        if not isinstance(self.body, dict):
            kind = "string" if isinstance(self.body, str) else "value"
            raise Refused(400, f"json: cannot unmarshal {kind} into Go value")
        return self.body

    def job_in_body(self) -> Json:
        """The job in the body. Raises Refused with 400 if there is none."""
        job = self.fields.get("Job")
        if not isinstance(job, dict):
            raise Refused(400, "Job must be specified")
        return job

    def namespace_for_job(self) -> str:
        """The job's namespace: from the query, or else from the body, or else from the job itself."""
        asked = self.request.query.get("namespace") or self.fields.get("Namespace")
        return str(asked or self.job_in_body().get("Namespace") or "default")


@dataclass(frozen=True)
class Wait:
    """A blocking query: answer once the result's index is higher than `index`, or after `seconds`."""

    index: int
    seconds: float


def wait_of(call: Call) -> Wait | None:
    """The blocking part of a query; None if it does not block. Raises Refused with 400 for malformed values."""
    wait, index = call.request.query.get("wait"), call.request.query.get("index")
    nanoseconds = duration(wait) if wait else MAX_WAIT_NS
    if nanoseconds is None:
        raise Refused(400, "Invalid wait time")
    if index is None:
        return None
    if not index.isdecimal():
        raise Refused(400, "Invalid index")
    limit = min(nanoseconds, MAX_WAIT_NS) / 1_000_000_000
    # Nomad adds up to a sixteenth, so that many callers do not all wake at once
    return Wait(int(index), limit + limit / 32) if int(index) else None


def json_bytes(body: object, *, pretty: bool = False) -> bytes:
    """JSON as Nomad writes it: keys sorted, no spaces."""
    if pretty:
        return (json.dumps(body, indent=4, sort_keys=True, ensure_ascii=False) + "\n").encode()
    return json.dumps(body, separators=(",", ":"), sort_keys=True, ensure_ascii=False).encode()


def answer_response(call: Call, answer: Answer) -> web.Response:
    """A 200, gzipped if the caller accepts that."""
    headers = {"Vary": "Accept-Encoding, Origin"}
    if answer.index is not None:
        headers |= {"X-Nomad-Index": str(answer.index), "X-Nomad-KnownLeader": "true", "X-Nomad-LastContact": "0"}
    if answer.next_token:
        headers["X-Nomad-NextToken"] = answer.next_token
    body = json_bytes(answer.body, pretty="pretty" in call.request.query)
    response = web.Response(body=body, headers=headers, content_type="application/json")
    # aiohttp checks what the caller accepts; to gzip small answers is not worth it
    if len(body) > 1024:
        response.enable_compression()
    return response


def refusal_response(refusal: Refused) -> web.Response:
    """The response for a refusal: its plain text."""
    return web.Response(status=refusal.status, text=refusal.text, content_type="text/plain")
