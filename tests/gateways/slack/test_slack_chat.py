from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from aiohttp import web

from bot.domain.deploy.deploy import Status
from bot.domain.deploy.message import Note, Way
from bot.errors import (
    AppRefused,
    BlocksRefused,
    ChannelGone,
    MessageGone,
    ScopeMissing,
    SlackRefused,
    SlackUnavailable,
    TokenRefused,
)
from bot.gateways.blocks import modal
from bot.gateways.slack.connection import Connection
from bot.gateways.slack.methods import AUTH_TEST, UPDATE
from tests.gateways.blocks.cards import a_card, cards

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.slackside import Slackside

PRODUCTION, STAGING = "C0PROD0001", "C0STAGING1"
NOTE = Note(text="hello <!channel>")


async def test_a_card_in_every_state_is_taken_by_slack(slack: Slackside) -> None:
    slack.server.world.limits.enforced = False
    ts = await slack.chat.post_card(a_card(), PRODUCTION)
    for card in [*cards().values()] * 2:
        while slack.chat.wait(UPDATE):
            slack.connection.budget._buckets.clear()
        await slack.chat.update_card(card, PRODUCTION, ts)
        (message,) = await slack.page.messages(PRODUCTION)
        assert message["metadata"]["event_payload"]["status"] == card.deploy.status.value


async def test_refused_blocks_are_posted_as_text_alone_at_once(slack: Slackside) -> None:
    await slack.page.post("fault", method="chat.postMessage", mode="error:invalid_blocks", times=1)
    ts = await slack.chat.post_card(a_card(Status.READY), PRODUCTION)

    assert [call["ok"] for call in await slack.calls("chat.postMessage")] == [False, True]
    (message,) = await slack.page.messages(PRODUCTION)
    assert message["ts"] == ts
    assert message["text"].startswith("Ready: ")
    assert message["blocks"] == []
    assert message["metadata"]["event_payload"]["status"] == "ready"


async def test_refused_blocks_of_an_update_take_the_old_blocks_away(slack: Slackside) -> None:
    ts = await slack.chat.post_card(a_card(), PRODUCTION)
    await slack.page.post("fault", method="chat.update", mode="error:msg_blocks_too_long", times=1)
    await slack.chat.update_card(a_card(Status.READY), PRODUCTION, ts)

    assert [call["ok"] for call in await slack.calls("chat.update")] == [False, True]
    (message,) = await slack.page.messages(PRODUCTION)
    assert message["text"].startswith("Ready: ")
    assert message["blocks"] == []
    assert message["metadata"]["event_payload"]["status"] == "ready"


async def test_a_card_that_slack_takes_in_no_form_is_tried_twice(slack: Slackside) -> None:
    await slack.page.post("fault", method="chat.postMessage", mode="error:msg_too_long")
    with pytest.raises(BlocksRefused, match="msg_too_long") as found:
        await slack.chat.post_card(a_card(), PRODUCTION)

    assert found.value.plainer
    assert len(await slack.calls("chat.postMessage")) == 2


async def test_a_note_has_no_plainer_form(slack: Slackside) -> None:
    await slack.page.post("fault", method="chat.postMessage", mode="error:invalid_blocks")
    with pytest.raises(BlocksRefused) as found:
        await slack.chat.announce(STAGING, NOTE)

    assert not found.value.plainer
    assert len(await slack.calls("chat.postMessage")) == 1


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("channel_not_found", ChannelGone),
        ("is_archived", ChannelGone),
        ("not_in_channel", ChannelGone),
        ("restricted_action", ChannelGone),
        ("message_not_found", MessageGone),
        ("thread_not_found", MessageGone),
        ("token_revoked", TokenRefused),
        ("missing_scope", ScopeMissing),
        ("team_access_not_granted", AppRefused),
        ("whatever_slack_thinks_of_next", SlackRefused),
    ],
)
async def test_a_refusal_says_what_the_caller_can_do(slack: Slackside, code: str, kind: type[SlackRefused]) -> None:
    await slack.page.post("fault", method="chat.postMessage", mode=f"error:{code}")
    with pytest.raises(SlackRefused, match=code) as found:
        await slack.chat.post_card(a_card(), PRODUCTION)

    assert type(found.value) is kind
    assert len(await slack.calls("chat.postMessage")) == 1


async def test_replies_announcements_and_strays(slack: Slackside) -> None:
    ts = await slack.chat.post_card(a_card(), PRODUCTION)
    await slack.chat.reply(PRODUCTION, ts, NOTE)
    await slack.chat.announce(STAGING, NOTE)
    (parent,) = await slack.page.messages(PRODUCTION)
    (announced,) = await slack.page.messages(STAGING)
    assert parent["replies"][0]["text"] == announced["text"] == "hello &lt;!channel&gt;"

    await slack.chat.strip(PRODUCTION, ts, Note(text="see the other one"))
    (stripped,) = await slack.page.messages(PRODUCTION)
    assert stripped["text"] == "see the other one"
    assert [block["type"] for block in stripped["blocks"]] == ["section"]
    assert stripped["metadata"]["event_type"] == "nomatron_stray"


async def test_a_response_url_that_says_no_with_200_is_gone_round(slack: Slackside) -> None:
    url = slack.server.world.issue_response_url("commands", "U0ALICE001", STAGING)
    await slack.page.post("fault", method="response_url", mode="error:invalid_blocks")
    await slack.chat.tell(NOTE, user="U0ALICE001", channel=STAGING, response_url=url)

    assert [call["ok"] for call in await slack.calls("chat.postEphemeral")] == [True]
    assert len(await slack.ephemerals("U0ALICE001")) == 1


async def test_what_is_for_one_person_goes_to_the_response_url(slack: Slackside) -> None:
    url = slack.server.world.issue_response_url("commands", "U0ALICE001", STAGING)
    await slack.chat.tell(NOTE, user="U0ALICE001", channel=STAGING, response_url=url)

    (told,) = await slack.ephemerals("U0ALICE001")
    assert told["text"] == "hello &lt;!channel&gt;"
    assert not await slack.calls("chat.postEphemeral")


@pytest.mark.parametrize("url", ["", "https://hooks.slack.com/commands/x", "http://10.1.2.3/x", "spent"])
async def test_else_it_is_an_ephemeral(slack: Slackside, url: str) -> None:
    given = f"{slack.page.base}/hooks/commands/T0NOMATRON/1/unknown" if url == "spent" else url
    await slack.chat.tell(NOTE, user="U0ALICE001", channel=STAGING, response_url=given)

    assert len(await slack.calls("chat.postEphemeral")) == 1
    assert len(await slack.ephemerals("U0ALICE001")) == 1


async def test_else_a_direct_message(slack: Slackside) -> None:
    await slack.chat.tell(NOTE, user="U0ALICE001", channel="C0GONE00001", response_url="")
    await slack.chat.tell(NOTE, user="U0ALICE001", channel="", response_url="")

    state = await slack.page.get("state", **{"as": "U0ALICE001"})
    assert [len(each["messages"]) for each in state["dms"]] == [2]


async def test_the_reject_modal_is_a_view_that_slack_takes(slack: Slackside) -> None:
    trigger = slack.server.world.triggers.issue("U0ALICE001")
    await slack.chat.open_view(trigger, modal.reject("D-12", "D-12:2", "checkout v1.4.2 to production"))
    state = await slack.page.get("state", **{"as": "U0ALICE001"})

    assert state["views"][0]["view"]["callback_id"] == "deploy.reject"
    with pytest.raises(SlackRefused, match="trigger"):
        await slack.chat.open_view(trigger, modal.reject("D-12", "D-12:2", "x"))


async def test_invalid_blocks_name_the_place(slack: Slackside) -> None:
    ts = await slack.chat.post_card(a_card(), PRODUCTION)
    with pytest.raises(BlocksRefused, match="invalid_blocks") as found:
        await slack.connection.call(UPDATE, channel=PRODUCTION, ts=ts, text="x", blocks=[{"type": "section"}])

    assert "/blocks/0" in found.value.detail


@pytest.mark.parametrize("mode", ["500", "html", "error:internal_error", "error:ratelimited"])
async def test_a_problem_of_slacks_own_is_worth_another_try(slack: Slackside, mode: str) -> None:
    await slack.page.post("fault", method="chat.postMessage", mode=mode)
    with pytest.raises(SlackUnavailable) as found:
        await slack.chat.announce(STAGING, NOTE)

    assert found.value.sent is (mode != "error:ratelimited")


async def test_being_asked_to_wait_is_kept_to(slack: Slackside) -> None:
    await slack.page.post("fault", method="chat.update", mode="429", seconds=7)
    with pytest.raises(SlackUnavailable) as found:
        await slack.chat.update_card(a_card(), PRODUCTION, "1.1")
    before = len(await slack.calls("chat.update"))
    with pytest.raises(SlackUnavailable):
        await slack.chat.update_card(a_card(), PRODUCTION, "1.1")

    assert found.value.retry_after == 7
    assert 0 < slack.chat.wait(UPDATE) <= 7
    assert slack.chat.resting() == {(Way.UPDATE, "")}
    assert len(await slack.calls("chat.update")) == before


async def test_a_lost_answer_may_have_been_sent_and_a_refused_connection_was_not(slack: Slackside) -> None:
    await slack.page.post("fault", method="chat.postMessage", mode="lost", times=1)
    with pytest.raises(SlackUnavailable) as lost:
        await slack.chat.announce(STAGING, NOTE)
    assert lost.value.sent
    assert len(await slack.page.messages(STAGING)) == 1
    async with Connection("xoxb-x", "http://127.0.0.1:1/api") as nowhere:
        with pytest.raises(SlackUnavailable) as refused:
            await nowhere.call(AUTH_TEST)
    assert not refused.value.sent


@pytest.fixture
async def odd(request: pytest.FixtureRequest) -> AsyncIterator[Connection]:
    """A server that answers every call with what the test says."""

    async def answer(_: web.Request) -> web.Response:
        made: web.Response = request.param()
        return made

    app = web.Application()
    app.router.add_route("*", "/{any:.*}", answer)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    async with Connection("xoxb-x", f"http://127.0.0.1:{runner.addresses[0][1]}/api") as connection:
        yield connection
    await runner.cleanup()


ODD = [
    lambda: web.Response(text="plain words"),
    lambda: web.Response(text="<html>", content_type="text/html"),
    lambda: web.json_response(["a", "list"]),
    lambda: web.Response(text="{broken", content_type="application/json"),
    lambda: web.Response(body=b"\xff\xfe{}", content_type="application/json"),
    lambda: web.json_response({}),
    lambda: web.Response(status=302, headers={"Location": "http://127.0.0.1:1/elsewhere"}),
    lambda: web.Response(status=503, text="busy"),
]


@pytest.mark.parametrize("odd", ODD, indirect=True)
async def test_an_unusable_answer_is_an_error_and_no_redirect_is_followed(odd: Connection) -> None:
    with pytest.raises(SlackUnavailable):
        await odd.call(AUTH_TEST)
    with pytest.raises(SlackUnavailable):
        await odd.call(UPDATE, channel="C1", ts="1.1", text="x")
