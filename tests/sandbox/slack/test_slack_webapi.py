from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest
from slack_sdk.errors import SlackApiError

from tests.sandbox.slack.stand import ALICE, STAGING, TOKEN, Clock, Page, section

if TYPE_CHECKING:
    from slack_sdk.web.async_client import AsyncWebClient

    from sandbox.slack.server import SimulatedSlack
    from sandbox.slack.workspace import Workspace

AUTH = {"Authorization": f"Bearer {TOKEN}"}


class Caller:
    """A bare HTTP client, for what Slack's library never sends."""

    def __init__(self, base: str, session: aiohttp.ClientSession) -> None:
        self.base = base
        self.session = session

    async def __call__(self, method: str, *, verb: str = "POST", **more: Any) -> tuple[int, Any, Any]:
        async with self.session.request(verb, f"{self.base}/api/{method}", **more) as response:
            return response.status, await response.json(content_type=None), response.headers


@pytest.fixture
def call(slack: SimulatedSlack, session: aiohttp.ClientSession) -> Caller:
    return Caller(slack.world.base, session)


class TestToken:
    async def test_in_the_header_or_in_the_form(self, call: Caller) -> None:
        _, by_header, _ = await call("auth.test", headers=AUTH)
        _, by_form, _ = await call("auth.test", data={"token": TOKEN})

        assert by_header["ok"]
        assert by_form == by_header

    @pytest.mark.parametrize(
        ("headers", "error"), [({}, "not_authed"), ({"Authorization": "Bearer xoxb-no"}, "invalid_auth")]
    )
    async def test_none_or_a_wrong_one(self, call: Caller, headers: dict[str, str], error: str) -> None:
        status, body, answered = await call("auth.test", headers=headers)

        assert (status, body) == (200, {"ok": False, "error": error})
        assert "X-OAuth-Scopes" not in answered

    async def test_is_nowhere_in_what_the_page_can_read(self, call: Caller, page: Page) -> None:
        await call("auth.test", data={"token": TOKEN})
        await call("users.info", verb="GET", params={"token": TOKEN, "user": ALICE})

        for what in ("state", "calls", "requests"):
            assert TOKEN not in json.dumps(await page.get(what))


class TestScopes:
    async def test_are_told_with_every_answer(self, call: Caller, workspace: Workspace) -> None:
        _, _, headers = await call("users.info", headers=AUTH, data={"user": ALICE})

        assert headers["X-OAuth-Scopes"].split(",") == list(workspace.scopes)
        assert headers["X-Accepted-OAuth-Scopes"] == "users:read"

    async def test_a_missing_one_is_named(self, call: Caller, workspace: Workspace) -> None:
        workspace.scopes = ("chat:write", "commands")

        _, body, _ = await call("usergroups.list", headers=AUTH)

        assert body == {
            "ok": False,
            "error": "missing_scope",
            "needed": "usergroups:read",
            "provided": "chat:write,commands",
        }


class TestArguments:
    BLOCKS = [section("web")]  # noqa: RUF012 - never changed

    @pytest.mark.parametrize(
        "sent",
        [
            {"json": {"channel": STAGING, "text": "hi", "blocks": BLOCKS}},
            {"json": {"channel": STAGING, "text": "hi", "blocks": json.dumps(BLOCKS)}},
            {"data": {"channel": STAGING, "text": "hi", "blocks": json.dumps(BLOCKS)}},
            {"params": {"channel": STAGING, "text": "hi", "blocks": json.dumps(BLOCKS)}},
            {"params": {"channel": "C0", "text": "hi"}, "data": {"channel": STAGING, "blocks": json.dumps(BLOCKS)}},
        ],
        ids=["json", "text in json", "form", "query", "the form wins over the query"],
    )
    async def test_json_form_and_query_mean_the_same(self, call: Caller, sent: Any) -> None:
        _, body, _ = await call("chat.postMessage", headers=AUTH, **sent)

        assert body["ok"], body
        assert body["message"]["text"] == "hi"
        assert body["message"]["blocks"][0]["text"] == {"type": "mrkdwn", "text": "web", "verbatim": False}

    async def test_reading_methods_take_get_but_no_json(self, call: Caller) -> None:
        _, by_get, _ = await call("users.info", verb="GET", headers=AUTH, params={"user": ALICE})
        _, by_json, _ = await call("users.info", headers=AUTH, json={"user": ALICE})

        assert by_get["user"]["id"] == ALICE
        assert by_json["error"] == "invalid_arguments"
        assert by_json["response_metadata"]["messages"] == ["[ERROR] missing required field: user"]

    @pytest.mark.parametrize(
        ("body", "kind", "error"),
        [
            ("{", "application/json; charset=utf-8", "invalid_json"),
            ("[]", "application/json; charset=utf-8", "json_not_object"),
            ("text", "text/plain", "invalid_post_type"),
        ],
    )
    async def test_a_broken_body(self, call: Caller, body: str, kind: str, error: str) -> None:
        _, answer, _ = await call("chat.postMessage", headers={**AUTH, "Content-Type": kind}, data=body)

        assert answer["error"] == error

    async def test_json_without_charset_is_warned_of(self, call: Caller) -> None:
        headers = {**AUTH, "Content-Type": "application/json"}
        _, answer, _ = await call(
            "chat.postMessage", headers=headers, data=json.dumps({"channel": STAGING, "text": "x"})
        )

        assert answer["ok"]
        assert answer["response_metadata"]["warnings"] == ["missing_charset"]

    async def test_blocks_that_are_no_json(self, call: Caller) -> None:
        _, answer, _ = await call("chat.postMessage", headers=AUTH, data={"channel": STAGING, "blocks": "[{"})

        assert answer["error"] == "invalid_blocks_format"

    @pytest.mark.parametrize(
        ("arguments", "pointer"), [({"channel": ["C"], "text": "x"}, "/channel"), ({"limit": "many"}, "/limit")]
    )
    async def test_an_argument_of_the_wrong_type(self, call: Caller, arguments: Any, pointer: str) -> None:
        method = "chat.postMessage" if "text" in arguments else "users.list"
        how = "json" if "text" in arguments else "data"
        _, answer, _ = await call(method, headers=AUTH, **{how: arguments})

        assert answer["error"] == "invalid_arguments"
        assert pointer in answer["response_metadata"]["messages"][0]

    async def test_an_unknown_method(self, call: Caller) -> None:
        _, answer, _ = await call("chat.shout", headers=AUTH)

        assert answer == {"ok": False, "error": "unknown_method", "req_method": "chat.shout"}


class TestLimits:
    async def test_the_minutes_budget_of_a_tier(self, client: AsyncWebClient, clock: Clock) -> None:
        for _ in range(20):
            await client.usergroups_list()
        clock.forward(20)

        with pytest.raises(SlackApiError) as refused:
            await client.usergroups_list()

        assert refused.value.response.status_code == 429
        assert refused.value.response["error"] == "ratelimited"
        assert refused.value.response.headers["Retry-After"] == "40"
        clock.forward(40)
        assert (await client.usergroups_list())["ok"]

    async def test_one_message_a_second_after_a_burst(self, client: AsyncWebClient, clock: Clock) -> None:
        for _ in range(20):
            await client.chat_postMessage(channel=STAGING, text="hi")

        with pytest.raises(SlackApiError, match="ratelimited"):
            await client.chat_postMessage(channel=STAGING, text="hi")

        clock.forward(1)
        assert (await client.chat_postMessage(channel=STAGING, text="hi"))["ok"]

    async def test_can_be_switched_off(self, client: AsyncWebClient, page: Page) -> None:
        await page.post("limits", enforced=False)

        for _ in range(25):
            assert (await client.usergroups_list())["ok"]


class TestFaults:
    async def test_an_error_by_name_so_many_times(self, client: AsyncWebClient, page: Page) -> None:
        await page.post("fault", method="users.info", mode="error:invalid_auth", times=1)

        with pytest.raises(SlackApiError, match="invalid_auth"):
            await client.users_info(user=ALICE)
        assert (await client.users_info(user=ALICE))["ok"]

    async def test_429_with_retry_after(self, call: Caller, page: Page) -> None:
        await page.post("fault", method="*", mode="429", seconds=7)

        status, body, headers = await call("auth.test", headers=AUTH)

        assert (status, body["error"], headers["Retry-After"]) == (429, "ratelimited", "7")

    @pytest.mark.parametrize(("mode", "status"), [("500", 500), ("html", 502)])
    async def test_trouble_at_slack(
        self, slack: SimulatedSlack, session: aiohttp.ClientSession, page: Page, mode: str, status: int
    ) -> None:
        await page.post("fault", method="auth.test", mode=mode)

        async with session.post(f"{slack.world.base}/api/auth.test", headers=AUTH) as response:
            assert response.status == status
            assert response.content_type == ("text/html" if mode == "html" else "application/json")

    async def test_lost_is_done_but_never_answered(self, call: Caller, page: Page) -> None:
        await page.post("fault", method="chat.postMessage", mode="lost", times=1)

        with pytest.raises(aiohttp.ClientError):
            await call("chat.postMessage", headers=AUTH, json={"channel": STAGING, "text": "hi"})

        assert [one["text"] for one in await page.messages(STAGING)] == ["hi"]
        (made,) = await page.get("calls")
        assert (made["ok"], made["error"]) == (True, "answer lost")

    async def test_silent_never_answers_and_does_nothing(self, call: Caller, page: Page) -> None:
        await page.post("fault", method="chat.postMessage", mode="silent")

        with pytest.raises(TimeoutError):
            await asyncio.wait_for(call("chat.postMessage", headers=AUTH, json={"channel": STAGING, "text": "hi"}), 0.2)

        assert await page.messages(STAGING) == []
        (made,) = await page.get("calls")
        assert (made["args"]["text"], made["error"], made["status"]) == ("hi", "fault: silent", None)

    async def test_slow_answers_in_the_end(self, call: Caller, page: Page) -> None:
        await page.post("fault", method="auth.test", mode="slow", seconds=0.05)

        _, body, _ = await call("auth.test", headers=AUTH)

        assert body["ok"]

    async def test_none_lifts_it(self, client: AsyncWebClient, page: Page) -> None:
        await page.post("fault", method="users.info", mode="500")
        assert (await page.get("state"))["switches"]["faults"][0]["mode"] == "500"

        await page.post("fault", mode="none")

        assert (await client.users_info(user=ALICE))["ok"]

    async def test_an_unknown_mode_is_refused_in_words(self, page: Page) -> None:
        refused = await page.post("fault", status=400, method="*", mode="explode")

        assert "explode" in refused["error"]


async def test_every_call_is_remembered_with_its_outcome(client: AsyncWebClient, page: Page) -> None:
    await client.chat_postMessage(channel=STAGING, text="hi")
    with pytest.raises(SlackApiError):
        await client.users_info(user="U0NOBODY")

    posted, asked = await page.get("calls")

    assert (posted["method"], posted["args"]["text"], posted["ok"], posted["status"]) == (
        "chat.postMessage",
        "hi",
        True,
        200,
    )
    assert (asked["method"], asked["ok"], asked["error"]) == ("users.info", False, "user_not_found")
