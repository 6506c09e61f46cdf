"""Reads an HTTP answer of Nomad, up to a size limit and a time limit."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from bot.domain.masking import scrub
from bot.errors import NomadUnavailable

if TYPE_CHECKING:
    import requests

LARGEST: Final = 32 * 1024 * 1024
"""The most bytes of an answer, uncompressed; the largest job or a list of thousands of allocations has far fewer."""

_READABLE: Final = 64 * 1024
"""The most bytes of an answer that are read as a text for people."""

_CHUNK: Final = 64 * 1024


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer: status, body, and the headers that show whether Nomad itself sent it.

    ``date`` is its Date header, ``next_page`` asks for the next page of a list; empty if there is none.
    """

    status: int
    content_type: str
    body: bytes
    location: str = ""
    date: str = ""
    next_page: str = ""

    @property
    def ok(self) -> bool:
        """Whether the status is 200."""
        return self.status == 200

    @property
    def foreign(self) -> bool:
        """Whether something other than Nomad answered: Nomad's API never sends HTML or a redirect."""
        page = self.body[:64].lstrip().lower().startswith((b"<html", b"<!doctype"))
        return page or "html" in self.content_type or 300 <= self.status < 400

    @property
    def text(self) -> str:
        """The body as text, for people: without what looks like a secret. The answers to reads are read as JSON."""
        return scrub(self.body[:_READABLE].decode("utf-8", errors="replace").strip())

    @property
    def _size(self) -> str:
        # never its text: half an answer of Nomad's may begin with any part of a job
        return f"{self.content_type or 'no Content-Type'}, {len(self.body)} bytes"

    def json(self) -> Any:
        """The body as JSON; ``NomadUnavailable`` if it is not JSON."""
        try:
            return json.loads(self.body)
        except ValueError:
            raise NomadUnavailable(f"Nomad answered with something that is not JSON ({self._size})") from None

    def record(self) -> dict[str, Any]:
        """The body as a JSON object; ``NomadUnavailable`` if it is something else."""
        document = self.json()
        if not isinstance(document, dict):
            raise NomadUnavailable(f"Nomad answered with JSON that is not an object ({self._size})")
        return document

    def records(self) -> list[dict[str, Any]]:
        """The body as a list of JSON objects, empty for ``null``; ``NomadUnavailable`` if it is something else."""
        document = self.json()
        if document is None:
            return []
        if not isinstance(document, list) or not all(isinstance(each, dict) for each in document):
            raise NomadUnavailable(f"Nomad answered with JSON that is not a list of objects ({self._size})")
        return document


def read(response: requests.Response, seconds: float) -> Reply:
    """The whole answer; ``NomadUnavailable`` if it is too large, or incomplete after ``seconds``."""
    until = time.monotonic() + seconds
    body = bytearray()
    with response:
        # `read1` returns the bytes that have arrived, while `iter_content` would wait for a whole chunk
        while chunk := response.raw.read1(_CHUNK, decode_content=True):
            body += chunk
            if len(body) > LARGEST:
                raise NomadUnavailable(f"answered with more than {LARGEST // 2**20} MiB")
            if time.monotonic() > until:
                raise NomadUnavailable(f"was still sending its answer after {seconds:.0f} s")
    headers = response.headers
    kind = headers.get("Content-Type", "").casefold()
    location, date, next_page = (headers.get(name, "") for name in ("Location", "Date", "X-Nomad-NextToken"))
    return Reply(response.status_code, kind, bytes(body), location, date, next_page)
