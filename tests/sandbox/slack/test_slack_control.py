from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

import pytest

from tests.sandbox.slack.stand import (
    ALICE,
    BOB,
    FOREIGN,
    NORA,
    OLD,
    SECRET,
    SECRETS,
    STAGING,
    TOKEN,
    App,
    Page,
    actions,
    button,
    reason_modal,
)

if TYPE_CHECKING:
    import aiohttp
    from slack_sdk.web.async_client import AsyncWebClient


async def next_index(response: aiohttp.ClientResponse) -> int:
    line = await asyncio.wait_for(response.content.readuntil(b"\n\n"), 2)
    index: int = json.loads(line.decode().removeprefix("data: "))["index"]
    return index


class TestState:
    async def test_is_what_that_person_can_see(self, page: Page) -> None:
        alice, nora = await page.get("state", **{"as": ALICE}), await page.get("state", **{"as": NORA})

        assert [one["id"] for one in alice["channels"]] == [STAGING, SECRETS, FOREIGN, OLD]
        assert [(one["id"], one["member"]) for one in nora["channels"]] == [(STAGING, True), (OLD, True)]
        assert alice["me"]["name"] == "alice"
        assert [one["id"] for one in alice["groups"]] == ["S0DEV00001", "S0SRE00001"]

    async def test_without_a_person_it_is_everything(self, page: Page) -> None:
        everything = await page.get("state")

        assert everything["me"] is None
        assert len(everything["channels"]) == 4

    async def test_holds_no_secret(self, client: AsyncWebClient, app: App, page: Page) -> None:
        await client.chat_postMessage(channel=STAGING, text="hi")
        await page.post("command", user=ALICE, channel=STAGING, command="/deploy", text="")

        for what in ("state", "calls", "requests"):
            seen = json.dumps(await page.get(what))
            assert TOKEN not in seen
            assert SECRET not in seen

    async def test_shows_the_last_requests_to_the_app(self, app: App, page: Page) -> None:
        for number in range(51):
            await page.post("command", user=ALICE, channel=STAGING, command="/deploy", text=str(number))

        requests = (await page.get("state"))["requests"]
        assert [one["payload"]["text"] for one in (requests[0], requests[-1])] == ["1", "50"]
        assert len(requests) == 50
        assert (requests[-1]["kind"], requests[-1]["status"], requests[-1]["error"]) == ("slash_command", 200, None)

    async def test_a_recorded_payload_stays_as_it_was_sent(self, client: AsyncWebClient, app: App, page: Page) -> None:
        await page.post("command", user=ALICE, channel=STAGING, command="/deploy", text="")
        opened = await client.views_open(trigger_id=app.last.form["trigger_id"], view=reason_modal())
        app.answer = {"response_action": "errors", "errors": {"reason": "no"}}
        for typed in ("first", "second"):
            await page.post("submit", user=ALICE, view=opened["view"]["id"], values={"reason": {"text": typed}})

        sent = [one["payload"]["view"]["state"]["values"] for one in (await page.get("state"))["requests"][1:]]
        assert [one["reason"]["text"]["value"] for one in sent] == ["first", "second"]

    async def test_nobody_is_refused_in_words(self, page: Page, session: aiohttp.ClientSession) -> None:
        async with session.get(f"{page.base}/sandbox/state?as=U0NOBODY") as response:
            assert response.status == 404
            assert "U0NOBODY" in (await response.json())["error"]


class TestStream:
    async def test_tells_of_every_change(
        self, client: AsyncWebClient, page: Page, session: aiohttp.ClientSession
    ) -> None:
        async with session.get(f"{page.base}/sandbox/events") as response:
            assert response.content_type == "text/event-stream"
            first = await next_index(response)
            await client.chat_postMessage(channel=STAGING, text="hi")

            assert await next_index(response) > first

    async def test_whoever_goes_away_leaves_no_error_behind(
        self, client: AsyncWebClient, page: Page, session: aiohttp.ClientSession, caplog: pytest.LogCaptureFixture
    ) -> None:
        async with session.get(f"{page.base}/sandbox/events") as response:
            await next_index(response)
        for number in range(3):
            await client.chat_postMessage(channel=STAGING, text=str(number))

        assert [one for one in caplog.records if one.levelname == "ERROR"] == []


class TestPeopleGroupsChannels:
    async def test_flags_are_set(self, page: Page) -> None:
        assert (await page.post("people", user=BOB, is_restricted=True))["is_restricted"] is True
        assert (await page.get("state", **{"as": BOB}))["me"]["is_restricted"] is True

    @pytest.mark.parametrize(
        ("what", "asked", "status"),
        [
            ("people", {"user": BOB, "is_wizard": True}, 400),
            ("people", {"user": "U0NOBODY"}, 404),
            ("people", {"user": BOB, "deleted": "yes"}, 400),
            ("people", {"user": BOB, "name": 3}, 400),
            ("people", {"user": BOB, "team_id": 3}, 400),
            ("groups", {"group": "S0DEV00001", "users": "all"}, 400),
            ("channels", {"channel": STAGING, "members": [3]}, 400),
            ("groups", {"group": "S0NONE"}, 404),
            ("groups", {"group": "S0DEV00001", "users": ["U0NOBODY"]}, 404),
            ("channels", {"channel": "C0NONE"}, 404),
            ("nonsense", {}, 404),
            ("fault", {"method": "*", "mode": "slow", "seconds": "long"}, 400),
            ("fault", {"method": "*", "mode": "500", "times": 1.5}, 400),
            ("raw", {"body": "x", "headers": "X: y"}, 400),
            ("raw", {"body": "x", "sign": True, "timestamp": "abc"}, 400),
        ],
    )
    async def test_mistakes_are_told(self, page: Page, what: str, asked: dict[str, Any], status: int) -> None:
        assert (await page.post(what, status=status, **asked))["error"]

    async def test_a_foreign_person_comes_home(self, page: Page) -> None:
        assert (await page.post("people", user=BOB, team_id="T0ELSEWHERE"))["team_id"] == "T0ELSEWHERE"
        assert (await page.post("people", user=BOB, team_id=None))["team_id"] is None
        await page.post("people", status=400, user=BOB, id="U0OTHER001")

    async def test_workspaces_on_grid_are_ids(self, page: Page) -> None:
        assert (await page.post("people", user=BOB, teams=["T0ELSEWHERE"]))["teams"] == ["T0ELSEWHERE"]
        await page.post("people", status=400, user=BOB, teams=[3])
        await page.post("workspace", status=400, enterprise_id=3)

    async def test_a_group_of_people_who_are_there_stays_when_one_is_not(self, page: Page) -> None:
        await page.post("groups", status=404, group="S0DEV00001", users=[NORA, "U0NOBODY"])

        assert (await page.get("state"))["groups"][0]["users"] == [ALICE, BOB, "U0GUS00001"]

    async def test_a_channel_is_archived(self, page: Page) -> None:
        assert (await page.post("channels", channel=STAGING, archived=True))["archived"] is True


class TestBrowsers:
    async def test_pages_on_this_machine_may_read(self, page: Page, session: aiohttp.ClientSession) -> None:
        origin = "http://127.0.0.1:8420"
        async with session.options(f"{page.base}/sandbox/command", headers={"Origin": origin}) as response:
            assert response.status == 204
            assert response.headers["Access-Control-Allow-Origin"] == origin
            assert response.headers["Access-Control-Allow-Headers"] == "Content-Type"
        async with session.get(f"{page.base}/sandbox/state", headers={"Origin": origin}) as response:
            assert response.headers["Access-Control-Allow-Origin"] == origin

    async def test_pages_of_elsewhere_may_not(self, app: App, page: Page, session: aiohttp.ClientSession) -> None:
        asked = {"user": ALICE, "channel": STAGING, "command": "/deploy"}
        headers = {"Origin": "https://evil.example.com"}
        async with session.post(f"{page.base}/sandbox/command", json=asked, headers=headers) as response:
            assert response.status == 403
        assert app.received == []

    @pytest.mark.parametrize(
        ("body", "kind", "status"),
        [(b"{}", "text/plain", 415), (b"{", "application/json", 400), (b"[]", "application/json", 400)],
    )
    async def test_only_json_objects(
        self, page: Page, session: aiohttp.ClientSession, body: bytes, kind: str, status: int
    ) -> None:
        url = f"{page.base}/sandbox/command"
        async with session.post(url, data=body, headers={"Content-Type": kind}) as response:
            assert response.status == status
            assert (await response.json())["error"]


async def test_two_people_click_at_once(client: AsyncWebClient, app: App, page: Page) -> None:
    blocks = [actions(button("approve", "D-1042:1"))]
    ts = (await client.chat_postMessage(channel=STAGING, text="x", blocks=blocks))["ts"]
    click = {"channel": STAGING, "ts": ts, "action_id": "approve"}

    await asyncio.gather(*(page.post("action", user=user, **click) for user in (ALICE, BOB)))

    assert {one.payload["user"]["id"] for one in app.received} == {ALICE, BOB}


CALLS = (
    "command",
    "action",
    "submit",
    "close",
    "raw",
    "options",
    "shortcut",
    "people",
    "groups",
    "channels",
    "home",
    "event",
    "fault",
    "limits",
    "dismiss",
)
ODD: tuple[Any, ...] = (None, [], {}, {"a": 1}, "", 0, True, ["x", {}])
NAMES = ("user", "channel", "ts", "action_id", "block_id", "value", "selected_option", "view", "ephemeral", "values")
MORE = ("users", "group", "headers", "body", "event", "method", "mode", "text", "members", "deleted", "name")


@pytest.mark.parametrize("call", CALLS)
async def test_no_odd_value_breaks_a_control_call(client: AsyncWebClient, app: App, page: Page, call: str) -> None:
    blocks = [actions(button("approve", "D-1042:1"))]
    ts = (await client.chat_postMessage(channel=STAGING, text="x", blocks=blocks))["ts"]
    await page.post("command", user=ALICE, channel=STAGING, command="/deploy", text="")
    view = (await client.views_open(trigger_id=app.last.form["trigger_id"], view=reason_modal()))["view"]["id"]
    right = {"user": ALICE, "channel": STAGING, "ts": ts, "action_id": "approve"}
    if call in {"submit", "close", "options"}:
        right = {"user": ALICE, "view": view, "action_id": "text"}

    for name in (*NAMES, *MORE):
        for odd in ODD:
            async with page.session.post(f"{page.base}/sandbox/{call}", json={**right, name: odd}) as response:
                assert response.status < 500, (call, name, odd)


class TestWorkspace:
    async def test_scopes_plan_and_clock(self, client: AsyncWebClient, app: App, page: Page) -> None:
        changed = await page.post("workspace", scopes=["commands"], paid_plan=False, clock=3600)

        answer = await client.auth_test()
        assert changed == {"scopes": ["commands"], "paid_plan": False, "clock": 3600}
        assert answer.headers["X-OAuth-Scopes"] == "commands"
        ahead = parsedate_to_datetime(answer.headers["Date"]) - datetime.now(UTC)
        assert 3590 < ahead.total_seconds() <= 3600

    async def test_what_is_not_named_stays(self, page: Page) -> None:
        before = await page.post("workspace")

        assert await page.post("workspace", clock=-60) == {**before, "clock": -60}

    async def test_a_clock_is_a_number(self, page: Page) -> None:
        refused = await page.post("workspace", status=400, clock="soon")

        assert "clock must be a number" in refused["error"]
