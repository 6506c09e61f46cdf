"""Requests to the app: signed as Slack signs them, waited for three seconds, recorded whatever comes back."""

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
# Codes of what the client shows: nothing came back in time, nobody is there, or the answer was no success.
TIMED_OUT = "operation_timeout"
NOT_DELIVERED = "dispatch_failed"


def signature(secret: str, timestamp: str, body: bytes) -> str:
    """Slack's v0 signature: HMAC-SHA256 over `v0:timestamp:body` (docs.slack.dev, verifying-requests-from-slack)."""
    mac = hmac.new(secret.encode(), b"v0:" + timestamp.encode() + b":" + body, hashlib.sha256)
    return f"v0={mac.hexdigest()}"


class Courier:
    """Carries payloads to `request_url`; None there means that no app is connected."""

    def __init__(self, state: State, signing_secret: str, patience: float = PATIENCE) -> None:
        self.request_url: str | None = None
        self.patience = patience
        self._state = state
        self._secret = signing_secret
        self._session: aiohttp.ClientSession | None = None

    async def open(self) -> None:
        """Be ready to send; needs a running event loop."""
        # One connection for each delivery, as from Slack's many servers; a kept one could be half closed by the app.
        connector = aiohttp.TCPConnector(force_close=True, limit=0)
        self._session = aiohttp.ClientSession(connector=connector, auto_decompress=True)

    async def close(self) -> None:
        """Give the connections back."""
        if self._session is not None:
            await self._session.close()

    async def send_form(self, kind: str, fields: Mapping[str, str], payload: Json) -> Delivery:
        """Send form fields; `payload` is what they mean, for the record."""
        return await self._send(kind, urlencode(fields).encode(), FORM, payload)

    async def send_interaction(self, payload: Json) -> Delivery:
        """Send an interaction: one form field `payload` that holds JSON."""
        body = json.dumps(payload, separators=(",", ":"), ensure_ascii=False)
        # Recorded from the text, because the state of a view that the payload points to goes on changing.
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
        """Send bytes as they are and record the outcome; never raises for what the app does."""
        # Recorded before it is sent, so that the page shows requests that are still waited for.
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
            await asyncio.wait_for(self._post(delivery, body, headers), self.patience)
        except TimeoutError:
            delivery.error = TIMED_OUT
        except (aiohttp.ClientError, OSError, ValueError) as failed:
            delivery.error = NOT_DELIVERED
            # In place of an answer: the page shows the person who set up the app what went wrong.
            delivery.answer = str(failed)
        delivery.ms = round((loop.time() - started) * 1000, 1)
        self._state.changed()
        return delivery

    async def _post(self, delivery: Delivery, body: bytes, headers: Mapping[str, str]) -> None:
        if self._session is None or self.request_url is None:
            raise aiohttp.ClientConnectionError("no app is connected")
        # Slack follows no redirect of an acknowledgement, so a redirecting app is a failing app here too.
        async with self._session.post(self.request_url, data=body, headers=headers, allow_redirects=False) as response:
            answer = await response.text(errors="replace")
            delivery.status, delivery.answer = response.status, answer
            delivery.no_retry = response.headers.get("X-Slack-No-Retry") == "1"
        if not 200 <= delivery.status < 300:
            delivery.error = NOT_DELIVERED


def answer_json(delivery: Delivery) -> Any:
    """The JSON value in a successful answer's body; None for an empty body or one that is no JSON."""
    try:
        return json.loads(delivery.answer) if delivery.answer.strip() else None
    except ValueError:
        return None
