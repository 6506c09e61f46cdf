"""The event stream of one cluster, as hints that a job moved (docs/nomad.md, "Event stream")."""

from __future__ import annotations

import asyncio
import contextlib
import json
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import requests
import urllib3.exceptions
from nomad.api.exceptions import BaseNomadException

from bot.ports.nomad import JobMoved

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable, Collection

    from bot.gateways.nomad.client import StreamSource

TOPICS: Final = ("Job:*", "Deployment:*", "Allocation:*", "Evaluation:*")
NOW: Final = 2**62
"""An index in the future: the newest entry comes, then what happens (docs/nomad.md, "Where a stream starts")."""

_LONGEST_LINE: Final = 32 * 1024 * 1024
_BROKEN: Final = (BaseNomadException, requests.RequestException, urllib3.exceptions.HTTPError, OSError, ValueError)


@dataclass(frozen=True, slots=True)
class Patience:
    """Seconds: for the first line, for any line after it, and between attempts at first and at most."""

    first: float = 5.0
    silence: float = 45.0
    back_off: float = 1.0
    longest_back_off: float = 60.0


class _Inbox:
    """What the reading thread hands to the loop: jobs that moved, each once however often it did, and signs of life."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._moved: dict[JobMoved, None] = {}
        self._news = asyncio.Event()
        self.ended = False
        self.index = NOW

    def line(self, index: int | None, moved: list[JobMoved]) -> None:
        """From the thread: a line came, a heartbeat where it names no job."""
        self._call(self._take, index, moved)

    def end(self) -> None:
        """From the thread: no more will come."""
        self._call(self._end)

    def _call(self, what: Callable[..., None], *given: object) -> None:
        # a loop that is closed has nobody left to tell
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(what, *given)

    def _take(self, index: int | None, moved: list[JobMoved]) -> None:
        self.index = index or self.index
        self._moved.update(dict.fromkeys(moved))
        self._news.set()

    def _end(self) -> None:
        self.ended = True
        self._news.set()

    async def wait(self, seconds: float) -> list[JobMoved] | None:
        """What moved since; empty for a heartbeat, None where the stream ended or was silent for so long."""
        try:
            await asyncio.wait_for(self._news.wait(), seconds)
        except TimeoutError:
            return None
        if not self.ended:
            self._news.clear()
        moved, self._moved = list(self._moved), {}
        return None if self.ended and not moved else moved


class _Connection:
    """One connection on a daemon thread of its own; ``close`` ends a blocked read at once."""

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
        """End it; may be called at any time and more than once."""
        with self._lock:
            self._closed = True
            if self._response is not None:
                # nobody may read on: an end that is already there is as good
                with contextlib.suppress(OSError, ValueError, RuntimeError):
                    self._response.raw.shutdown()

    def _run(self) -> None:
        try:
            with self._source.session:
                self._read()
        except _BROKEN:
            # a stream that cannot be opened or breaks is told by its end; the next attempt, or a poll, says why
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
        """``read1``, since ``iter_lines`` keeps the last line back until more comes (docs/nomad.md, "python-nomad")."""
        rest = b""
        while chunk := response.raw.read1(65536):
            *whole, rest = (rest + chunk).split(b"\n")
            if len(rest) > _LONGEST_LINE:
                return
            for line in whole:
                if line.strip():
                    self._inbox.line(*_read_line(line))


def _read_line(line: bytes) -> tuple[int | None, list[JobMoved]]:
    """A line's index and the jobs in it; an empty object is a heartbeat."""
    batch = json.loads(line)
    moved = [each for event in batch.get("Events") or () if (each := _moved(event))]
    return batch.get("Index"), moved


def _moved(event: dict[str, Any]) -> JobMoved | None:
    """The job of an event by its payload: the Type names Nomad's raft message, not what changed."""
    payload = event.get("Payload") or {}
    for each in payload.values():
        if isinstance(each, dict) and (job := each.get("JobID") or each.get("ID")):
            return JobMoved(str(each.get("Namespace") or event.get("Namespace") or ""), str(job))
    return None


async def moves(
    open_source: Callable[[], StreamSource],
    check_token: Callable[[], Awaitable[object]],
    namespaces: Collection[str],
    patience: Patience,
) -> AsyncGenerator[JobMoved, None]:
    """Jobs of these namespaces that moved, for ever, over one connection at a time.

    It goes on at the last index that it saw, so that a job may be named twice, never left out for a short break.
    ``check_token`` is asked where a stream never came up: Nomad refuses a token by silence (docs/nomad.md,
    "Refused streams").
    """
    index, attempts = NOW, 0
    while True:
        inbox = _Inbox()
        inbox.index = index
        connection = _Connection(open_source(), _params(namespaces, index), inbox, patience)
        lines = 0
        try:
            while (moved := await inbox.wait(patience.silence if lines else patience.first)) is not None:
                lines += 1
                for each in moved:
                    if each.namespace in namespaces:
                        yield each
        finally:
            connection.close()
        index = inbox.index
        attempts = 0 if lines else attempts + 1
        if not lines:
            await check_token()
        await asyncio.sleep(min(patience.back_off * 2 ** min(attempts, 10), patience.longest_back_off))


def _params(namespaces: Collection[str], index: int) -> dict[str, Any]:
    only = next(iter(namespaces)) if len(namespaces) == 1 else "*"
    return {"topic": list(TOPICS), "namespace": only, "index": index}
