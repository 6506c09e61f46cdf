"""The HTTP client of one cluster: python-nomad on its own thread pool; every call has a time limit and a size limit."""

from __future__ import annotations

import asyncio
import logging
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import quote

import requests
import urllib3.exceptions
from nomad.api.exceptions import BaseNomadException

from bot.domain.masking import scrub
from bot.domain.refusals import refuses_job
from bot.errors import BUGS, NomadForbidden, NomadRefused, NomadUnavailable
from bot.gateways.nomad.circuit import Circuit
from bot.gateways.nomad.errors import Unanswered, no_answer, refusal
from bot.gateways.nomad.reply import Reply, read
from bot.gateways.nomad.session import CALLS, endpoints, open_session

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable

    from bot.domain.catalog.environment import Cluster
    from bot.domain.jobdiff.hidden import Clean

log = logging.getLogger(__name__)

PAGE = 500
"""How many records a page of a list has."""


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Time limits in seconds: to connect, for an answer, and for a whole register, from the call to the last byte.

    ``rest`` is how long no calls go to a cluster after one hung: as long as a hang lasts, so that most of the work that
    meets the cluster fails at once.
    """

    connect: float = 5.0
    answer: float = 15.0
    write: float = 20.0
    rest: float = 20.0


class Client:
    """One cluster over HTTP. Raises ``NomadUnavailable``, ``NomadForbidden`` or ``NomadRefused``, with its name.

    If ``withheld`` is not empty, the token is missing for that reason, and every call raises ``NomadForbidden``.
    """

    def __init__(self, cluster: Cluster, token: str | None, timeouts: Timeouts, withheld: str = "") -> None:
        self.cluster = cluster
        self.timeouts = timeouts
        self.withheld = withheld
        self._token = token
        self._closed = False
        self._circuit = Circuit(timeouts.rest, timeouts.connect + timeouts.answer)
        self._session = open_session()
        self._endpoints = endpoints(cluster, token, self._session)
        self._pool = ThreadPoolExecutor(CALLS, thread_name_prefix=f"nomad-{cluster.name}")

    def close(self) -> None:
        """Close the connections. Running calls end by their time limits, waiting ones are cancelled."""
        self._closed = True
        self._pool.shutdown(wait=False, cancel_futures=True)
        self._session.close()

    def retire(self) -> None:
        """Close the connections of a cluster that left the catalog, after the calls that are already waiting."""
        self._closed = True
        self._pool.shutdown(wait=False)
        self._session.close()

    async def get(self, *path: str, namespace: str, **params: str | int) -> Reply:
        """GET. Returns a 404, raises every other error. Nomad rejects a read only because of its token.

        Any other rejection is therefore raised as ``NomadUnavailable``.
        """
        call = _Call("get", path, {**params, "namespace": namespace}, None, self._reading)
        try:
            return self._accept(await self._run(call), 404)
        except NomadRefused as error:
            raise NomadUnavailable(self._with_name(f"refused a read: {error}")) from None

    async def pages(self, path: str, *, namespace: str, **params: str) -> AsyncGenerator[list[dict[str, Any]], None]:
        """GET a list page by page. Raises as ``get`` does; a list that Nomad does not have is refused."""
        token: dict[str, str] = {}
        while True:
            reply = await self.get(path, namespace=namespace, per_page=PAGE, **params, **token)
            if not reply.ok:
                raise NomadUnavailable(self._with_name(f"has no list of {path}"))
            yield reply.records()
            if not reply.next_page:
                return
            token = {"next_token": reply.next_page}

    async def post(
        self,
        *path: str,
        namespace: str,
        body: bytes,
        clean: Clean = scrub,
        is_final: Callable[[str], bool] = refuses_job,
    ) -> Reply:
        """POST a request that changes nothing; raises if Nomad rejects it, with a text that ``clean`` has masked.

        ``is_final``: whether the words of a 500 mean that Nomad refuses the job.
        """
        call = _Call("post", path, {"namespace": namespace}, body, self._reading)
        return self._accept(await self._run(call), clean=clean, is_final=is_final)

    async def write(self, *path: str, namespace: str, body: bytes) -> Reply:
        """POST a change. Returns every answer, also a rejection; raises ``Unanswered`` if there was none.

        The waits for a thread and for a connection take at most a quarter of ``Timeouts.write`` each. A request that
        has not been sent by then never will be.
        """
        connect = min(self.timeouts.connect, self.timeouts.write / 4)
        timeouts = (connect, self.timeouts.write - connect)
        return await self._run(_Call("post", path, {"namespace": namespace}, body, timeouts, reads=False))

    def event_stream(self) -> StreamSource:
        """Opens event streams, on its own connections."""
        self._check_token()
        session = open_session()
        return StreamSource(endpoints(self.cluster, self._token, session)["event"], session)

    @property
    def _reading(self) -> tuple[float, float]:
        return self.timeouts.connect, self.timeouts.answer

    def _accept(
        self, reply: Reply, *also: int, clean: Clean = scrub, is_final: Callable[[str], bool] = refuses_job
    ) -> Reply:
        if reply.foreign or (not reply.ok and reply.status not in also):
            error = refusal(reply, clean, is_final)
            raise NomadUnavailable(self._with_name(error)) if isinstance(error, NomadUnavailable) else error
        return reply

    def _with_name(self, error: object) -> str:
        return f"cluster {self.cluster.name} {error}"

    def _check_token(self) -> None:
        if self.withheld:
            raise NomadForbidden(self._with_name(f"was not called: {self.withheld}"))

    async def _run(self, call: _Call) -> Reply:
        self._check_token()
        if call.reads:
            self._circuit.check()
        if self._closed:
            raise Unanswered(self._with_name("was not called: Nomatron is shutting down"), sent=False)
        asked_at = time.monotonic()
        try:
            return await asyncio.get_running_loop().run_in_executor(self._pool, self._exchange, call, asked_at)
        except BUGS as error:
            # nobody knows when it was raised: even a pool that cannot start a thread has put the call into its queue
            log.exception("a call to nomad ended in a bug", extra={"cluster": self.cluster.name})
            raise Unanswered(
                self._with_name(f"was called, and an error of Nomatron's own followed: {type(error).__name__}"),
                sent=True,
            ) from None

    def _exchange(self, call: _Call, asked_at: float) -> Reply:
        try:
            reply = self._send_in_time(call, asked_at)
        except Unanswered as error:
            if call.reads:
                self._circuit.record_failure(str(error), time.monotonic() - asked_at)
            raise
        self._circuit.record_answer()
        return reply

    def _send_in_time(self, call: _Call, asked_at: float) -> Reply:
        connect, answer = call.timeouts
        sent = False
        if time.monotonic() - asked_at > connect:
            raise Unanswered(self._with_name(f"was not called: all {CALLS} connections are busy"), sent=False)
        try:
            response = self._send(call)
            sent = True
            return read(response, answer)
        except (BaseNomadException, requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
            failure = no_answer(error)
            raise Unanswered(self._with_name(failure), sent=sent or failure.sent) from None
        except NomadUnavailable as error:
            raise Unanswered(self._with_name(error), sent=True) from None

    def _send(self, call: _Call) -> requests.Response:
        """The response with any status and an unread body; python-nomad raises most statuses as exceptions."""
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
    """A request. ``timeouts``: seconds to connect and for an answer; ``reads``: whether it changes nothing."""

    method: str
    path: tuple[str, ...]
    params: dict[str, str | int]
    body: bytes | None
    timeouts: tuple[float, float]
    reads: bool = True


@dataclass(frozen=True, slots=True)
class StreamSource:
    """Opens event streams: python-nomad's endpoint, and the session that it uses."""

    endpoint: Any
    session: requests.Session

    def open(self, params: dict[str, str | int | list[str]], timeouts: tuple[float, float]) -> requests.Response:
        """The response of a new stream, with an unread body; raises the errors of python-nomad and requests."""
        answer = self.endpoint.request(method="get", stream=True, params=params, headers={}, timeout=timeouts)
        return cast("requests.Response", answer)
