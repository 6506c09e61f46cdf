"""Slack's way in as one thing to open, to route requests to, and to close when its answers are out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, Self

from handlers.slack.guard import Guard

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import TracebackType

    from aiohttp import web

    from bot.ports import Ports
    from handlers.slack.respond import Voice


class Known(Protocol):
    """Who we are to Slack."""

    @property
    def app(self) -> str:
        """Our app's id; empty while Slack has not told it."""


class SlackEdge:
    """``async with`` it, and route ``POST /slack/events`` to ``handle``; leaving waits for answers under way."""

    def __init__(self, ports: Ports, known: Known, voice: Voice, *, secrets: Sequence[str]) -> None:
        self._guard = Guard(ports, voice, secrets, known_app=lambda: known.app)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._guard.drain()

    async def handle(self, request: web.Request) -> web.Response:
        """Serve one of Slack's requests."""
        return await self._guard.handle(request)
