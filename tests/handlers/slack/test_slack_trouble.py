"""What people are told when something is broken: words, 200, and never a half answer."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import pytest

from bot.errors import AmbiguousCommit, CatalogMissing, StoreBusy, StoreFull, StoreUnavailable
from bot.operations.outbox import deliver
from bot.operations.worker import plan as plan_deploy
from tests.operations.acts import asked
from tests.slackside import a_command, door

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from bot.ports import Ports
    from tests.fakes import World
    from tests.slackside import Door, Slackside

PRODUCTION = "C0PROD0001"


@dataclass
class BrokenStore:
    """A database that fails in one way, whatever is asked of it."""

    error: Exception | None

    @asynccontextmanager
    async def read(self) -> AsyncIterator[Any]:
        if self.error is not None:
            raise self.error
        yield

    begin = read


@asynccontextmanager
async def broken(ports: Ports, slack: Slackside, error: Exception) -> AsyncIterator[Door]:
    async with door(replace(ports, store=BrokenStore(error)), slack) as opened:  # type: ignore[arg-type]  # stands in
        yield opened


TROUBLE = [
    (StoreBusy("locked"), "The database is busy, so nothing was recorded."),
    (StoreFull("full"), "The database is full, so nothing was recorded."),
    (StoreUnavailable("gone"), "The database is unreachable, so nothing was recorded."),
    (AmbiguousCommit("lost"), "may or may not be recorded. Check `/deploy status`"),
    (CatalogMissing("none"), "`nomatron apply`"),
    (RuntimeError("surprise"), "Something broke (code "),
]


@pytest.mark.parametrize(("error", "says"), TROUBLE)
async def test_a_command_is_answered_in_words(ports: Ports, slack: Slackside, error: Exception, says: str) -> None:
    async with broken(ports, slack, error) as opened:
        status, body = await opened.knock(a_command("checkout v1.4.2 to staging"))

    assert status == 200
    assert says in body["text"]
    assert "surprise" not in str(body)


@pytest.mark.parametrize(("error", "says"), TROUBLE)
async def test_a_modal_shows_it_under_its_input(ports: Ports, slack: Slackside, error: Exception, says: str) -> None:
    view = {
        "type": "modal",
        "callback_id": "deploy.reject",
        "private_metadata": "D-1:1",
        "state": {"values": {"reason": {"text": {"value": "not now"}}}},
    }
    async with broken(ports, slack, error) as opened:
        status, body = await opened.knock(_form("view_submission", view=view))

    assert status == 200
    assert body["response_action"] == "errors"
    assert says in body["errors"]["reason"]


async def test_a_click_is_answered_where_it_was_made(ports: Ports, slack: Slackside) -> None:
    async with broken(ports, slack, StoreBusy("locked")) as opened:
        status, _ = await opened.knock(
            _form("block_actions", actions=[{"type": "button", "action_id": "deploy.approve", "value": "D-1:1"}])
        )
    told = await slack.ephemerals("U0BOB00001")

    assert status == 200
    assert "database is busy" in told[0]["text"]


async def test_a_modal_that_slack_does_not_open_is_said(
    world: World, ports: Ports, slack: Slackside, knocking: Door
) -> None:
    await asked(world, environment="production")
    await plan_deploy.step(ports)
    while await deliver.step(ports):
        pass
    (message,) = await slack.page.messages(PRODUCTION)
    await slack.page.post("fault", method="views.open", mode="error:expired_trigger_id")
    await slack.page.post("action", user="U0SAM00001", channel=PRODUCTION, ts=message["ts"], action_id="deploy.reject")
    await knocking.guard.drain()

    (told,) = await slack.ephemerals("U0SAM00001")
    assert "`/deploy reject D-1 TEXT`" in told["text"]


async def test_a_menu_entry_that_is_out_of_date(slack: Slackside, knocking: Door) -> None:
    odd = {"type": "overflow", "action_id": "deploy.menu", "selected_option": {"value": "explode D-1:1"}}
    await knocking.knock(_form("block_actions", actions=[odd]))
    await knocking.guard.drain()

    (told,) = await slack.ephemerals("U0BOB00001")
    assert "This button is out of date." in told["text"]


async def test_closing_a_modal_is_acknowledged(knocking: Door) -> None:
    view = {"type": "modal", "callback_id": "deploy.reject"}

    assert await knocking.knock(_form("view_closed", view=view)) == (200, "")


async def test_a_body_of_no_announced_length_is_cut_off(knocking: Door) -> None:
    async def endless() -> AsyncIterator[bytes]:
        for _ in range(20):
            yield b"x" * 100_000

    async with knocking.session.post(knocking.url, data=endless()) as answer:
        assert answer.status == 413


async def test_a_body_that_breaks_off_is_nothing(knocking: Door) -> None:
    host, port = knocking.url.split("/")[2].split(":")
    _, writer = await asyncio.open_connection(host, int(port))
    writer.write(b"POST /slack/events HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nabc")
    await writer.drain()
    writer.close()
    await writer.wait_closed()

    assert (await knocking.knock(a_command("help")))[0] == 200


def _form(kind: str, **more: Any) -> str:
    payload = {
        "type": kind,
        "team": {"id": "T0NOMATRON"},
        "user": {"id": "U0BOB00001", "team_id": "T0NOMATRON"},
        "api_app_id": "A0NOMATRON",
        "container": {"type": "message", "message_ts": "1.2", "channel_id": PRODUCTION, "is_ephemeral": True},
        "channel": {"id": PRODUCTION},
        "response_url": "",
        "trigger_id": "1.2.3",
        **more,
    }
    return urlencode({"payload": json.dumps(payload)})
