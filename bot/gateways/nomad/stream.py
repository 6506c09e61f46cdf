"""Reads the event stream of one cluster, for hints that a job changed (docs/nomad.md, "Event stream")."""

from __future__ import annotations

import asyncio
import contextlib
import json
import threading
import time
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

import requests
import urllib3.exceptions
from nomad.api.exceptions import BaseNomadException

from bot.ports.nomad import JobEvent

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable, Collection

    from bot.gateways.nomad.client import StreamSource

TOPICS: Final = ("Job:*", "Deployment:*", "Allocation:*", "Evaluation:*")
NOW: Final = 2**62
"""An index in the future: Nomad sends the newest event, then every new one (docs/nomad.md, "Where a stream starts")."""

_LONGEST_LINE: Final = 32 * 1024 * 1024
_BROKEN: Final = (BaseNomadException, requests.RequestException, urllib3.exceptions.HTTPError, OSError, ValueError)


@dataclass(frozen=True, slots=True)
class Patience:
    """Seconds to wait for the first line and for each line after it, and the first and longest back-off."""

    first: float = 5.0
    silence: float = 45.0
    back_off: float = 1.0
    longest_back_off: float = 60.0


class _Inbox:
    """Passes jobs that changed, and signs of life, from the reading thread to the event loop; each job once."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._events: dict[JobEvent, None] = {}
        self._news = asyncio.Event()
        self.ended = False
        self.index = NOW

    def line(self, index: int | None, events: list[JobEvent]) -> None:
        """Called by the thread for each line; a line without jobs is a heartbeat."""
        self._call(self._take, index, events)

    def end(self) -> None:
        """Called by the thread when the stream has ended."""
        self._call(self._end)

    def _call(self, what: Callable[..., None], *given: object) -> None:
        # if the loop is closed, nobody waits for this any more
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(what, *given)

    def _take(self, index: int | None, events: list[JobEvent]) -> None:
        self.index = index or self.index
        self._events.update(dict.fromkeys(events))
        self._news.set()

    def _end(self) -> None:
        self.ended = True
        self._news.set()

    async def wait(self, seconds: float) -> list[JobEvent] | None:
        """The jobs that changed since the last call; empty for a heartbeat, None if the stream ended or fell silent."""
        try:
            # not wait_for: before Python 3.12 it loses a cancellation that comes together with the news
            async with asyncio.timeout(seconds):
                await self._news.wait()
        except TimeoutError:
            return None
        if not self.ended:
            self._news.clear()
        events, self._events = list(self._events), {}
        return None if self.ended and not events else events


class _Connection:
    """One connection, read by its own daemon thread; ``close`` interrupts a blocked read."""

    def __init__(self, source: StreamSource, params: dict[str, Any], inbox: _Inbox, patience: Patience) -> None:
        self._source = source
        self._params = params
        self._inbox = inbox
        self._timeouts = (patience.first, patience.silence + patience.first)
        self._lock = threading.Lock()
        self._closed = False
        self._response: requests.Response | None = None
        threading.Thread(target=self._run, name="nomad-events", daemon=True).start()

    def close(self) -> None:
        """Close the connection; may be called at any time, also twice."""
        with self._lock:
            self._closed = True
            if self._response is not None:
                # if the connection is already closed, that is fine too
                with contextlib.suppress(OSError, ValueError, RuntimeError):
                    self._response.raw.shutdown()

    def _run(self) -> None:
        try:
            with self._source.session:
                self._read()
        except _BROKEN:
            # the end of the stream is enough to know; the next attempt, or a poll, reports the reason
            pass
        finally:
            self._inbox.end()

    def _read(self) -> None:
        response = self._source.open(self._params, self._timeouts)
        with response:
            with self._lock:
                self._response = response
                if self._closed:
                    return
            try:
                self._lines(response)
            finally:
                with self._lock:
                    self._response = None

    def _lines(self, response: requests.Response) -> None:
        """Pass every line on. Uses ``read1``, because ``iter_lines`` withholds the last line until more data comes."""
        rest = b""
        while chunk := response.raw.read1(65536):
            *whole, rest = (rest + chunk).split(b"\n")
            if len(rest) > _LONGEST_LINE:
                return
            for line in whole:
                if line.strip():
                    self._inbox.line(*_read_line(line))


def _read_line(line: bytes) -> tuple[int | None, list[JobEvent]]:
    """The index of a line and its jobs; a heartbeat has neither."""
    batch = json.loads(line)
    events = [each for event in batch.get("Events") or () if (each := _job_event(event))]
    return batch.get("Index"), events


def _job_event(event: dict[str, Any]) -> JobEvent | None:
    """The job in an event's payload; the event's Type is only the name of a raft message. None if it has no job."""
    payload = event.get("Payload") or {}
    for each in payload.values():
        if isinstance(each, dict) and (job := each.get("JobID") or each.get("ID")):
            return JobEvent(str(each.get("Namespace") or event.get("Namespace") or ""), str(job))
    return None


class Quiet:
    """For how long a stream has been open without a break, and has told nothing of a job."""

    MOST: Final = 10_000
    """Jobs that are remembered; one more, and all are forgotten: the quiet begins anew."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._opened = 0
        self._since: float | None = None
        self._namespaces: frozenset[str] = frozenset()
        self._heard: dict[JobEvent, float] = {}

    def hear(self, namespaces: frozenset[str], events: Collection[JobEvent]) -> None:
        """Take a line of the stream of those namespaces; the first one after a break begins the quiet."""
        now = self._clock()
        self._opened += self._since is None
        if self._since is None or len(self._heard) > self.MOST:
            self._since, self._namespaces, self._heard = now, namespaces, {}
        self._heard.update(dict.fromkeys(events, now))

    def end(self) -> None:
        """The stream broke."""
        self._since = None

    @property
    def listening(self) -> int:
        """Which of its connections the stream is read from, counted from 1; 0 while it is broken."""
        return 0 if self._since is None else self._opened

    def about(self, job: JobEvent) -> timedelta:
        """How long it has been quiet about the job; nothing if the stream is not open, or not of its namespace."""
        if self._since is None or job.namespace not in self._namespaces:
            return timedelta(0)
        return timedelta(seconds=self._clock() - self._heard.get(job, self._since))


async def job_events(
    open_source: Callable[[], StreamSource],
    check_token: Callable[[], Awaitable[object]],
    namespaces: frozenset[str],
    patience: Patience,
    quiet: Quiet,
) -> AsyncGenerator[JobEvent, None]:
    """Yields the jobs in these namespaces that changed, without end, over one connection at a time.

    After a break it continues at the last index that it saw, so it may yield a job twice, but misses none after a
    short break. ``quiet`` hears every line. If a stream sends nothing, it calls ``check_token``: Nomad stays silent if
    the token is not valid (docs/nomad.md, "Refused streams").
    """
    index, attempts = NOW, 0
    while True:
        inbox = _Inbox()
        inbox.index = index
        connection = _Connection(open_source(), _params(namespaces, index), inbox, patience)
        lines = 0
        try:
            while (events := await inbox.wait(patience.silence if lines else patience.first)) is not None:
                lines += 1
                quiet.hear(namespaces, events)
                for each in events:
                    if each.namespace in namespaces:
                        yield each
        finally:
            quiet.end()
            connection.close()
        index = inbox.index
        attempts = 0 if lines else attempts + 1
        if not lines:
            await check_token()
        await asyncio.sleep(min(patience.back_off * 2 ** min(attempts, 10), patience.longest_back_off))


def _params(namespaces: Collection[str], index: int) -> dict[str, Any]:
    only = next(iter(namespaces)) if len(namespaces) == 1 else "*"
    return {"topic": list(TOPICS), "namespace": only, "index": index}
