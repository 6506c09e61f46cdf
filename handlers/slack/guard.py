"""``POST /slack/events``: what stands between the internet and Bolt.

Nothing is parsed before its signature holds, and nothing reaches Bolt that is not well formed, ours and new.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import OrderedDict
from typing import TYPE_CHECKING, Final, TypeVar

from aiohttp import web
from slack_bolt.request.async_request import AsyncBoltRequest

from bot.domain.decision import refuse
from bot.errors import MembershipUnknown
from bot.gateways.blocks.modal import instead
from handlers.slack.app import CALL, build
from handlers.slack.decoding import FORM, JSON, MOST_BODY, Malformed, TooLarge, decode
from handlers.slack.desk import Call, Desk
from handlers.slack.identity import sender_of, team_of
from handlers.slack.respond import Background, failure, private, refusal
from handlers.slack.signature import is_signed, replay_key

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from bot.gateways.blocks.parts import Message
    from bot.ports import Ports
    from handlers.slack.decoding import Payload
    from handlers.slack.respond import Voice

Found = TypeVar("Found")

log = logging.getLogger(__name__)

PATH: Final = "/slack/events"
_READ_TIMEOUT = 10.0
_SERVED = frozenset({"block_actions", "view_submission", "view_closed"})


class Refusal(Exception):
    """A request that goes no further: its HTTP status, and a word for the log."""

    def __init__(self, status: int, why: str) -> None:
        super().__init__(why)
        self.status = status


class Finished:
    """Replay keys of requests that were served, for twice the signature's window; bounded, the oldest go first."""

    def __init__(self, most: int = 20_000, seconds: float = 660) -> None:
        self._keys: OrderedDict[str, float] = OrderedDict()
        self._most = most
        self._seconds = seconds

    def add(self, key: str) -> None:
        """It was served."""
        now = time.monotonic()
        self._keys[key] = now
        while self._keys and (len(self._keys) > self._most or now - next(iter(self._keys.values())) > self._seconds):
            self._keys.popitem(last=False)

    def __contains__(self, key: str) -> bool:
        return key in self._keys


class Guard:
    """The handler of Slack's requests. ``known_app`` is our app's id, empty while Slack has not told it."""

    def __init__(
        self,
        ports: Ports,
        voice: Voice,
        secrets: Sequence[str],
        *,
        known_app: Callable[[], str] = str,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._desk = Desk(ports, voice, Background())
        # two while the signing secret is being rotated; settings allow no more
        self._secrets = [secret.encode() for secret in secrets]
        self._known_app = known_app
        self._now = now
        self._finished = Finished()
        self._bolt = build()

    async def drain(self, seconds: float = 5.0) -> None:
        """At the end: let the answers that are under way reach their people."""
        await self._desk.background.drain(seconds)

    async def handle(self, request: web.Request) -> web.Response:
        """Serve one request; never a 5xx, whatever was sent."""
        try:
            return await self._serve(request)
        except Refusal as refused:
            log.info("refused a request: %s", refused, extra={"status": refused.status})
            return web.Response(status=refused.status)

    async def _serve(self, request: web.Request) -> web.Response:
        # the raw bytes are what Slack signed: nothing is decoded, split or parsed before they are known to be its own
        body = await _read(request)
        signature = _only(request, "X-Slack-Signature")
        if not is_signed(self._secrets, _only(request, "X-Slack-Request-Timestamp"), signature, body, self._now()):
            raise Refusal(401, "not signed, or not lately")
        if request.content_type not in {FORM, JSON}:
            raise Refusal(415, "unsupported content type")
        # what changes anything is remembered by the store in the transaction of the change, which survives a crash;
        # this is for reads, which have no transaction
        key = replay_key(signature)
        if key in self._finished:
            return web.Response()
        response = await self._answer(_decoded(request.content_type, body), key)
        # one that was turned away is turned away again, for the same reason
        if response.status == 200:
            self._finished.add(key)
        return response

    async def _answer(self, payload: Payload, key: str) -> web.Response:
        if "ssl_check" in payload:
            return web.Response()
        if payload.get("type") == "url_verification":
            return _challenge(payload)
        if payload.get("type") == "event_callback":
            # no event is subscribed to; one that comes all the same is ours to acknowledge, or not ours at all
            await self._check_ours(_sent(team_of, payload), str(payload.get("api_app_id") or ""), "")
            return web.Response()
        sender = _sent(sender_of, payload)
        call = Call(self._desk, payload, sender, key)
        unknown = await self._check_ours(sender.team, sender.app, sender.user.id)
        if unknown is not None or sender.is_foreign:
            return _told(call, unknown or refusal(_FOREIGN))
        return await self._dispatch(call) if _is_served(payload) else web.Response()

    async def _check_ours(self, team: str, app: str, user: str) -> Message | None:
        """403 for another team's or app's payload; words where Slack has not told yet which team is ours."""
        directory = self._desk.ports.directory
        # the process starts while Slack is away; until it has said who we are, nobody can be told from a stranger
        if not directory.team:
            try:
                await directory.membership((), (user,) if user else ())
            except MembershipUnknown as error:
                return failure(error)
        # the team decides; the app's id only where bots.info may be asked for it
        known = self._known_app()
        if team != directory.team or (app and known and app != known):
            raise Refusal(403, "another team's or app's payload")
        return None

    async def _dispatch(self, call: Call) -> web.Response:
        # socket_mode is Bolt's name for a payload that is decoded already: it then parses and verifies nothing again
        try:
            request = AsyncBoltRequest(body=call.payload, mode="socket_mode", context={CALL: call})
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            # Bolt reads ids here and there without asking of what type they are
            raise Refusal(400, "malformed: a field is not of its type") from error
        try:
            answer = await self._bolt.async_dispatch(request)
        except Exception as error:  # noqa: BLE001 -- the process edge: told to the person, traced in the log
            return _told(call, failure(error))
        if answer.status == 404:
            raise Refusal(400, "malformed: nothing that Bolt knows")
        content_type = answer.first_headers_without_set_cookie().get("content-type", "text/plain").split(";")[0]
        return web.Response(status=answer.status, text=answer.body or "", content_type=content_type)


_FOREIGN = refuse("person-foreign", "People of another organisation (Slack Connect) cannot request or approve here.")


def _told(call: Call, message: Message) -> web.Response:
    """200 and words, by the way that shows for this kind of payload."""
    if "command" in call.payload:
        return web.json_response(private(message))
    if call.payload["type"] == "view_closed":
        # whoever closes a modal waits for no answer
        return web.Response()
    if call.payload["type"] == "view_submission":
        return web.json_response({"response_action": "update", "view": instead("Not possible", message)})
    # Slack shows no body of an answer to a click; it is there for whoever reads the wire
    call.answer(message)
    return web.json_response({"response_type": "ephemeral", "replace_original": False, "text": message.text})


def _challenge(payload: Payload) -> web.Response:
    challenge = payload.get("challenge")
    if not isinstance(challenge, str) or len(challenge) > 1000:
        raise Refusal(400, "no challenge")
    return web.json_response({"challenge": challenge})


def _decoded(kind: str, body: bytes) -> Payload:
    try:
        return decode(kind, body)
    except Malformed as error:
        raise Refusal(400, f"malformed: {error}") from error
    except TooLarge as error:
        raise Refusal(413, str(error)) from error


def _sent(read: Callable[[Payload], Found], payload: Payload) -> Found:
    try:
        return read(payload)
    except Malformed as error:
        raise Refusal(400, f"malformed: {error}") from error


def _is_served(payload: Payload) -> bool:
    """Whether Bolt gets it; 400 where it is of a kind that we serve, but not of its shape."""
    if "command" in payload:
        return True
    kind, clicks = payload["type"], payload.get("actions")
    if kind not in _SERVED:
        return False
    if kind == "block_actions":
        served = clicks[0] if isinstance(clicks, list) and clicks else None
        needed = ("action_id", "type")
    else:
        served, needed = payload.get("view"), ("type", "callback_id")
    if not isinstance(served, dict) or not all(isinstance(served.get(name), str) for name in needed):
        raise Refusal(400, f"malformed: {kind}")
    return True


def _only(request: web.Request, name: str) -> str:
    """A header's value; empty where it is missing or there more than once."""
    # two different values would be read differently by a proxy and by us
    values = request.headers.getall(name, [])
    return values[0] if len(values) == 1 else ""


async def _read(request: web.Request) -> bytes:
    """The raw bytes, as they were signed."""
    # aiohttp inflates by itself: the bytes would no longer be those that were signed, and their size would be anybody's
    if request.headers.get("Content-Encoding", "identity").casefold() != "identity":
        raise Refusal(415, "compressed body")
    if (request.content_length or 0) > MOST_BODY:
        raise Refusal(413, "too large")
    body = bytearray()
    try:
        async with asyncio.timeout(_READ_TIMEOUT):
            async for chunk in request.content.iter_any():
                body += chunk
                if len(body) > MOST_BODY:
                    raise Refusal(413, "too large")
    except TimeoutError as error:
        raise Refusal(408, "the body did not come") from error
    except web.RequestPayloadError as error:
        raise Refusal(400, "the body broke off") from error
    return bytes(body)
