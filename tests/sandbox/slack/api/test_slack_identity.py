from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from slack_sdk.errors import SlackApiError

from tests.sandbox.slack.stand import BOT, reason_modal, section

if TYPE_CHECKING:
    from slack_sdk.web.async_client import AsyncWebClient


async def test_who_the_token_is(client: AsyncWebClient) -> None:
    who = await client.auth_test()
    bot = (await client.bots_info(bot=who["bot_id"]))["bot"]

    assert (who["team_id"], who["user_id"], who["is_enterprise_install"]) == ("T0NOMATRON", BOT, False)
    assert (bot["app_id"], bot["user_id"]) == ("A0NOMATRON", BOT)
    assert (await client.team_info())["team"]["domain"] == "nomatron"
    with pytest.raises(SlackApiError, match="bot_not_found"):
        await client.bots_info(bot="B0OTHER001")


async def test_api_test_gives_back_what_it_got(client: AsyncWebClient) -> None:
    assert (await client.api_test(foo="bar"))["args"] == {"foo": "bar"}
    with pytest.raises(SlackApiError, match="my_error"):
        await client.api_test(error="my_error")


class TestValidate:
    async def test_good_ones(self, client: AsyncWebClient) -> None:
        assert (await client.api_call("blocks.validate", json={"blocks": [section("hi")]}))["ok"]
        assert (await client.api_call("blocks.validate", json={"view": reason_modal()}))["ok"]
        assert (await client.api_call("blocks.validate", json={"message": {"text": "x", "blocks": [section("hi")]}}))[
            "ok"
        ]

    async def test_a_breach_with_pointer_and_constraint(self, client: AsyncWebClient) -> None:
        with pytest.raises(SlackApiError) as refused:
            await client.api_call("blocks.validate", json={"blocks": [section("x" * 3001)]})

        assert refused.value.response["error"] == "invalid_blocks"
        assert refused.value.response["errors"] == [
            {
                "pointer": "/0/text/text",
                "code": "too_long",
                "message": "must be less than 3001 characters",
                "constraint": {"type": "too_long", "expected": 3000, "got": 3001},
            }
        ]

    async def test_exactly_one_thing(self, client: AsyncWebClient) -> None:
        with pytest.raises(SlackApiError, match="invalid_arguments"):
            await client.api_call("blocks.validate", json={"blocks": [], "view": reason_modal()})
        with pytest.raises(SlackApiError, match="invalid_arguments"):
            await client.api_call("blocks.validate", json={"message": "hi"})
