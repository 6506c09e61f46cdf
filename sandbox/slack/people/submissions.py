"""Submits and closes modals for people, and applies the app's response actions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sandbox.slack.app import payloads
from sandbox.slack.app.delivery import Courier, answer_json
from sandbox.slack.inputs import chosen_state
from sandbox.slack.people.finding import person_of, view_for
from sandbox.slack.people.interactions import outcome
from sandbox.slack.people.reading import mapping
from sandbox.slack.refusals import ControlError, SlackError
from sandbox.slack.screens import close_modal, open_modal, read_view, replace_view

if TYPE_CHECKING:
    from sandbox.slack.state import Delivery, Json, OpenView
    from sandbox.slack.world import World

TROUBLE = "We had some trouble connecting. Try again?"
WHOLE_VIEW = "*"  # the key of an error for the whole view, not for an input


class Submissions:
    """Submits and closes modals."""

    def __init__(self, world: World, courier: Courier) -> None:
        self._world = world
        self._courier = courier

    async def submit(self, asked: Json) -> Json:
        """Fill in and submit a modal.

        Like Slack's client, does not send a form with an empty or too short required input, unless `unchecked` is set.
        Returns the outcome of the delivery, and the errors that the person now sees.
        """
        person = person_of(self._world, asked.get("user"))
        opened = view_for(self._world, person, asked.get("view"))
        if opened.view["type"] != "modal":
            raise ControlError("An App Home cannot be submitted.", 400)
        self._fill(opened, mapping(asked, "values"))
        missing = {} if asked.get("unchecked") else client_errors(opened)
        if missing:
            opened.errors = missing
            self._world.state.changed()
            return {"status": None, "ms": 0, "body": "", "error": "not sent: the form has errors", "errors": missing}
        delivery = await self._courier.send_interaction(payloads.view_submission(self._world, person, opened))
        # The app may have changed or closed the view by a call meanwhile; its answer applies afterwards.
        self._react(opened, delivery)
        return {**outcome(delivery), "errors": opened.errors, "open": opened.id in self._world.state.views}

    def _fill(self, opened: OpenView, values: Json) -> None:
        for block_id in values:
            for action_id, value in mapping(values, block_id).items():
                element = _element(opened, block_id, action_id)
                opened.inputs[block_id][action_id] = chosen_state(element, value)

    def _react(self, opened: OpenView, delivery: Delivery) -> None:
        if delivery.error is not None:
            self._trouble(opened)
            return
        answer = answer_json(delivery)
        try:
            self._follow(opened, answer if isinstance(answer, dict) else {})
        except SlackError as refused:
            delivery.error = refused.name
            delivery.answer += f"\n{refused.fields.get('response_metadata', '')}"
            self._trouble(opened)

    def _trouble(self, opened: OpenView) -> None:
        opened.errors = {WHOLE_VIEW: TROUBLE}
        self._world.state.changed()

    def _follow(self, opened: OpenView, answer: Json) -> None:
        action = answer.get("response_action")
        if action == "errors":
            opened.errors = _known_errors(opened, answer.get("errors"))
            self._world.state.changed()
        elif action == "update":
            replace_view(self._world, opened, read_view(answer.get("view"), "modal"))
        elif action == "push":
            opened.errors = None
            open_modal(self._world, opened.user, read_view(answer.get("view"), "modal"), above=opened)
        elif action == "clear":
            for one in self._world.state.stack(opened.user):
                close_modal(self._world, one)
        elif action is None:
            close_modal(self._world, opened)
        else:
            raise SlackError("invalid_response_action")

    async def close(self, asked: Json) -> Json:
        """Close a modal, or with `all` (or clear_on_close) the whole stack; notifies the app if it wants that."""
        person = person_of(self._world, asked.get("user"))
        opened = view_for(self._world, person, asked.get("view"))
        cleared = bool(asked.get("all")) or bool(opened.view.get("clear_on_close"))
        closing = self._world.state.stack(person.id) if cleared else [opened]
        # The payloads show the views before they close, so make them first.
        told = [
            payloads.view_closed(self._world, person, one, cleared=cleared)
            for one in reversed(closing)
            if one.view.get("notify_on_close")
        ]
        for one in closing:
            close_modal(self._world, one)
        deliveries = [await self._courier.send_interaction(payload) for payload in told]
        return outcome(deliveries[0]) if deliveries else {"status": None, "ms": 0, "body": "", "error": None}


def _element(opened: OpenView, block_id: str, action_id: str) -> Json:
    if action_id not in opened.inputs.get(block_id, {}):
        known = {block: list(actions) for block, actions in opened.inputs.items()}
        raise ControlError(f"There is no input {block_id!r}/{action_id!r} in this modal. It has {known}.", 400)
    block = next(one for one in opened.view["blocks"] if one["block_id"] == block_id)
    candidates: list[Json] = [block.get("element"), block.get("accessory"), *(block.get("elements") or [])]
    return next(one for one in candidates if one and one.get("action_id") == action_id)


def _known_errors(opened: OpenView, errors: Any) -> dict[str, str]:
    inputs = {block["block_id"] for block in opened.view["blocks"] if block["type"] == "input"}
    # Slack shows errors only at inputs; for any other block, the client shows a general error.
    whole = isinstance(errors, dict) and bool(errors) and all(isinstance(one, str) for one in errors.values())
    if not whole or not set(errors) <= inputs:
        raise SlackError("invalid_errors")
    return dict(errors)


def client_errors(opened: OpenView) -> dict[str, str]:
    """The error that Slack's client shows at each invalid input before it sends anything."""
    errors = {}
    for block in opened.view["blocks"]:
        if block["type"] == "input":
            state = opened.inputs[block["block_id"]][block["element"]["action_id"]]
            said = _client_error(block, next(value for name, value in state.items() if name != "type"))
            if said:
                errors[block["block_id"]] = said
    return errors


def _client_error(block: Json, value: Any) -> str | None:
    if value in (None, "", []):
        return None if block.get("optional") else "Please complete this required field."
    element = block["element"]
    if isinstance(value, str) and len(value) < element.get("min_length", 0):
        return f"This must be at least {element['min_length']} characters long."
    if isinstance(value, str) and len(value) > element.get("max_length", 3000):
        return f"This must be at most {element.get('max_length', 3000)} characters long."
    return None
