from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from slack_events.validation import validate_payload

from tests.sandbox.slack.stand import ALICE, BOB, STAGING, App, Page, reason_modal, section

if TYPE_CHECKING:
    from slack_sdk.web.async_client import AsyncWebClient

    from sandbox.slack.server import SimulatedSlack
    from tests.sandbox.slack.stand import Received

GIVEN = {"reason": {"text": "not before Monday"}}


async def opened(client: AsyncWebClient, app: App, page: Page, **more: Any) -> str:
    await page.post("command", user=ALICE, channel=STAGING, command="/deploy", text="")
    answer = await client.views_open(trigger_id=app.last.form["trigger_id"], view=reason_modal(**more))
    return str(answer["view"]["id"])


async def open_views(page: Page) -> list[Any]:
    return list((await page.get("state", **{"as": ALICE}))["views"])


class TestSubmit:
    async def test_carries_the_view_and_what_was_typed(self, client: AsyncWebClient, app: App, page: Page) -> None:
        view = await opened(client, app, page)

        answer = await page.post("submit", user=ALICE, view=view, values=GIVEN)

        sent = app.last.payload
        validate_payload("view_submission", None, sent)
        assert app.last.genuine
        assert (answer["status"], answer["errors"], answer["open"]) == (200, None, False)
        assert (sent["view"]["id"], sent["view"]["type"], sent["view"]["callback_id"]) == (view, "modal", "reject")
        assert sent["view"]["state"]["values"] == {
            "reason": {"text": {"type": "plain_text_input", "value": "not before Monday"}}
        }
        assert sent["view"]["private_metadata"] == "D-1042:2"
        assert (sent["response_urls"], sent["team"]["id"]) == ([], "T0NOMATRON")

    @pytest.mark.parametrize("answer", [None, {}], ids=["empty", "no action"])
    async def test_without_an_action_the_modal_closes(
        self, client: AsyncWebClient, app: App, page: Page, answer: object
    ) -> None:
        view = await opened(client, app, page)
        app.answer = answer

        await page.post("submit", user=ALICE, view=view, values=GIVEN)

        assert await open_views(page) == []

    async def test_errors_stand_at_their_inputs(self, client: AsyncWebClient, app: App, page: Page) -> None:
        view = await opened(client, app, page)
        app.answer = {"response_action": "errors", "errors": {"reason": "Alice asked for it herself."}}

        answer = await page.post("submit", user=ALICE, view=view, values=GIVEN)

        (shown,) = await open_views(page)
        assert answer["errors"] == shown["errors"] == {"reason": "Alice asked for it herself."}
        assert shown["view"]["state"]["values"]["reason"]["text"]["value"] == "not before Monday"

    async def test_update_puts_another_view_in_its_place(self, client: AsyncWebClient, app: App, page: Page) -> None:
        view = await opened(client, app, page)
        (before,) = await open_views(page)
        app.answer = {"response_action": "update", "view": reason_modal(blocks=[section("Planning…")])}

        await page.post("submit", user=ALICE, view=view, values=GIVEN)

        (shown,) = await open_views(page)
        assert shown["id"] == view
        assert shown["view"]["blocks"][0]["text"]["text"] == "Planning…"
        assert shown["view"]["hash"] != before["view"]["hash"]

    async def test_push_and_clear(self, client: AsyncWebClient, app: App, page: Page) -> None:
        view = await opened(client, app, page)
        app.answer = {"response_action": "push", "view": reason_modal()}
        await page.post("submit", user=ALICE, view=view, values=GIVEN)
        below, top = await open_views(page)
        assert (below["id"], top["view"]["previous_view_id"]) == (view, view)

        app.answer = {"response_action": "clear"}
        await page.post("submit", user=ALICE, view=top["id"], values=GIVEN)

        assert await open_views(page) == []

    async def test_an_empty_answer_uncovers_the_view_below(self, client: AsyncWebClient, app: App, page: Page) -> None:
        view = await opened(client, app, page)
        app.answer = {"response_action": "push", "view": reason_modal()}
        await page.post("submit", user=ALICE, view=view, values=GIVEN)
        _, top = await open_views(page)
        app.answer = None

        await page.post("submit", user=ALICE, view=top["id"], values=GIVEN)

        assert [(one["id"], one["top"]) for one in await open_views(page)] == [(view, True)]

    @pytest.mark.parametrize(
        "answer",
        [
            {"response_action": "errors", "errors": {"nowhere": "x"}},
            {"response_action": "errors", "errors": {}},
            {"response_action": "update", "view": {"type": "modal", "blocks": []}},
            {"response_action": "explode"},
        ],
        ids=["errors of no input", "no errors", "bad view", "unknown action"],
    )
    async def test_an_answer_slack_cannot_follow(
        self, client: AsyncWebClient, app: App, page: Page, answer: dict[str, Any]
    ) -> None:
        view = await opened(client, app, page)
        app.answer = answer

        said = await page.post("submit", user=ALICE, view=view, values=GIVEN)

        assert said["error"].startswith("invalid_")
        (shown,) = await open_views(page)
        assert shown["errors"] == {"*": "We had some trouble connecting. Try again?"}

    async def test_no_answer_leaves_the_modal_with_words(
        self, client: AsyncWebClient, app: App, page: Page, slack: SimulatedSlack
    ) -> None:
        view = await opened(client, app, page)
        app.hold, slack.courier.patience = True, 0.05

        said = await page.post("submit", user=ALICE, view=view, values=GIVEN)

        assert (said["error"], said["open"]) == ("operation_timeout", True)
        assert said["errors"] == {"*": "We had some trouble connecting. Try again?"}

    async def test_a_view_updated_while_the_app_thinks(self, client: AsyncWebClient, app: App, page: Page) -> None:
        view = await opened(client, app, page)

        async def update(_: Received) -> None:
            await client.views_update(view_id=view, view=reason_modal(blocks=[section("Working…")]))

        app.meanwhile = update
        app.answer = {"response_action": "update", "view": reason_modal(blocks=[section("Done")])}
        await page.post("submit", user=ALICE, view=view, values=GIVEN)

        (shown,) = await open_views(page)
        assert shown["view"]["blocks"][0]["text"]["text"] == "Done"


class TestClient:
    @pytest.mark.parametrize(
        ("typed", "said"),
        [("", "Please complete this required field."), ("no", "This must be at least 3 characters long.")],
    )
    async def test_holds_back_what_does_not_fit(
        self, client: AsyncWebClient, app: App, page: Page, typed: str, said: str
    ) -> None:
        view = await opened(client, app, page)
        before = len(app.received)

        answer = await page.post("submit", user=ALICE, view=view, values={"reason": {"text": typed}})

        assert answer["errors"] == {"reason": said}
        assert len(app.received) == before
        assert (await open_views(page))[0]["errors"] == {"reason": said}

    async def test_unless_told_not_to(self, client: AsyncWebClient, app: App, page: Page) -> None:
        view = await opened(client, app, page)

        await page.post("submit", user=ALICE, view=view, values={"reason": {"text": ""}}, unchecked=True)

        assert app.last.payload["view"]["state"]["values"]["reason"]["text"]["value"] is None

    async def test_inputs_of_every_kind(self, client: AsyncWebClient, app: App, page: Page) -> None:
        label = {"type": "plain_text", "text": "x"}
        options = [{"text": label, "value": "a"}, {"text": label, "value": "b"}]
        elements: list[tuple[dict[str, Any], Any, dict[str, Any]]] = [
            ({"type": "static_select", "options": options}, "b", {"selected_option": options[1]["value"]}),
            ({"type": "multi_static_select", "options": options}, ["a", "b"], {"selected_options": ["a", "b"]}),
            ({"type": "checkboxes", "options": options}, ["a"], {"selected_options": ["a"]}),
            ({"type": "users_select"}, BOB, {"selected_user": BOB}),
            ({"type": "datepicker"}, "2026-11-22", {"selected_date": "2026-11-22"}),
            ({"type": "number_input", "is_decimal_allowed": False}, 3, {"value": "3"}),
        ]
        blocks = [
            {"type": "input", "block_id": f"b{n}", "label": label, "element": {**element, "action_id": "a"}}
            for n, (element, _, _) in enumerate(elements)
        ]
        view = await opened(client, app, page, blocks=blocks)
        values = {f"b{n}": {"a": given} for n, (_, given, _) in enumerate(elements)}

        await page.post("submit", user=ALICE, view=view, values=values)

        got = app.last.payload["view"]["state"]["values"]
        for n, (element, _, expected) in enumerate(elements):
            state = got[f"b{n}"]["a"]
            assert state.pop("type") == element["type"]
            assert {name: _values(value) for name, value in state.items()} == expected

    async def test_an_input_that_is_not_there(self, client: AsyncWebClient, app: App, page: Page) -> None:
        view = await opened(client, app, page)

        refused = await page.post("submit", status=400, user=ALICE, view=view, values={"why": {"text": "x"}})

        assert "reason" in refused["error"]

    async def test_values_in_another_form(self, client: AsyncWebClient, app: App, page: Page) -> None:
        view = await opened(client, app, page)

        await page.post("submit", status=400, user=ALICE, view=view, values={"reason": "x"})

    async def test_a_home_is_not_submitted(self, client: AsyncWebClient, app: App, page: Page) -> None:
        home = (await client.views_publish(user_id=ALICE, view={"type": "home", "blocks": [section("hi")]}))["view"]

        await page.post("submit", status=400, user=ALICE, view=home["id"])

    async def test_somebody_elses_modal(self, client: AsyncWebClient, app: App, page: Page) -> None:
        view = await opened(client, app, page)

        await page.post("submit", status=404, user=BOB, view=view, values=GIVEN)


def _values(state: Any) -> Any:
    if isinstance(state, list):
        return [_values(one) for one in state]
    return state["value"] if isinstance(state, dict) else state


class TestClose:
    async def test_is_told_only_where_asked_for(self, client: AsyncWebClient, app: App, page: Page) -> None:
        view = await opened(client, app, page)
        await page.post("close", user=ALICE, view=view)
        assert app.last.form["command"] == "/deploy"

        view = await opened(client, app, page, notify_on_close=True)
        await page.post("close", user=ALICE, view=view)

        sent = app.last.payload
        validate_payload("view_closed", None, sent)
        assert (sent["view"]["id"], sent["is_cleared"]) == (view, False)
        assert await open_views(page) == []

    async def test_clear_on_close_takes_the_stack(self, client: AsyncWebClient, app: App, page: Page) -> None:
        view = await opened(client, app, page)
        app.answer = {"response_action": "push", "view": reason_modal(clear_on_close=True, notify_on_close=True)}
        await page.post("submit", user=ALICE, view=view, values=GIVEN)
        _, top = await open_views(page)

        await page.post("close", user=ALICE, view=top["id"])

        assert app.last.payload["is_cleared"] is True
        assert await open_views(page) == []
