"""Sends people's commands, clicks and shortcuts to the app, and shows the app's immediate answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

from sandbox.slack.app import payloads
from sandbox.slack.app.delivery import Courier, answer_json
from sandbox.slack.app.speaking import speak
from sandbox.slack.inputs import action_entry, chosen_state, initial_state
from sandbox.slack.people.finding import (
    Click,
    channel_for,
    ephemeral_for,
    in_blocks,
    in_message,
    message_for,
    person_of,
    view_for,
)
from sandbox.slack.people.reading import mapping, whole
from sandbox.slack.people.typing_text import escape
from sandbox.slack.posting import whisper
from sandbox.slack.refusals import ControlError, SlackError

if TYPE_CHECKING:
    from sandbox.slack.state import Delivery, Json
    from sandbox.slack.workspace import Channel, Person
    from sandbox.slack.world import World

    Used: TypeAlias = tuple[Json, Json, Click]  # the block, the element in it, and how it was used


def outcome(delivery: Delivery) -> Json:
    """The outcome of a delivery, as the control interface returns it."""
    return {"status": delivery.status, "ms": delivery.ms, "body": delivery.answer, "error": delivery.error}


class Interactions:
    """Sends commands and clicks of people to the app through `courier`."""

    def __init__(self, world: World, courier: Courier) -> None:
        self._world = world
        self._courier = courier

    async def command(self, asked: Json) -> Json:
        """Send a slash command; shows the app's immediate answer to the person, or to everyone for `in_channel`."""
        person = person_of(self._world, asked.get("user"))
        channel = channel_for(self._world, person, asked.get("channel"))
        command, text = str(asked.get("command", "")), str(asked.get("text", ""))
        if not command.startswith("/"):
            raise ControlError("A command starts with a slash, like /deploy.", 400)
        if self._world.workspace.should_escape:
            text = escape(self._world.workspace, text)
        fields = payloads.slash_command(self._world, person, channel, command, text)
        delivery = await self._courier.send_form("slash_command", fields, dict(fields))
        # The answer may turn out to be invalid when it is shown, so check the error again afterwards.
        if delivery.error is None:
            self._show_answer(delivery, fields["response_url"])
        if delivery.error is not None:
            said = f"{command} failed with the error “{delivery.error}”"
            whisper(self._world, channel.id, person.id, said, sender="slackbot")
        return outcome(delivery)

    def _show_answer(self, delivery: Delivery, response_url: str) -> None:
        # Show text that happens to be JSON but not an object ("17") unchanged.
        body = answer_json(delivery)
        if not isinstance(body, dict):
            text = delivery.answer.strip()
            body = {"text": text} if text else {}
        if not body:
            return
        where = self._world.state.response_urls[response_url.partition("/hooks/")[2]]
        try:
            speak(self._world, where, body)
        except SlackError as refused:
            delivery.error = refused.name

    async def act(self, asked: Json) -> Json:
        """Send a click on a button, menu or picker of a message, an ephemeral or a view."""
        person, click = person_of(self._world, asked.get("user")), Click(asked)
        if asked.get("view") is not None:
            payload = self._click_in_view(person, asked["view"], click)
        elif asked.get("ephemeral") is not None:
            payload = self._click_on_ephemeral(person, asked["ephemeral"], click)
        else:
            payload = self._click_on_message(person, asked, click)
        return outcome(await self._courier.send_interaction(payload))

    def _entry(self, block: Json, element: Json, click: Click) -> Json:
        return action_entry(block, element, click.given, self._world.state.new_ts())

    def _gesture(self, person: Person, channel: Channel, blocks: list[Json], used: Used) -> payloads.Gesture:
        block, element, click = used
        state = initial_state(blocks)
        if element["action_id"] in state.get(block["block_id"], {}):
            state[block["block_id"]][element["action_id"]] = chosen_state(element, click.given)
        return payloads.Gesture(person, channel, [self._entry(block, element, click)], state)

    def _click_on_message(self, person: Person, asked: Json, click: Click) -> Json:
        channel = channel_for(self._world, person, asked.get("channel"))
        message = message_for(self._world, channel, asked.get("ts"))
        shown, block, element = in_message(message, click)
        gesture = self._gesture(person, channel, shown.blocks, (block, element, click))
        return payloads.click_on_message(self._world, gesture, message, shown)

    def _click_on_ephemeral(self, person: Person, ephemeral_id: Any, click: Click) -> Json:
        ephemeral = ephemeral_for(self._world, person, ephemeral_id)
        channel = channel_for(self._world, person, ephemeral.channel)
        block, element = in_blocks(ephemeral.blocks, click)
        gesture = self._gesture(person, channel, ephemeral.blocks, (block, element, click))
        return payloads.click_on_ephemeral(self._world, gesture, ephemeral)

    def _click_in_view(self, person: Person, view_id: Any, click: Click) -> Json:
        opened = view_for(self._world, person, view_id)
        block, element = in_blocks(opened.view["blocks"], click)
        if element["action_id"] in opened.inputs.get(block["block_id"], {}):
            opened.inputs[block["block_id"]][element["action_id"]] = chosen_state(element, click.given)
        return payloads.click_in_view(self._world, person, opened, [self._entry(block, element, click)])

    async def options(self, asked: Json) -> Json:
        """Ask the app for the options of an external select for a typed text: `options` or `option_groups`."""
        person = person_of(self._world, asked.get("user"))
        opened = view_for(self._world, person, asked.get("view"))
        block, element = in_blocks(opened.view["blocks"], Click(asked))
        if not element["type"].endswith("external_select"):
            raise ControlError(f"{element['action_id']!r} is not an external select: its options are in the view.", 400)
        names = {"block_id": block["block_id"], "action_id": element["action_id"]}
        payload = payloads.options_request(self._world, person, opened, names, str(asked.get("typed", "")))
        delivery = await self._courier.send_interaction(payload)
        answer = answer_json(delivery)
        return {**outcome(delivery), **(answer if isinstance(answer, dict) and delivery.error is None else {})}

    async def shortcut(self, asked: Json) -> Json:
        """Send a global shortcut of the app, by its callback_id."""
        person = person_of(self._world, asked.get("user"))
        payload = payloads.shortcut(self._world, person, str(asked.get("callback_id", "")))
        return outcome(await self._courier.send_interaction(payload))

    async def raw(self, asked: Json) -> Json:
        """Send bytes unchanged; `sign` adds valid signature headers, for `timestamp` if given."""
        body = str(asked.get("body", "")).encode()
        headers = {str(name): str(value) for name, value in mapping(asked, "headers").items()}
        if asked.get("sign"):
            headers = {**self._courier.signed_headers(body, whole(asked, "timestamp")), **headers}
        delivery = await self._courier.send_raw("raw", body, headers, {})
        return outcome(delivery)
