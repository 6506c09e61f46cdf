from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest
from aiohttp import web
from slack_bolt.adapter.aiohttp import to_aiohttp_response, to_bolt_request
from slack_bolt.async_app import AsyncApp

from sandbox.slack.server import SimulatedSlack
from tests.sandbox.slack.stand import (
    ALICE,
    SECRET,
    STAGING,
    TOKEN,
    App,
    Clock,
    Page,
    actions,
    button,
    reason_modal,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from slack_sdk.web.async_client import AsyncWebClient

    from sandbox.slack.workspace import Workspace

# Longer than a clean stop needs, shorter than any connection that is held open for ever.
PROMPTLY = 5


class TestStop:
    async def test_cuts_what_is_held_open(self, slack: SimulatedSlack, app: App, page: Page) -> None:
        app.hold = True
        await page.post("fault", method="auth.test", mode="silent")
        held = [
            asyncio.create_task(page.session.post(f"{page.base}/api/auth.test").__aenter__()),
            asyncio.create_task(_read_stream(page)),
            asyncio.create_task(page.post("command", user=ALICE, channel=STAGING, command="/deploy", text="")),
        ]
        await app.arrived(1)
        seen = 0
        while not slack.state.calls:
            seen = await slack.state.wait_for_change(seen)

        await asyncio.wait_for(slack.stop(), PROMPTLY)

        outcomes = await asyncio.wait_for(asyncio.gather(*held, return_exceptions=True), PROMPTLY)
        assert isinstance(outcomes[0], aiohttp.ClientError)
        assert isinstance(outcomes[2], aiohttp.ClientError)

    async def test_gives_up_retries(self, slack: SimulatedSlack, app: App, page: Page) -> None:
        app.status = 500
        slack.events.retries = (3600,)
        await page.post("event", event={"type": "app_uninstalled"})

        await asyncio.wait_for(slack.stop(), PROMPTLY)

    async def test_frees_the_port(self, workspace: Workspace) -> None:
        first = SimulatedSlack(workspace, SECRET, TOKEN)
        base = await first.start()
        await first.stop()
        port = int(base.rpartition(":")[2])

        second = SimulatedSlack(workspace, SECRET, TOKEN)
        assert await second.start(port=port) == base
        await second.stop()

    async def test_without_a_start(self, workspace: Workspace) -> None:
        await SimulatedSlack(workspace, SECRET, TOKEN).stop()


async def _read_stream(page: Page) -> bytes:
    async with page.session.get(f"{page.base}/sandbox/events") as response:
        return await response.read()


async def test_a_busy_port_is_an_error(slack: SimulatedSlack, workspace: Workspace) -> None:
    second = SimulatedSlack(workspace, SECRET, TOKEN)
    with pytest.raises(OSError, match="address already in use"):
        await second.start(port=int(slack.world.base.rpartition(":")[2]))
    await second.stop()


class TestBolt:
    """Slack's own framework as the app: it checks the signature and reads every payload."""

    @pytest.fixture
    def bolt(self, client: AsyncWebClient, clock: Clock) -> AsyncApp:
        clock.seconds = time.time()
        return AsyncApp(signing_secret=SECRET, client=client)

    @pytest.fixture
    async def listening(self, slack: SimulatedSlack, bolt: AsyncApp) -> AsyncIterator[None]:
        async def handle(request: web.Request) -> web.Response:
            return await to_aiohttp_response(await bolt.async_dispatch(await to_bolt_request(request)))

        application = web.Application()
        application.router.add_post("/slack/events", handle)
        runner = web.AppRunner(application, shutdown_timeout=0.2)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        slack.request_url = f"http://127.0.0.1:{runner.addresses[0][1]}/slack/events"
        yield
        await runner.cleanup()

    async def test_from_command_to_modal_to_message(self, bolt: AsyncApp, listening: None, page: Page) -> None:
        done = asyncio.Event()

        @bolt.command("/deploy")
        async def deploy(ack: Any, client: Any, command: Any) -> None:
            await ack()
            await client.views_open(trigger_id=command["trigger_id"], view=reason_modal(callback_id="form"))
            done.set()

        @bolt.view("form")
        async def form(ack: Any, view: Any, client: Any) -> None:
            reason = view["state"]["values"]["reason"]["text"]["value"]
            await client.chat_postMessage(channel=STAGING, text=reason, blocks=[actions(button("approve", "1"))])
            await ack()

        @bolt.action("approve")
        async def approve(ack: Any, respond: Any, body: Any) -> None:
            await respond(f"by {body['user']['id']}", replace_original=True)
            await ack()

        await page.post("command", user=ALICE, channel=STAGING, command="/deploy", text="")
        await asyncio.wait_for(done.wait(), PROMPTLY)
        (view,) = (await page.get("state"))["views"]
        given = {"reason": {"text": "because"}}
        assert (await page.post("submit", user=ALICE, view=view["id"], values=given))["error"] is None
        (message,) = await page.messages(STAGING)
        assert message["text"] == "because"

        clicked = await page.post("action", user=ALICE, channel=STAGING, ts=message["ts"], action_id="approve")

        assert clicked["error"] is None
        assert [one["text"] for one in await page.messages(STAGING)] == [f"by {ALICE}"]
