"""Calls to a real Nomad's HTTP API, as somebody beside the bot makes them."""

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
    """The agent cannot be asked, or refuses; says what it said, and what to do where that is known."""


class Api:
    """One agent. Needs `open` before the first call and `close` at the end.

    Args:
        address: such as `http://127.0.0.1:4646`.
        token: an ACL token; None where the agent wants none.
    """

    def __init__(self, address: str, token: str | None) -> None:
        self.address = address.rstrip("/")
        self._token = token
        self._session: aiohttp.ClientSession | None = None

    def open(self) -> None:
        """Makes the connections' pool; needs a running event loop."""
        headers = {"X-Nomad-Token": self._token} if self._token else {}
        self._session = aiohttp.ClientSession(headers=headers, timeout=aiohttp.ClientTimeout(total=SECONDS))

    async def close(self) -> None:
        """Lets the connections go; may be called in any state."""
        if self._session is not None:
            await self._session.close()

    async def get(self, *path: str, **query: str) -> Any:
        """The JSON answer; None for a 404. Raises AgentError for any other refusal."""
        return await self.call("GET", path, None, query)

    async def call(self, method: str, path: tuple[str, ...], body: Any, query: dict[str, str]) -> Any:
        """One call. `path` is what follows `/v1/`, in parts: a job's id may hold slashes."""
        url = f"{self.address}/v1/{'/'.join(quote(part, safe='') for part in path)}"
        try:
            async with self._opened.request(method, URL(url, encoded=True), json=body, params=query) as answer:
                if answer.status == 404:
                    return None
                if answer.status != 200:
                    raise AgentError(self._refusal(answer.status, await answer.text()))
                text = await answer.read()
                return await answer.json(content_type=None) if text else None
        except (aiohttp.ClientError, TimeoutError, ValueError) as problem:
            raise AgentError(f"Nomad at {self.address} does not answer as Nomad does: {problem!r}") from problem

    async def events(self) -> AsyncIterator[bytes]:
        """The lines of the event stream of all namespaces that may be read, the `{}` of a heartbeat among them.

        Comes to its end with the connection; raises AgentError where that breaks.
        """
        query = [("namespace", "*"), *(("topic", topic) for topic in TOPICS)]
        endless = aiohttp.ClientTimeout(total=None, sock_connect=SECONDS)
        try:
            async with self._opened.get(f"{self.address}/v1/event/stream", params=query, timeout=endless) as answer:
                async for line in answer.content:
                    yield line
        except (aiohttp.ClientError, TimeoutError, ValueError) as problem:
            raise AgentError(f"Nomad's event stream broke: {problem!r}") from problem

    @property
    def _opened(self) -> aiohttp.ClientSession:
        if self._session is None:
            raise AgentError("this agent's connections are not open")
        return self._session

    def _refusal(self, status: int, text: str) -> str:
        said = " ".join(text.split())[:300] or "nothing"
        mend = "; set NOMAD_TOKEN to a token that may do this" if status == 403 else ""
        return f"Nomad at {self.address} answers {status}: {said}{mend}"
