"""A client for a real Nomad's HTTP API, for the sandbox's own calls."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import aiohttp
from yarl import URL

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

SECONDS = 15.0
TOPICS = ("Job", "Deployment", "Allocation")


class AgentError(Exception):
    """The agent cannot be reached, or refuses; the text has the agent's words, and what to do if that is known."""


class Api:
    """One agent. Needs `open` before the first call and `close` at the end.

    Args:
        address: such as `http://127.0.0.1:4646`.
        token: an ACL token; None if the agent needs none.
    """

    def __init__(self, address: str, token: str | None) -> None:
        self.address = address.rstrip("/")
        self._token = token
        self._session: aiohttp.ClientSession | None = None

    def open(self) -> None:
        """Creates the connection pool; needs a running event loop."""
        headers = {"X-Nomad-Token": self._token} if self._token else {}
        self._session = aiohttp.ClientSession(headers=headers, timeout=aiohttp.ClientTimeout(total=SECONDS))

    async def close(self) -> None:
        """Closes the connections; may be called in any state."""
        if self._session is not None:
            await self._session.close()

    async def get(self, *path: str, **query: str) -> Any:
        """The JSON answer; None for a 404. Raises AgentError for any other refusal."""
        return await self.call("GET", path, None, query)

    async def call(self, method: str, path: tuple[str, ...], body: Any, query: dict[str, str]) -> Any:
        """Makes one call. `path` has the parts after `/v1/`, because a job's id may contain slashes."""
        url = f"{self.address}/v1/{'/'.join(quote(part, safe='') for part in path)}"
        try:
            async with self._open_session.request(method, URL(url, encoded=True), json=body, params=query) as answer:
                if answer.status == 404:
                    return None
                if answer.status != 200:
                    raise AgentError(self._refusal(answer.status, await answer.text()))
                text = await answer.read()
                return await answer.json(content_type=None) if text else None
        except (aiohttp.ClientError, TimeoutError, ValueError) as problem:
            raise AgentError(f"Nomad at {self.address} does not answer as expected: {problem!r}") from problem

    async def events(self) -> AsyncIterator[bytes]:
        """The lines of the event stream of all readable namespaces, including the `{}` of each heartbeat.

        Ends when Nomad closes the connection; raises AgentError if the connection breaks.
        """
        query = [("namespace", "*"), *(("topic", topic) for topic in TOPICS)]
        endless = aiohttp.ClientTimeout(total=None, sock_connect=SECONDS)
        try:
            async with self._open_session.get(
                f"{self.address}/v1/event/stream", params=query, timeout=endless
            ) as answer:
                async for line in answer.content:
                    yield line
        except (aiohttp.ClientError, TimeoutError, ValueError) as problem:
            raise AgentError(f"Nomad's event stream broke: {problem!r}") from problem

    @property
    def _open_session(self) -> aiohttp.ClientSession:
        if self._session is None:
            raise AgentError("this agent's connections are not open")
        return self._session

    def _refusal(self, status: int, text: str) -> str:
        said = " ".join(text.split())[:300] or "nothing"
        fix = ". Set NOMAD_TOKEN to a token that may do this." if status == 403 else ""
        return f"Nomad at {self.address} answers {status}: {said}{fix}"
