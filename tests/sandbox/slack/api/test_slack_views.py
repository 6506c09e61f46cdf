from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from slack_sdk.errors import SlackApiError

from tests.sandbox.slack.stand import ALICE, BOB, STAGING, App, Clock, Page, actions, button, reason_modal, section

if TYPE_CHECKING:
    from slack_sdk.web.async_client import AsyncWebClient

PICK = actions(button("more", "1"))


async def trigger(app: App, page: Page, user: str = ALICE) -> str:
    await page.post("command", user=user, channel=STAGING, command="/deploy", text="")
    return app.last.form["trigger_id"]


async def trigger_in(app: App, page: Page, view: str) -> str:
    await page.post("action", user=ALICE, view=view, action_id="more")
    return str(app.last.payload["trigger_id"])


async def open_views(page: Page, user: str = ALICE) -> list[Any]:
    return list((await page.get("state", **{"as": user}))["views"])


class TestOpen:
    async def test_the_modal_is_on_that_persons_screen(self, client: AsyncWebClient, app: App, page: Page) -> None:
        answer = await client.views_open(trigger_id=await trigger(app, page), view=reason_modal())

        (shown,) = await open_views(page)
        assert shown["id"] == answer["view"]["id"]
        assert shown["view"]["private_metadata"] == "D-1042:2"
        assert shown["view"]["state"]["values"] == {"reason": {"text": {"type": "plain_text_input", "value": None}}}
        assert (answer["view"]["root_view_id"], answer["view"]["previous_view_id"]) == (shown["id"], None)
        assert await open_views(page, BOB) == []

    async def test_a_trigger_is_good_for_one_view(self, client: AsyncWebClient, app: App, page: Page) -> None:
        issued = await trigger(app, page)
        await client.views_open(trigger_id=issued, view=reason_modal())

        with pytest.raises(SlackApiError, match="exchanged_trigger_id"):
            await client.views_open(trigger_id=issued, view=reason_modal())

    async def test_a_trigger_lasts_three_seconds(
        self, client: AsyncWebClient, app: App, page: Page, clock: Clock
    ) -> None:
        in_time, too_late = await trigger(app, page), await trigger(app, page)
        clock.forward(3)
        assert (await client.views_open(trigger_id=in_time, view=reason_modal()))["ok"]

        clock.forward(0.1)
        with pytest.raises(SlackApiError, match="expired_trigger_id"):
            await client.views_open(trigger_id=too_late, view=reason_modal())

    async def test_an_invented_trigger(self, client: AsyncWebClient) -> None:
        with pytest.raises(SlackApiError, match="invalid_trigger_id"):
            await client.views_open(trigger_id="1.2.3", view=reason_modal())

    async def test_a_bad_view_is_told_with_pointers(self, client: AsyncWebClient, app: App, page: Page) -> None:
        long = {"type": "plain_text", "text": "x" * 25}
        with pytest.raises(SlackApiError) as refused:
            await client.views_open(trigger_id=await trigger(app, page), view=reason_modal(title=long))

        assert refused.value.response["error"] == "invalid_arguments"
        assert refused.value.response["response_metadata"]["messages"] == [
            "[ERROR] failed to match all allowed schemas [json-pointer:/view]",
            "[ERROR] must be less than 25 characters [json-pointer:/view/title/text]",
        ]

    async def test_a_home_is_not_opened(self, client: AsyncWebClient, app: App, page: Page) -> None:
        with pytest.raises(SlackApiError, match="invalid_arguments"):
            await client.views_open(
                trigger_id=await trigger(app, page), view={"type": "home", "blocks": [section("hi")]}
            )

    async def test_a_new_command_replaces_the_stack(self, client: AsyncWebClient, app: App, page: Page) -> None:
        await client.views_open(trigger_id=await trigger(app, page), view=reason_modal())
        second = await client.views_open(trigger_id=await trigger(app, page), view=reason_modal())

        assert [one["id"] for one in await open_views(page)] == [second["view"]["id"]]

    async def test_an_external_id_is_unique(self, client: AsyncWebClient, app: App, page: Page) -> None:
        await client.views_open(trigger_id=await trigger(app, page), view=reason_modal(external_id="one"))
        with pytest.raises(SlackApiError, match="duplicate_external_id"):
            await client.views_open(trigger_id=await trigger(app, page, BOB), view=reason_modal(external_id="one"))


class TestPush:
    async def test_a_stack_of_three(self, client: AsyncWebClient, app: App, page: Page) -> None:
        first = await client.views_open(trigger_id=await trigger(app, page), view=reason_modal(blocks=[PICK]))
        second = await client.views_push(
            trigger_id=await trigger_in(app, page, first["view"]["id"]), view=reason_modal(blocks=[PICK])
        )
        third = await client.views_push(
            trigger_id=await trigger_in(app, page, second["view"]["id"]), view=reason_modal(blocks=[PICK])
        )

        assert third["view"]["previous_view_id"] == second["view"]["id"]
        assert third["view"]["root_view_id"] == first["view"]["id"]
        assert [one["top"] for one in await open_views(page)] == [False, False, True]
        with pytest.raises(SlackApiError, match="push_limit_reached"):
            await client.views_push(
                trigger_id=await trigger_in(app, page, third["view"]["id"]), view=reason_modal(blocks=[PICK])
            )

    async def test_not_from_a_command(self, client: AsyncWebClient, app: App, page: Page) -> None:
        with pytest.raises(SlackApiError, match="not_found"):
            await client.views_push(trigger_id=await trigger(app, page), view=reason_modal())


class TestUpdate:
    async def test_by_id_with_the_last_hash(self, client: AsyncWebClient, app: App, page: Page) -> None:
        opened = (await client.views_open(trigger_id=await trigger(app, page), view=reason_modal()))["view"]
        updated = await client.views_update(
            view_id=opened["id"], hash=opened["hash"], view=reason_modal(blocks=[section("Planning…")])
        )

        (shown,) = await open_views(page)
        assert shown["view"]["blocks"][0]["text"]["text"] == "Planning…"
        assert updated["view"]["hash"] != opened["hash"]
        with pytest.raises(SlackApiError, match="hash_conflict"):
            await client.views_update(view_id=opened["id"], hash=opened["hash"], view=reason_modal())

    async def test_by_external_id(self, client: AsyncWebClient, app: App, page: Page) -> None:
        await client.views_open(trigger_id=await trigger(app, page), view=reason_modal(external_id="one"))

        assert (await client.views_update(external_id="one", view=reason_modal(external_id="one")))["ok"]

    async def test_of_nothing(self, client: AsyncWebClient, app: App, page: Page) -> None:
        with pytest.raises(SlackApiError, match="invalid_arguments"):
            await client.api_call("views.update", json={"view": reason_modal()})
        with pytest.raises(SlackApiError, match="invalid_arguments"):
            await client.api_call("views.open", json={"trigger_id": await trigger(app, page)})

    async def test_of_one_that_was_closed(self, client: AsyncWebClient, app: App, page: Page) -> None:
        opened = (await client.views_open(trigger_id=await trigger(app, page), view=reason_modal()))["view"]
        await page.post("close", user=ALICE, view=opened["id"])

        with pytest.raises(SlackApiError, match="not_found"):
            await client.views_update(view_id=opened["id"], view=reason_modal())

    async def test_keeps_what_was_typed(self, client: AsyncWebClient, app: App, page: Page) -> None:
        opened = (await client.views_open(trigger_id=await trigger(app, page), view=reason_modal()))["view"]
        await page.post("submit", user=ALICE, view=opened["id"], values={"reason": {"text": "no"}})
        updated = await client.views_update(view_id=opened["id"], view=reason_modal())

        assert updated["view"]["state"]["values"]["reason"]["text"]["value"] == "no"


class TestHome:
    HOME = {"type": "home", "blocks": [section("Hello"), PICK]}  # noqa: RUF012 - never changed

    async def test_is_published_for_one_person(self, client: AsyncWebClient, page: Page) -> None:
        first = (await client.views_publish(user_id=ALICE, view=self.HOME))["view"]
        second = (await client.views_publish(user_id=ALICE, hash=first["hash"], view=self.HOME))["view"]

        assert second["id"] == first["id"]
        assert list((await page.get("state"))["homes"]) == [ALICE]
        with pytest.raises(SlackApiError, match="hash_conflict"):
            await client.views_publish(user_id=ALICE, hash=first["hash"], view=self.HOME)
        with pytest.raises(SlackApiError, match="user_not_found"):
            await client.views_publish(user_id="U0NOBODY", view=self.HOME)

    async def test_its_buttons_work(self, client: AsyncWebClient, app: App, page: Page) -> None:
        home = (await client.views_publish(user_id=ALICE, view=self.HOME))["view"]
        issued = await trigger_in(app, page, home["id"])

        assert app.last.payload["view"]["type"] == "home"
        assert (await client.views_open(trigger_id=issued, view=reason_modal()))["ok"]
