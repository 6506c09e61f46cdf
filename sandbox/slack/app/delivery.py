"""Sends requests to the app: signs them as Slack does, waits three seconds, and records every outcome."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import aiohttp

from sandbox.slack.state import Delivery

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sandbox.slack.state import Json, State

PATIENCE = 3.0  # seconds that Slack waits for an acknowledgement
FORM = "application/x-www-form-urlencoded"
_BASE_HEADERS = {
    "User-Agent": "Slackbot 1.0 (+https://api.slack.com/robots)",
    "Accept": "application/json,*/*",
    "Accept-Encoding": "gzip,deflate",
}
# The errors that Slack's client shows: no answer in time, no connection, or an answer that is not a success.
TIMED_OUT = "operation_timeout"
NOT_DELIVERED = "dispatch_failed"


def signature(secret: str, timestamp: str, body: bytes) -> str:
    """Slack's v0 signature: HMAC-SHA256 over `v0:timestamp:body` (docs.slack.dev, verifying-requests-from-slack)."""
    mac = hmac.new(secret.encode(), b"v0:" + timestamp.encode() + b":" + body, hashlib.sha256)
    return f"v0={mac.hexdigest()}"


class Courier:
    """Sends payloads to `request_url`; None means that no app is connected."""

    def __init__(self, state: State, signing_secret: str, patience: float = PATIENCE) -> None:
        self.request_url: str | None = None
        self.patience = patience
        self._state = state
        self._secret = signing_secret
        self._session: aiohttp.ClientSession | None = None

    async def open(self) -> None:
        """Open the HTTP session; needs a running event loop."""
        # One connection for each delivery, as from Slack's many servers; the app may have half closed an old one.
        connector = aiohttp.TCPConnector(force_close=True, limit=0)
        self._session = aiohttp.ClientSession(connector=connector, auto_decompress=True)

    async def close(self) -> None:
        """Close the HTTP session."""
        if self._session is not None:
            await self._session.close()

    async def send_form(self, kind: str, fields: Mapping[str, str], payload: Json) -> Delivery:
        """Send form fields; `payload` is their content for the record."""
        return await self._send(kind, urlencode(fields).encode(), FORM, payload)

    async def send_interaction(self, payload: Json) -> Delivery:
        """Send an interaction: one form field `payload` with JSON."""
        body = json.dumps(payload, separators=(",", ":"), ensure_ascii=False)
        # Record the parsed text, because the payload refers to a view whose state keeps changing.
        return await self.send_form(payload["type"], {"payload": body}, json.loads(body))

    async def send_json(self, kind: str, payload: Json, headers: Mapping[str, str] | None = None) -> Delivery:
        """Send an Events API request."""
        body = json.dumps(payload, separators=(",", ":"), ensure_ascii=False).encode()
        return await self._send(kind, body, "application/json", payload, headers)

    async def _send(
        self, kind: str, body: bytes, content_type: str, payload: Json, extra: Mapping[str, str] | None = None
    ) -> Delivery:
        headers = {**_BASE_HEADERS, "Content-Type": content_type, **self.signed_headers(body), **(extra or {})}
        return await self.send_raw(kind, body, headers, payload)

    def signed_headers(self, body: bytes, timestamp: int | None = None) -> dict[str, str]:
        """The timestamp and signature headers for a body, now or at a given Unix second."""
        stamp = str(int(self._state.now()) if timestamp is None else timestamp)
        return {
            "X-Slack-Request-Timestamp": stamp,
            "X-Slack-Signature": signature(self._secret, stamp, body),
        }

    async def send_raw(self, kind: str, body: bytes, headers: Mapping[str, str], payload: Json) -> Delivery:
        """Send bytes unchanged and record the outcome; never raises because of the app."""
        # Record the delivery before sending it, so that the page shows requests that still wait for an answer.
        delivery = Delivery(
            at=self._state.now(),
            kind=kind,
            payload=payload,
            body=body.decode("utf-8", "replace"),
            headers=dict(headers),
        )
        self._state.deliveries.append(delivery)
        loop = asyncio.get_running_loop()
        started = loop.time()
        try:
            async with asyncio.timeout(self.patience):
                await self._post(delivery, body, headers)
        except TimeoutError:
            delivery.error = TIMED_OUT
        except (aiohttp.ClientError, OSError, ValueError) as failed:
            delivery.error = NOT_DELIVERED
            # Record the reason instead of an answer, so that the page shows what went wrong.
            delivery.answer = str(failed)
        delivery.ms = round((loop.time() - started) * 1000, 1)
        self._state.changed()
        return delivery

    async def _post(self, delivery: Delivery, body: bytes, headers: Mapping[str, str]) -> None:
        if self._session is None or self.request_url is None:
            raise aiohttp.ClientConnectionError("no app is connected")
        # Slack does not follow redirects, so an app that redirects fails here, too.
        async with self._session.post(self.request_url, data=body, headers=headers, allow_redirects=False) as response:
            answer = await response.text(errors="replace")
            delivery.status, delivery.answer = response.status, answer
            delivery.no_retry = response.headers.get("X-Slack-No-Retry") == "1"
        if not 200 <= delivery.status < 300:
            delivery.error = NOT_DELIVERED


def answer_json(delivery: Delivery) -> Any:
    """The JSON value in a successful answer's body; None if the body is empty or not JSON."""
    try:
        return json.loads(delivery.answer) if delivery.answer.strip() else None
    except ValueError:
        return None
