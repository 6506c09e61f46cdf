"""The state of elements: a view's initial state, values from the page, and the entries of `actions`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sandbox.slack.blockkit.validator import interactive
from sandbox.slack.refusals import ControlError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sandbox.slack.state import Json

# Element type -> (the key of the chosen value, the key of the initial value).
_CHOICES: dict[str, tuple[str, str]] = {
    "plain_text_input": ("value", "initial_value"),
    "email_text_input": ("value", "initial_value"),
    "url_text_input": ("value", "initial_value"),
    "number_input": ("value", "initial_value"),
    "rich_text_input": ("rich_text_value", "initial_value"),
    "static_select": ("selected_option", "initial_option"),
    "external_select": ("selected_option", "initial_option"),
    "radio_buttons": ("selected_option", "initial_option"),
    "checkboxes": ("selected_options", "initial_options"),
    "multi_static_select": ("selected_options", "initial_options"),
    "multi_external_select": ("selected_options", "initial_options"),
    "users_select": ("selected_user", "initial_user"),
    "multi_users_select": ("selected_users", "initial_users"),
    "channels_select": ("selected_channel", "initial_channel"),
    "multi_channels_select": ("selected_channels", "initial_channels"),
    "conversations_select": ("selected_conversation", "initial_conversation"),
    "multi_conversations_select": ("selected_conversations", "initial_conversations"),
    "datepicker": ("selected_date", "initial_date"),
    "timepicker": ("selected_time", "initial_time"),
    "datetimepicker": ("selected_date_time", "initial_date_time"),
    "file_input": ("files", "initial_files"),
}
_LISTS = frozenset({"selected_options", "selected_users", "selected_channels", "selected_conversations", "files"})
_BUTTON_FIELDS = ("text", "value", "style")


def initial_state(blocks: list[Json]) -> Json:
    """The initial `state.values` of a surface: block_id, action_id, then the element's state."""
    values: Json = {}
    for block_id, element in _stateful(blocks):
        chosen, first = _CHOICES[element["type"]]
        default: list[Json] | None = [] if chosen in _LISTS else None
        state = {"type": element["type"], chosen: element.get(first, default)}
        values.setdefault(block_id, {})[element["action_id"]] = state
    return values


def _stateful(blocks: list[Json]) -> Iterator[tuple[str, Json]]:
    for block in blocks:
        if block["type"] == "container":
            yield from _stateful(block["child_blocks"])
            continue
        for _, element in interactive(block):
            if element.get("type") in _CHOICES:
                yield block["block_id"], element


def chosen_state(element: Json, given: Any) -> Json:
    """The state of an element after the choice `given`: a text, an option or its value, an id, or a list of these."""
    chosen, _ = _CHOICES[element["type"]]
    return {"type": element["type"], chosen: _convert(element, chosen, given)}


def _convert(element: Json, chosen: str, given: Any) -> Any:
    if chosen in _LISTS:
        several = given if isinstance(given, list) else [given]
        return [_option(element, one) if chosen == "selected_options" else one for one in several if one is not None]
    # A cleared field is null in Slack's payloads, not an empty text.
    if given in (None, ""):
        return None
    if chosen == "selected_option":
        return _option(element, given)
    return str(given) if chosen == "value" else given


def _option(element: Json, given: Any) -> Json:
    """The option with that value; an external select accepts any option that the page sends."""
    if isinstance(given, dict) and "value" in given and element["type"].endswith("external_select"):
        return given
    # Whatever the page sends, the app gets the option from the blocks.
    wanted = given.get("value") if isinstance(given, dict) else given
    groups = [element.get("options") or [], *(group["options"] for group in element.get("option_groups") or [])]
    for option in (one for group in groups for one in group):
        if option["value"] == wanted:
            return {name: option[name] for name in ("text", "value", "description") if name in option}
    raise ControlError(f"There is no option {wanted!r} in {element['action_id']!r}.")


def action_entry(block: Json, element: Json, given: Any, action_ts: str) -> Json:
    """An entry of `actions` in a block_actions payload: the element and, for menus and pickers, the chosen value."""
    entry = {"action_id": element["action_id"], "block_id": block["block_id"], "type": element["type"]}
    if element["type"] in {"button", "icon_button", "workflow_button"}:
        entry |= {name: element[name] for name in _BUTTON_FIELDS if name in element}
    elif element["type"] == "overflow":
        entry["selected_option"] = _option(element, given)
    elif element["type"] == "feedback_buttons":
        pressed = element["positive_button" if given == element["positive_button"]["value"] else "negative_button"]
        entry |= {"text": pressed["text"], "value": pressed["value"]}
    else:
        entry |= chosen_state(element, given)
        entry |= {name: element[name] for name in ("placeholder",) if name in element}
    return {**entry, "action_ts": action_ts}
