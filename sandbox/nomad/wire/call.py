"""One HTTP call as Nomad's handlers see it, and the answers they give."""

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
    """A 200: its JSON, and the index that X-Nomad-Index tells (None: no such header)."""

    body: Any
    index: int | None = None


class Missing(Refused):
    """A 404 of a read; it has an index, and a blocking query waits on it."""

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
        """The query's parameters; of a repeated one, the first."""
        return {name: self.request.query[name] for name in self.request.query}

    @property
    def namespace(self) -> str:
        """The namespace that is asked for."""
        return self.request.query.get("namespace") or "default"

    @property
    def key(self) -> JobKey:
        """The job that the path names."""
        return JobKey(self.namespace, self.parts["job"])

    def flag(self, name: str) -> bool:
        """Whether a parameter says yes. Raises Refused with 400 where it says neither yes nor no."""
        text = self.request.query.get(name, "false").lower()
        if text not in {"true", "false", "1", "0", "t", "f"}:
            raise Refused(400, f"Failed to parse value of \"{name}\" ('{text}') as a bool")
        return text in {"true", "1", "t"}

    @property
    def fields(self) -> Json:
        """The body, which has to be a JSON object. Raises Refused with 400."""
        if not isinstance(self.body, dict):
            kind = "string" if isinstance(self.body, str) else "value"
            raise Refused(400, f"json: cannot unmarshal {kind} into Go value")
        return self.body

    def job_in_body(self) -> Json:
        """The body's job. Raises Refused with 400 where there is none."""
        job = self.fields.get("Job")
        if not isinstance(job, dict):
            raise Refused(400, "Job must be specified")
        return job

    def namespace_for_job(self) -> str:
        """Where the job goes: the query's namespace before the body's before the job's own."""
        asked = self.request.query.get("namespace") or self.fields.get("Namespace")
        return str(asked or self.job_in_body().get("Namespace") or "default")


@dataclass(frozen=True)
class Wait:
    """A blocking query: answer once the result's index is higher than this one, or after so many seconds."""

    index: int
    seconds: float


def wait_of(call: Call) -> Wait | None:
    """The blocking part of a query, if it has one. Raises Refused with 400 for what cannot be read."""
    wait, index = call.request.query.get("wait"), call.request.query.get("index")
    nanoseconds = duration(wait) if wait else MAX_WAIT_NS
    if nanoseconds is None:
        raise Refused(400, "Invalid wait time")
    if index is None:
        return None
    if not index.isdecimal():
        raise Refused(400, "Invalid index")
    limit = min(nanoseconds, MAX_WAIT_NS) / 1_000_000_000
    # Nomad adds up to a sixteenth, so that many waiters do not all wake at once
    return Wait(int(index), limit + limit / 32) if int(index) else None


def json_bytes(body: object, *, pretty: bool = False) -> bytes:
    """JSON as Nomad writes it: keys sorted, no spaces."""
    if pretty:
        return (json.dumps(body, indent=4, sort_keys=True, ensure_ascii=False) + "\n").encode()
    return json.dumps(body, separators=(",", ":"), sort_keys=True, ensure_ascii=False).encode()


def answer_response(call: Call, answer: Answer) -> web.Response:
    """A 200, gzipped where that is asked for."""
    headers = {"Vary": "Accept-Encoding, Origin"}
    if answer.index is not None:
        headers |= {"X-Nomad-Index": str(answer.index), "X-Nomad-KnownLeader": "true", "X-Nomad-LastContact": "0"}
    body = json_bytes(answer.body, pretty="pretty" in call.request.query)
    response = web.Response(body=body, headers=headers, content_type="application/json")
    # aiohttp looks at what the caller accepts; small answers are not worth the work
    if len(body) > 1024:
        response.enable_compression()
    return response


def refusal_response(refusal: Refused) -> web.Response:
    """A refusal: the bare text."""
    return web.Response(status=refusal.status, text=refusal.text, content_type="text/plain")
