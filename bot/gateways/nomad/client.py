"""Calls to one cluster: python-nomad on a thread pool of its own, each call bounded in time and size."""

from __future__ import annotations

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import quote

import requests
import urllib3.exceptions
from nomad.api.exceptions import BaseNomadException

from bot.errors import NomadForbidden, NomadRefused, NomadUnavailable
from bot.gateways.nomad.circuit import Circuit
from bot.gateways.nomad.errors import Unanswered, refusal, unanswered
from bot.gateways.nomad.reply import Reply, read
from bot.gateways.nomad.session import CALLS, endpoints, open_session

if TYPE_CHECKING:
    from bot.domain.catalog.environment import Cluster


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds: to connect, to be answered, and all that a register may take from its call to its last byte.

    ``rest`` is how long a cluster that hangs is not asked again.
    """

    connect: float = 5.0
    answer: float = 15.0
    write: float = 20.0
    rest: float = 5.0


class Client:
    """One cluster over HTTP. Raises ``NomadUnavailable``, ``NomadForbidden`` or ``NomadRefused``, with its name.

    ``withheld`` says why there is no token to ask with: then every call is refused with that, before it is made.
    """

    def __init__(self, cluster: Cluster, token: str | None, timeouts: Timeouts, withheld: str = "") -> None:
        self.cluster = cluster
        self.timeouts = timeouts
        self.withheld = withheld
        self._token = token
        self._circuit = Circuit(timeouts.rest, timeouts.connect + timeouts.answer)
        self._session = open_session()
        self._endpoints = endpoints(cluster, token, self._session)
        self._pool = ThreadPoolExecutor(CALLS, thread_name_prefix=f"nomad-{cluster.name}")

    def close(self) -> None:
        """Let the connections go; calls that are under way end by their time-outs."""
        self._pool.shutdown(wait=False, cancel_futures=True)
        self._session.close()

    def retire(self) -> None:
        """The same for a cluster that the catalog no longer has: whoever waits for a thread still gets one."""
        self._pool.shutdown(wait=False)
        self._session.close()

    async def get(self, *path: str, namespace: str, **params: str | int) -> Reply:
        """GET; a 404 is an answer, every other refusal is raised: nothing is refused to a read but for its token."""
        call = _Call("get", path, {**params, "namespace": namespace}, None, self._reading)
        try:
            return self._accepted(await self._run(call), 404)
        except NomadRefused as error:
            raise NomadUnavailable(self._said(f"refuses a read: {error}")) from None

    async def post(self, *path: str, namespace: str, body: bytes) -> Reply:
        """POST of something that changes nothing; refusals are raised."""
        return self._accepted(await self._run(_Call("post", path, {"namespace": namespace}, body, self._reading)))

    async def write(self, *path: str, namespace: str, body: bytes) -> Reply:
        """POST of a change: every answer comes back, ``Unanswered`` is raised where there was none.

        The wait for a thread and for a connection are at most a quarter of ``Timeouts.write`` each: what has not been
        sent by then never is.
        """
        connect = min(self.timeouts.connect, self.timeouts.write / 4)
        timeouts = (connect, self.timeouts.write - connect)
        return await self._run(_Call("post", path, {"namespace": namespace}, body, timeouts, reads=False))

    def event_stream(self) -> StreamSource:
        """What opens an event stream, on connections of its own."""
        self._check_token()
        session = open_session()
        return StreamSource(endpoints(self.cluster, self._token, session)["event"], session)

    @property
    def _reading(self) -> tuple[float, float]:
        return self.timeouts.connect, self.timeouts.answer

    def _accepted(self, reply: Reply, *also: int) -> Reply:
        if reply.foreign or (not reply.ok and reply.status not in also):
            error = refusal(reply)
            raise NomadUnavailable(self._said(error)) if isinstance(error, NomadUnavailable) else error
        return reply

    def _said(self, error: object) -> str:
        return f"cluster {self.cluster.name} {error}"

    def _check_token(self) -> None:
        if self.withheld:
            raise NomadForbidden(self._said(f"is not asked: {self.withheld}"))

    async def _run(self, call: _Call) -> Reply:
        self._check_token()
        if call.reads:
            self._circuit.check()
        asked_at = time.monotonic()
        try:
            return await asyncio.get_running_loop().run_in_executor(self._pool, self._exchange, call, asked_at)
        except RuntimeError:
            # a pool that was shut down says so by nothing better
            raise Unanswered(self._said("is not asked any more: we are closing"), sent=False) from None

    def _exchange(self, call: _Call, asked_at: float) -> Reply:
        try:
            reply = self._exchanged(call, asked_at)
        except Unanswered as error:
            if call.reads:
                self._circuit.unanswered(str(error), time.monotonic() - asked_at)
            raise
        self._circuit.answered()
        return reply

    def _exchanged(self, call: _Call, asked_at: float) -> Reply:
        connect, answer = call.timeouts
        if time.monotonic() - asked_at > connect:
            raise Unanswered(self._said("keeps all our connections waiting"), sent=False)
        try:
            return read(self._ask(call), answer)
        except (BaseNomadException, requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
            broken = unanswered(error)
            raise Unanswered(self._said(broken), sent=broken.sent) from None
        except NomadUnavailable as error:
            raise Unanswered(self._said(error), sent=True) from None

    def _ask(self, call: _Call) -> requests.Response:
        """The answer with its body still unread, whatever its status: python-nomad raises most of them."""
        first, *rest = (quote(part, safe="") for part in call.path)
        headers = {} if call.body is None else {"Content-Type": "application/json"}
        given = {"params": dict(call.params), "data": call.body, "headers": headers, "timeout": call.timeouts}
        try:
            answer = self._endpoints[first].request(*rest, method=call.method, stream=call.method == "get", **given)
            return cast("requests.Response", answer)
        except BaseNomadException as error:
            if not isinstance(error.nomad_resp, requests.Response):
                raise
            return error.nomad_resp


@dataclass(frozen=True, slots=True)
class _Call:
    """A request; ``timeouts`` are the seconds to connect and to be answered, ``reads`` says that it changes nothing."""

    method: str
    path: tuple[str, ...]
    params: dict[str, str | int]
    body: bytes | None
    timeouts: tuple[float, float]
    reads: bool = True


@dataclass(frozen=True, slots=True)
class StreamSource:
    """python-nomad's stream endpoint and the session that it lives on."""

    endpoint: Any
    session: requests.Session

    def open(self, params: dict[str, str | int | list[str]], timeouts: tuple[float, float]) -> requests.Response:
        """The stream's response, its body unread; raises what python-nomad and requests raise."""
        answer = self.endpoint.request(method="get", stream=True, params=params, headers={}, timeout=timeouts)
        return cast("requests.Response", answer)
