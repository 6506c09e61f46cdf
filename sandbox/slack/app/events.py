"""The Events API: sends each event in one envelope, up to four times until the app accepts it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from sandbox.slack.app.delivery import TIMED_OUT
from sandbox.slack.app.payloads import event_callback

if TYPE_CHECKING:
    from sandbox.slack.app.delivery import Courier
    from sandbox.slack.state import Delivery, Json
    from sandbox.slack.world import World

# Seconds before each retry: almost at once, after a minute, after five (docs.slack.dev, apis/events-api, retries).
RETRIES = (0.0, 60.0, 300.0)


class Events:
    """Sends the events to which the app has subscribed, and retries in the background."""

    def __init__(self, world: World, courier: Courier) -> None:
        self.retries: tuple[float, ...] = RETRIES
        self._world = world
        self._courier = courier
        self._running: set[asyncio.Task[None]] = set()

    async def emit(self, event: Json, *, always: bool = False) -> Delivery | None:
        """Send an event and return after the first try; None if the app has not subscribed to its type."""
        if not always and event["type"] not in self._world.workspace.bot_events:
            return None
        envelope = event_callback(self._world, event)
        delivery = await self._courier.send_json("event_callback", envelope)
        if delivery.error is not None and not delivery.no_retry:
            task = asyncio.create_task(self._retry(envelope, delivery))
            # The loop keeps only weak references to tasks.
            self._running.add(task)
            task.add_done_callback(self._running.discard)
        return delivery

    async def _retry(self, envelope: Json, last: Delivery) -> None:
        # Send the same envelope: the app recognises a retry by its event_id.
        for number, seconds in enumerate(self.retries, start=1):
            await asyncio.sleep(seconds)
            headers = {"X-Slack-Retry-Num": str(number), "X-Slack-Retry-Reason": _reason(last)}
            last = await self._courier.send_json("event_callback", envelope, headers)
            if last.error is None or last.no_retry:
                return

    async def close(self) -> None:
        """Cancel all retries."""
        running = list(self._running)
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)


def _reason(delivery: Delivery) -> str:
    if delivery.error == TIMED_OUT:
        return "http_timeout"
    return "connection_failed" if delivery.status is None else "http_error"
