"""A thin client of the part of Nomad's HTTP API that Nomatron relies on.

Every call answers a `Reply`, refused or not, because the contract is about
statuses and texts as much as about bodies. Nothing here raises on a status;
`Reply.ok()` does, for the calls a test takes for granted.
"""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import quote

import requests

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import TracebackType

    Params = Mapping[str, str | int | list[str]]

Json = dict[str, Any]

DEFAULT_TIMEOUT = 30.0
STREAM_TIMEOUT = (5.0, 75.0)


@dataclass(frozen=True)
class Reply:
    """What the server said to one request."""

    status: int
    headers: Mapping[str, str]
    text: str

    @property
    def body(self) -> Any:
        return json.loads(self.text)

    @property
    def index(self) -> int:
        """The `X-Nomad-Index` of a read."""
        return int(self.headers["X-Nomad-Index"])

    def ok(self) -> Any:
        """The body of an answer that has to be a 200."""
        assert self.status == requests.codes.ok, f"{self.status}: {self.text}"
        return self.body

    def refused(self, status: int, *texts: str) -> None:
        """Check that the answer is this refusal, and that it says all of `texts`."""
        assert self.status == status, f"{self.status}: {self.text}"
        for text in texts:
            assert text in self.text


def path_of(*parts: str) -> str:
    """`/v1/...`, each part percent-encoded: dispatched jobs have `/` in their ids."""
    return "/v1/" + "/".join(quote(part, safe="") for part in parts)


class Nomad:
    """One caller of one agent, in one namespace, with one token."""

    def __init__(self, address: str, token: str = "", namespace: str = "default") -> None:
        self.address = address.rstrip("/")
        self.token = token
        self.namespace = namespace
        self._session = requests.Session()
        self._session.trust_env = False
        if token:
            self._session.headers["X-Nomad-Token"] = token
        self._owned: list[Nomad] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for other in self._owned:
            other.__exit__()
        self._session.close()

    def twin(self, *, token: str | None = None, namespace: str | None = None) -> Nomad:
        """Another caller of the same agent, with its own connections, which close with ours."""
        return self.own(
            Nomad(
                self.address, self.token if token is None else token, self.namespace if namespace is None else namespace
            )
        )

    def own(self, other: Nomad) -> Nomad:
        """Close that caller's connections with ours."""
        self._owned.append(other)
        return other

    def control(self, what: str, body: Json) -> None:
        """Turn a switch of the simulated Nomad."""
        self._session.post(f"{self.address}/sandbox/{what}", json=body, timeout=DEFAULT_TIMEOUT).raise_for_status()

    def header(self, name: str, value: str) -> None:
        """Send this header with every call from now on."""
        self._session.headers[name] = value

    def call(
        self,
        method: str,
        *parts: str,
        params: Params | None = None,
        body: object = None,
        timeout: float = DEFAULT_TIMEOUT,
    ) -> Reply:
        answer = self._session.request(
            method,
            self.address + path_of(*parts),
            params={"namespace": self.namespace, **(params or {})},
            json=body,
            timeout=timeout,
        )
        return Reply(answer.status_code, answer.headers, answer.content.decode())

    def get(self, *parts: str, params: Params | None = None, timeout: float = DEFAULT_TIMEOUT) -> Reply:
        return self.call("GET", *parts, params=params, timeout=timeout)

    def post(self, *parts: str, body: object = None, params: Params | None = None) -> Reply:
        return self.call("POST", *parts, params=params, body={} if body is None else body)

    def delete(self, *parts: str, params: Params | None = None) -> Reply:
        return self.call("DELETE", *parts, params=params)

    # Jobs: writing.

    def parse(self, hcl: str, variables: str = "", *, canonicalize: bool = True) -> Reply:
        body = {"JobHCL": hcl, "Variables": variables, "Canonicalize": canonicalize}
        return self.post("jobs", "parse", body=body)

    def plan(self, job: Json, *, path_id: str | None = None) -> Reply:
        return self.post("job", path_id or job["ID"], "plan", body={"Job": job, "Diff": True})

    def register(self, job: Json, *, enforce: int | None = None, **extra: object) -> Reply:
        """Register `job`; `enforce` is the JobModifyIndex it must still have."""
        body: Json = {"Job": job, **extra}
        if enforce is not None:
            body |= {"EnforceIndex": True, "JobModifyIndex": enforce}
        return self.post("jobs", body=body)

    def stop(self, job_id: str, *, purge: bool = False) -> Reply:
        return self.delete("job", job_id, params={"purge": str(purge).lower()})

    def revert(self, job_id: str, version: int, *, prior: int | None = None) -> Reply:
        body = {"JobID": job_id, "JobVersion": version, "EnforcePriorVersion": prior}
        return self.post("job", job_id, "revert", body=body)

    def scale(self, job_id: str, group: str, count: int) -> Reply:
        body = {"Count": count, "Target": {"Group": group}, "Message": "contract"}
        return self.post("job", job_id, "scale", body=body)

    def evaluate(self, job_id: str) -> Reply:
        return self.post("job", job_id, "evaluate", body={"JobID": job_id})

    def tag(self, job_id: str, name: str, version: int) -> Reply:
        body = {"Version": version, "Description": "contract"}
        return self.post("job", job_id, "versions", name, "tag", body=body)

    def dispatch(self, job_id: str, meta: Mapping[str, str], *, once: str = "") -> Reply:
        """Dispatch a parameterized job; `once` is the idempotency token."""
        params = {"idempotency_token": once} if once else None
        return self.post("job", job_id, "dispatch", body={"Meta": dict(meta)}, params=params)

    # Jobs: reading.

    def job(self, job_id: str, params: Params | None = None, timeout: float = DEFAULT_TIMEOUT) -> Reply:
        return self.get("job", job_id, params=params, timeout=timeout)

    def versions(self, job_id: str, *, diffs: bool = False) -> Reply:
        return self.get("job", job_id, "versions", params={"diffs": str(diffs).lower()})

    def submission(self, job_id: str, version: int | None) -> Reply:
        params = {} if version is None else {"version": version}
        return self.get("job", job_id, "submission", params=params)

    def allocations(self, job_id: str) -> Reply:
        return self.get("job", job_id, "allocations")

    def evaluations(self, job_id: str) -> Reply:
        return self.get("job", job_id, "evaluations")

    def deployments_of(self, job_id: str) -> Reply:
        return self.get("job", job_id, "deployments")

    def latest_deployment(self, job_id: str) -> Reply:
        return self.get("job", job_id, "deployment")

    # Deployments, evaluations, allocations.

    def deployment(self, deployment_id: str) -> Reply:
        return self.get("deployment", deployment_id)

    def promote(self, deployment_id: str, groups: list[str] | None = None) -> Reply:
        """Promote the named groups, or all of them."""
        choice: Json = {"All": True} if groups is None else {"Groups": groups}
        return self._deployment_verb("promote", deployment_id, choice)

    def fail(self, deployment_id: str) -> Reply:
        return self._deployment_verb("fail", deployment_id, {})

    def pause(self, deployment_id: str, *, pause: bool) -> Reply:
        return self._deployment_verb("pause", deployment_id, {"Pause": pause})

    def _deployment_verb(self, verb: str, deployment_id: str, body: Json) -> Reply:
        return self.post("deployment", verb, deployment_id, body={"DeploymentID": deployment_id, **body})

    def evaluation(self, eval_id: str) -> Reply:
        return self.get("evaluation", eval_id)

    def allocation(self, alloc_id: str) -> Reply:
        return self.get("allocation", alloc_id)

    def logs(self, alloc_id: str, task: str, stream: str = "stdout") -> Reply:
        params = {"task": task, "type": stream, "plain": "true"}
        return self.get("client", "fs", "logs", alloc_id, params=params)

    def events(self, *topics: str, index: int | None = None) -> EventStream:
        params: dict[str, str | int | list[str]] = {"namespace": self.namespace, "topic": list(topics)}
        if index is not None:
            params["index"] = index
        return EventStream(self.address + path_of("event", "stream"), params, self.token)


@dataclass
class EventStream:
    """The event stream, read by a thread until the `with` block ends.

    `lines` holds every line received so far, heartbeats (`{}`) included;
    `ended` is set once the server has closed the stream.
    """

    url: str
    params: Params
    token: str
    lines: list[Json] = field(default_factory=list)
    ended: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> Self:
        headers = {"X-Nomad-Token": self.token} if self.token else {}
        with requests.Session() as session:
            session.trust_env = False
            self.answer = session.get(
                self.url, params=self.params, headers=headers, stream=True, timeout=STREAM_TIMEOUT
            )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if not self.ended.is_set():
            self.answer.raw.shutdown()
            self._reader.join(timeout=5)
        self.answer.close()

    def _read(self) -> None:
        rest = b""
        try:
            while chunk := self.answer.raw.read1(65536):
                *whole, rest = (rest + chunk).split(b"\n")
                self.lines += [json.loads(line) for line in whole if line.strip()]
        finally:
            self.ended.set()

    @property
    def heartbeats(self) -> int:
        return sum(1 for line in self.lines if not line)

    @property
    def batches(self) -> list[Json]:
        """The lines that carry events: `{"Index": n, "Events": [...]}`."""
        return [line for line in self.lines if line]

    def events(self, wanted: Callable[[Json], bool]) -> list[Json]:
        return [event for batch in self.batches for event in batch["Events"] if wanted(event)]
