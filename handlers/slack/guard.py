"""``POST /slack/events``: the guard between the internet and Bolt.

It parses nothing before it has verified the signature. Only requests that are well formed, ours and new reach Bolt.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import OrderedDict
from typing import TYPE_CHECKING, Final, TypeVar

from aiohttp import web
from slack_bolt.request.async_request import AsyncBoltRequest

from bot.domain.decision import Refused, refuse
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
    from handlers.slack.identity import Sender
    from handlers.slack.respond import Voice

Found = TypeVar("Found")

log = logging.getLogger(__name__)

PATH: Final = "/slack/events"
_READ_TIMEOUT = 10.0
_SERVED = frozenset({"block_actions", "view_submission", "view_closed"})


class Refusal(Exception):
    """A request that is turned away: its HTTP status, and the reason for the log."""

    def __init__(self, status: int, why: str) -> None:
        super().__init__(why)
        self.status = status


class Finished:
    """Replay keys of answered requests, kept for twice the signature's window; bounded, the oldest go first."""

    def __init__(self, most: int = 20_000, seconds: float = 660) -> None:
        self._keys: OrderedDict[str, float] = OrderedDict()
        self._most = most
        self._seconds = seconds

    def add(self, key: str) -> None:
        """Remember an answered request."""
        now = time.monotonic()
        self._keys[key] = now
        while self._keys and (len(self._keys) > self._most or now - next(iter(self._keys.values())) > self._seconds):
            self._keys.popitem(last=False)

    def __contains__(self, key: str) -> bool:
        return key in self._keys


class Guard:
    """The handler of Slack's requests. ``known_app`` returns our app's id, empty until Slack has told us."""

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
        # two while the signing secret is being rotated; the settings allow no more
        self._secrets = [secret.encode() for secret in secrets]
        self._known_app = known_app
        self._now = now
        self._finished = Finished()
        self._bolt = build()

    async def drain(self, seconds: float = 5.0) -> None:
        """At shutdown: wait for the answers that are still on their way."""
        await self._desk.background.drain(seconds)

    async def handle(self, request: web.Request) -> web.Response:
        """Answer one request; never with a 5xx, whatever was sent."""
        try:
            return await self._serve(request)
        except Refusal as refused:
            log.info("refused a request: %s", refused, extra={"status": refused.status})
            return web.Response(status=refused.status)

    async def _serve(self, request: web.Request) -> web.Response:
        # Slack signs the raw bytes: nothing is decoded, split or parsed before the signature is verified
        body = await _read(request)
        signature = _only(request, "X-Slack-Signature")
        if not is_signed(self._secrets, _only(request, "X-Slack-Request-Timestamp"), signature, body, self._now()):
            raise Refusal(401, "the signature is wrong or too old")
        if request.content_type not in {FORM, JSON}:
            raise Refusal(415, "unsupported content type")
        # a change remembers its replay key in its own transaction, which survives a crash; this is for reads, which
        # have no transaction
        key = replay_key(signature)
        if key in self._finished:
            return web.Response()
        response = await self._answer(_decode(request.content_type, body), key)
        # a request that was turned away will be turned away again, for the same reason
        if response.status == 200:
            self._finished.add(key)
        return response

    async def _answer(self, payload: Payload, key: str) -> web.Response:
        if "ssl_check" in payload:
            return web.Response()
        if payload.get("type") == "url_verification":
            return _challenge(payload)
        if payload.get("type") == "event_callback":
            # we subscribe to no events; if one comes, acknowledge it if it is for us
            team, app = _read_form(team_of, payload), str(payload.get("api_app_id") or "")
            if await self._introduced() is None:
                self._check_ours(team, app)
            return web.Response()
        sender = _read_form(sender_of, payload)
        call = Call(self._desk, payload, sender, key)
        refused = await self._refuse(sender)
        if refused is not None:
            return _answer_with(call, refused)
        return await self._dispatch(call) if _is_served(payload) else web.Response()

    async def _introduced(self, user: str = "") -> Message | None:
        """Nothing once we know which team is ours; a message while Slack does not say."""
        directory = self._desk.ports.directory
        # the process may start while Slack is unreachable; until Slack says which team is ours, nobody can be trusted
        if not directory.team:
            try:
                await directory.membership((), (user,) if user else ())
            except MembershipUnknown as error:
                return failure(error)
        return None

    def _check_ours(self, team: str, app: str) -> None:
        """Turn away another team's or app's payload (403)."""
        self._check_app(app)
        if team != self._desk.ports.directory.team:
            raise Refusal(403, "another team's payload")

    def _check_app(self, app: str) -> None:
        # the app's id decides only if we may ask bots.info for it
        known = self._known_app()
        if app and known and app != known:
            raise Refusal(403, "another app's payload")

    async def _refuse(self, sender: Sender) -> Message | None:
        """Why we do not serve the sender, in words; None for a colleague. Raises 403 for another team or app."""
        unknown = await self._introduced(sender.user.id)
        if unknown is not None:
            return unknown
        self._check_app(sender.app)
        directory = self._desk.ports.directory
        if sender.org_wide:
            return refusal(_org_wide(directory.team))
        if sender.team != directory.team and directory.enterprise and sender.enterprise == directory.enterprise:
            return refusal(_another_workspace(directory.team))
        self._check_ours(sender.team, sender.app)
        return await self._refuse_visitor(sender) if sender.is_visitor else None

    async def _refuse_visitor(self, sender: Sender) -> Message | None:
        """Why we do not serve somebody of another workspace; None if they belong to ours, too (Enterprise Grid)."""
        if not sender.enterprise:
            return refusal(_FOREIGN)
        try:
            membership = await self._desk.ports.directory.membership((), (sender.user.id,))
        except MembershipUnknown as error:
            return failure(error)
        standing = membership.standing(sender.user.id)
        return refusal(standing) if isinstance(standing, Refused) else None

    async def _dispatch(self, call: Call) -> web.Response:
        # with mode socket_mode Bolt takes a decoded payload, and neither parses nor verifies it again
        try:
            request = AsyncBoltRequest(body=call.payload, mode="socket_mode", context={CALL: call})
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            # Bolt reads ids in some places without checking their type
            raise Refusal(400, "malformed: a field is not of its type") from error
        try:
            answer = await self._bolt.async_dispatch(request)
        except Exception as error:  # noqa: BLE001 -- the process edge: told to the person, traced in the log
            return _answer_with(call, failure(error))
        if answer.status == 404:
            raise Refusal(400, "malformed: no listener for it")
        content_type = answer.first_headers_without_set_cookie().get("content-type", "text/plain").split(";")[0]
        return web.Response(status=answer.status, text=answer.body or "", content_type=content_type)


_FOREIGN = refuse("person-foreign", "People from another organisation (Slack Connect) can't use Nomatron here.")


def _org_wide(team: str) -> Refused:
    return refuse(
        "org-wide-installation",
        f"Nomatron works in one Slack workspace ({team}), but this app is installed for the whole organisation, which "
        "isn't supported. Nothing was changed. Ask a Slack admin to install the app in that workspace instead.",
    )


def _another_workspace(team: str) -> Refused:
    return refuse(
        "another-workspace",
        f"Nomatron works in another Slack workspace of this organisation ({team}). Nothing was changed. "
        "Use it there; an admin of the organisation can add you to it.",
    )


def _answer_with(call: Call, message: Message) -> web.Response:
    """200 with a message, in the way that Slack shows for this kind of payload."""
    if "command" in call.payload:
        return web.json_response(private(message))
    if call.payload["type"] == "view_closed":
        # a person who closes a modal expects no answer
        return web.Response()
    if call.payload["type"] == "view_submission":
        return web.json_response({"response_action": "update", "view": instead("Not possible", message)})
    # Slack ignores the body of an answer to a click; it helps whoever reads the traffic
    call.answer(message)
    return web.json_response({"response_type": "ephemeral", "replace_original": False, "text": message.text})


def _challenge(payload: Payload) -> web.Response:
    challenge = payload.get("challenge")
    if not isinstance(challenge, str) or len(challenge) > 1000:
        raise Refusal(400, "no challenge")
    return web.json_response({"challenge": challenge})


def _decode(kind: str, body: bytes) -> Payload:
    try:
        return decode(kind, body)
    except Malformed as error:
        raise Refusal(400, f"malformed: {error}") from error
    except TooLarge as error:
        raise Refusal(413, str(error)) from error


def _read_form(read: Callable[[Payload], Found], payload: Payload) -> Found:
    try:
        return read(payload)
    except Malformed as error:
        raise Refusal(400, f"malformed: {error}") from error


def _is_served(payload: Payload) -> bool:
    """Whether Bolt gets the payload. Raises 400 for a kind that we serve in a wrong shape."""
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
    """A header's value; empty if it is missing or repeated."""
    # a proxy and we might read different ones of two values
    values = request.headers.getall(name, [])
    return values[0] if len(values) == 1 else ""


async def _read(request: web.Request) -> bytes:
    """The raw bytes that were signed."""
    # aiohttp would decompress the body: no longer the bytes that were signed, and of any size
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
        raise Refusal(408, "the body did not arrive in time") from error
    except web.RequestPayloadError as error:
        raise Refusal(400, "the body broke off") from error
    return bytes(body)
