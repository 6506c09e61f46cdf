"""One connection to Slack's Web API: a shared session, rate limits, and an error for each kind of failure.

slack_sdk's own retry handlers are off: one posts twice after a lost answer, another sleeps while Slack waits for our
acknowledgement.
"""

from __future__ import annotations

import asyncio
import json
import time
from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING, Any, NoReturn, Self
from urllib.parse import urlsplit

import aiohttp
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.errors import FileRefused, SlackUnavailable, TokenRefused
from bot.gateways.slack.addresses import SLACK_API, api_base, is_loopback, is_response_url, is_upload_url
from bot.gateways.slack.budget import Budget
from bot.gateways.slack.refusals import PASSING, RATE_LIMITED, refusal

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import SimpleNamespace, TracebackType

    from bot.gateways.slack.methods import Method

CALL_TIMEOUT = 10.0
_CONNECT_TIMEOUT = 4.0
UPLOAD_TIMEOUT = 30.0
"""Seconds for uploading the bytes of a file."""
_LONGEST_WORD = 4096
_BYTES = {"Content-Type": "application/octet-stream"}
_LATER = frozenset({408, 425, 429})
"""HTTP statuses that ask to try again."""


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer and its headers, their names in lower case."""

    data: dict[str, Any]
    headers: Mapping[str, str]


class Connection:
    """Slack at ``url`` with a bot token; ``async with`` opens and closes its session."""

    def __init__(self, token: str, url: str = SLACK_API) -> None:
        self.url = api_base(url)
        self.budget = Budget(time.monotonic)
        self.token_refused: TokenRefused | None = None
        """Why Slack's last answer refused our token; None if it did not."""
        self._token = token
        self._session: aiohttp.ClientSession | None = None
        self._client: AsyncWebClient | None = None

    async def __aenter__(self) -> Self:
        # slack_sdk passes no allow_redirects on, so the session itself has to refuse
        trace = aiohttp.TraceConfig()
        trace.on_request_redirect.append(_no_redirect)
        timeout = aiohttp.ClientTimeout(total=CALL_TIMEOUT, connect=_CONNECT_TIMEOUT)
        self._session = aiohttp.ClientSession(
            timeout=timeout, trace_configs=[trace], cookie_jar=aiohttp.DummyCookieJar()
        )
        client = AsyncWebClient(self._token, self.url, session=self._session, retry_handlers=[])
        if is_loopback(urlsplit(self.url).hostname or ""):
            # a proxy named in the environment is for the network, never for this machine
            client.proxy = None
        self._client = client
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._session is not None:
            await self._session.close()

    async def call(
        self, method: Method, *, within: float = CALL_TIMEOUT, background: bool = False, **arguments: Any
    ) -> dict[str, Any]:
        """The body of Slack's answer to one call. Raises what ``answer`` raises."""
        return (await self.answer(method, within=within, background=background, **arguments)).data

    async def answer(
        self, method: Method, *, within: float = CALL_TIMEOUT, background: bool = False, **arguments: Any
    ) -> Answer:
        """Slack's answer to one call, headers included, within so many seconds.

        Raises ``SlackRefused`` (its subclass says what to do), or ``SlackUnavailable``: also without sending anything,
        if our own rate limit for the method is used up. Calls in the ``background`` may use only half of that limit.
        """
        assert self._client is not None, "used outside of `async with`"  # noqa: S101 -- a bug of ours, not an input
        wait = self.budget.spend(method, str(arguments.get("channel", "")), background=background)
        if wait > 0:
            raise SlackUnavailable(f"{method.name}: our own rate limit is used up", retry_after=wait)
        # methods that read take no JSON body (https://docs.slack.dev/apis/web-api/using-the-slack-web-api)
        given = {"params": arguments} if method.reads else {"json": arguments}
        verb = "GET" if method.reads else "POST"
        try:
            async with asyncio.timeout(within):
                answer = await self._client.api_call(method.name, http_verb=verb, **given)
        except SlackApiError as error:
            self._raise_for(method, error, str(arguments.get("channel", "")))
        except aiohttp.ClientConnectorError as error:
            raise SlackUnavailable(f"{method.name}: Slack cannot be reached ({_name_of(error)})") from error
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise SlackUnavailable(f"{method.name}: Slack did not answer ({_name_of(error)})", sent=True) from error
        except (AttributeError, ValueError) as error:
            # slack_sdk trips over plain text, other JSON than an object and broken UTF-8
            raise SlackUnavailable(f"{method.name}: no usable answer", sent=True) from error
        self.token_refused = None
        data = answer.data
        return Answer(data if isinstance(data, dict) else {}, {str(k).lower(): v for k, v in answer.headers.items()})

    def _raise_for(self, method: Method, error: SlackApiError, channel: str) -> NoReturn:
        """Raise the error for an answer other than ``ok``."""
        data = getattr(error.response, "data", None)
        body = data if isinstance(data, dict) else {}
        status = int(getattr(error.response, "status_code", 0) or getattr(error.response, "status", 0))
        # without a code it is a proxy's page or a broken body: nobody knows whether Slack did what was asked
        code = str(body.get("error") or "")
        if status == 429 or code in RATE_LIMITED:
            seconds = _retry_after(error)
            self.budget.pause(method, seconds, channel)
            raise SlackUnavailable(f"{method.name}: Slack asks to wait", retry_after=seconds) from error
        if not code or code in PASSING or status >= 500:
            raise SlackUnavailable(f"{method.name}: no usable answer (HTTP {status} {code})", sent=True) from error
        metadata = body.get("response_metadata")
        messages = metadata.get("messages") if isinstance(metadata, dict) else None
        detail = "; ".join(str(each) for each in messages[:5]) if isinstance(messages, list) else ""
        needed = f"needs {body['needed']}" if isinstance(body.get("needed"), str) else ""
        refused = refusal(code[:100], (detail or needed)[:1000])
        self.token_refused = refused if isinstance(refused, TokenRefused) else None
        raise refused from error

    async def respond(self, response_url: str, payload: dict[str, Any]) -> bool:
        """Post to a ``response_url``. Return whether Slack took it; no if in doubt, since the caller has other ways."""
        # the address comes from outside, with nothing but a signature to vouch for it
        if self._session is None or not is_response_url(response_url, self.url):
            return False
        try:
            async with self._session.post(response_url, json=payload, allow_redirects=False) as answer:
                # a refusal may come with 200 and say so in its body alone, as the Web API's do
                return answer.status == 200 and not _says_no(await answer.content.read(_LONGEST_WORD))
        except (aiohttp.ClientError, TimeoutError, OSError):
            return False

    async def put(self, url: str, content: bytes) -> None:
        """Send a file's bytes to the address that Slack named for them; raises like ``call``."""
        assert self._session is not None, "used outside of `async with`"  # noqa: S101 -- a bug of ours, not an input
        assert self._client is not None, "as above"  # noqa: S101 -- as above
        if not is_upload_url(url, self.url):
            raise FileRefused("upload_address", "Slack named an upload address that is not Slack's")
        timeout = aiohttp.ClientTimeout(total=UPLOAD_TIMEOUT, connect=_CONNECT_TIMEOUT)
        proxy = self._client.proxy
        # from a file-like object aiohttp sends bit by bit; its size is in the headers all the same
        posted = self._session.post(
            url, data=BytesIO(content), headers=_BYTES, proxy=proxy, timeout=timeout, allow_redirects=False
        )
        try:
            # the address is the permission: the token stays with the API
            async with posted as answer:
                status = answer.status
        except aiohttp.ClientConnectorError as error:
            raise SlackUnavailable(f"upload: Slack cannot be reached ({_name_of(error)})") from error
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise SlackUnavailable(f"upload: Slack did not answer ({_name_of(error)})", sent=True) from error
        if 400 <= status < 500 and status not in _LATER:
            raise FileRefused("upload_failed", f"HTTP {status}")
        if status != 200:
            raise SlackUnavailable(f"upload: no usable answer (HTTP {status})", sent=True)


def _retry_after(error: SlackApiError) -> float:
    headers = getattr(error.response, "headers", None) or {}
    try:
        seconds = float(headers.get("Retry-After", 1))
    except ValueError:
        return 1.0
    # a header of a day, or of minus one, is not Slack's
    return min(max(seconds, 0.1), 3600.0)


def _name_of(error: BaseException) -> str:
    return type(error).__name__


def _says_no(body: bytes) -> bool:
    try:
        said = json.loads(body)
    except (ValueError, RecursionError):
        # plainly `ok`
        return False
    return isinstance(said, dict) and said.get("ok") is False


async def _no_redirect(_: aiohttp.ClientSession, __: SimpleNamespace, ___: aiohttp.TraceRequestRedirectParams) -> None:
    """Refuse a redirect: Slack's API never sends one, so the server is not Slack and gets nothing more from us."""
    raise aiohttp.ClientError("redirected")
