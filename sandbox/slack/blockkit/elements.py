"""The interactive elements (docs.slack.dev, reference/block-kit/block-elements) and the blocks that allow them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

from sandbox.slack.blockkit.richtext import RICH_TEXT
from sandbox.slack.blockkit.shapes import Anything, Arr, Flag, Num, Obj, Problem, Rule, Shape, Str, Typed
from sandbox.slack.blockkit.texts import (
    CONFIRM,
    DISPATCH,
    FILTER,
    GROUP,
    ID,
    OPTION,
    RICH_OPTION,
    SLACK_FILE,
    TYPE,
    URL,
    plain,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    Rules: TypeAlias = tuple[Rule, ...]

_COMMON: dict[str, Shape] = {"type": TYPE, "action_id": ID, "confirm": CONFIRM, "focus_on_load": Flag()}
_STYLE = Str(one_of=frozenset({"primary", "danger"}))
_PLACEHOLDER = plain(150)
_DATE = r"\d{4}-\d{2}-\d{2}"
_TIME = r"\d{2}:\d{2}"


def _element(
    fields: Mapping[str, Shape], *, needs: tuple[str, ...] = (), without: tuple[str, ...] = (), rules: Rules = ()
) -> Obj:
    common = {name: shape for name, shape in _COMMON.items() if name not in without}
    return Obj({**common, **fields}, needs=needs, rules=rules)


def _options_or_groups(value: dict[str, Any], at: str) -> Iterator[Problem]:
    if value.get("options") is not None and value.get("option_groups") is not None:
        yield Problem(at, "must define only one of: options, option_groups", "mutually_exclusive", None, "both")


def _in_order(low: str, high: str) -> Rule:
    def rule(value: dict[str, Any], at: str) -> Iterator[Problem]:
        if value.get(low) is not None and value.get(high) is not None and value[low] > value[high]:
            yield Problem(f"{at}/{low}", f"must not be greater than {high}", "too_large", value[high], value[low])

    return rule


def _static(fields: Mapping[str, Shape]) -> Obj:
    chosen: dict[str, Shape] = {"options": Arr(OPTION, 100, 1), "option_groups": Arr(GROUP, 100, 1)}
    everything = {**_COMMON, "placeholder": _PLACEHOLDER, **chosen, **fields}
    return Obj(everything, one_of=("options", "option_groups"), rules=(_options_or_groups,))


def _menu(fields: Mapping[str, Shape]) -> Obj:
    return _element({"placeholder": _PLACEHOLDER, **fields})


_OPTIONS = Arr(OPTION, 100, 1)
_MOST: dict[str, Shape] = {"max_selected_items": Num(1)}
_QUERY: dict[str, Shape] = {"min_query_length": Num(0)}
_CONVERSATION: dict[str, Shape] = {"default_to_current_conversation": Flag(), "filter": FILTER}
_RESPONSE_URL: dict[str, Shape] = {"response_url_enabled": Flag()}
_SELECTS: dict[str, Obj] = {
    "static_select": _static({"initial_option": OPTION}),
    "external_select": _menu({"initial_option": OPTION, **_QUERY}),
    "users_select": _menu({"initial_user": Str()}),
    "channels_select": _menu({"initial_channel": Str(), **_RESPONSE_URL}),
    "conversations_select": _menu({"initial_conversation": Str(), **_CONVERSATION, **_RESPONSE_URL}),
    "multi_static_select": _static({"initial_options": _OPTIONS, **_MOST}),
    "multi_external_select": _menu({"initial_options": _OPTIONS, **_QUERY, **_MOST}),
    "multi_users_select": _menu({"initial_users": Arr(Str()), **_MOST}),
    "multi_channels_select": _menu({"initial_channels": Arr(Str()), **_MOST}),
    "multi_conversations_select": _menu({"initial_conversations": Arr(Str()), **_CONVERSATION, **_MOST}),
}

_LABEL: dict[str, Shape] = {"text": plain(75), "accessibility_label": Str(75)}
_FEEDBACK = Obj({**_LABEL, "value": Str(2000)}, needs=("text", "value"))
_BUTTONS: dict[str, Obj] = {
    "button": _element(
        {**_LABEL, "value": Str(2000), "url": URL, "style": _STYLE, "agent_prompt": Str(4000)},
        needs=("text",),
        without=("focus_on_load",),
    ),
    "workflow_button": _element(
        {**_LABEL, "workflow": Anything(), "style": _STYLE},
        needs=("text", "workflow"),
        without=("confirm", "focus_on_load"),
    ),
    "icon_button": _element(
        {
            **_LABEL,
            "icon": Str(one_of=frozenset({"trash"})),
            "value": Str(2000),
            "visible_to_user_ids": Arr(Str(), 10),
        },
        needs=("icon", "text"),
        without=("focus_on_load",),
    ),
    "overflow": _element({"options": Arr(OPTION, 5, 1)}, needs=("options",), without=("focus_on_load",)),
    "feedback_buttons": _element(
        {"positive_button": _FEEDBACK, "negative_button": _FEEDBACK},
        needs=("positive_button", "negative_button"),
        without=("confirm", "focus_on_load"),
    ),
}


def _field(fields: Mapping[str, Shape], *, needs: tuple[str, ...] = (), rules: Rules = ()) -> Obj:
    """A text input, which has no confirmation."""
    typed: dict[str, Shape] = {"placeholder": _PLACEHOLDER, "dispatch_action_config": DISPATCH}
    return _element({**typed, **fields}, needs=needs, without=("confirm",), rules=rules)


_CHOSEN = Arr(RICH_OPTION, 10, 1)
_INPUTS: dict[str, Obj] = {
    "checkboxes": _element({"options": _CHOSEN, "initial_options": _CHOSEN}, needs=("options",)),
    "radio_buttons": _element({"options": _CHOSEN, "initial_option": RICH_OPTION}, needs=("options",)),
    "datepicker": _menu({"initial_date": Str(pattern=_DATE)}),
    "timepicker": _menu({"initial_time": Str(pattern=_TIME), "timezone": Str(255)}),
    "datetimepicker": _element({"initial_date_time": Num(0, 9_999_999_999)}),
    "plain_text_input": _field(
        {
            "initial_value": Str(3000),
            "multiline": Flag(),
            "min_length": Num(0, 3000),
            "max_length": Num(1, 3000),
        },
        rules=(_in_order("min_length", "max_length"),),
    ),
    "email_text_input": _field({"initial_value": Str(3000)}),
    "url_text_input": _field({"initial_value": Str(3000)}),
    "number_input": _field(
        {"is_decimal_allowed": Flag(), "initial_value": Str(), "min_value": Str(), "max_value": Str()},
        needs=("is_decimal_allowed",),
    ),
    "rich_text_input": _field(
        {"initial_value": RICH_TEXT, "min_lines": Num(1, 100), "max_lines": Num(1, 100)},
        rules=(_in_order("min_lines", "max_lines"),),
    ),
    "file_input": _element({"filetypes": Arr(Str()), "max_files": Num(1, 10)}, without=("confirm", "focus_on_load")),
}


def _one_source(value: dict[str, Any], at: str) -> Iterator[Problem]:
    if value.get("image_url") is not None and value.get("slack_file") is not None:
        yield Problem(at, "must define only one of: image_url, slack_file", "mutually_exclusive", None, "both")


IMAGE = Typed(
    {
        "image": Obj(
            {"type": TYPE, "image_url": URL, "slack_file": SLACK_FILE, "alt_text": Str(2000, 1)},
            needs=("alt_text",),
            one_of=("image_url", "slack_file"),
            rules=(_one_source,),
        )
    }
)
URL_SOURCE = Typed({"url": Obj({"type": TYPE, "url": URL, "text": Str(least=1)}, needs=("url", "text"))})

ELEMENTS: Mapping[str, Shape] = {**_SELECTS, **_BUTTONS, **_INPUTS, **IMAGE.table, **URL_SOURCE.table}

_PICKERS = frozenset({"checkboxes", "radio_buttons", "datepicker", "timepicker"})
IN_SECTION = frozenset(_SELECTS) | _PICKERS | {"button", "overflow", "workflow_button", "image"}
IN_ACTIONS = frozenset(_SELECTS) | _PICKERS | {"button", "overflow", "workflow_button", "datetimepicker"}
IN_INPUT = frozenset(_SELECTS) | frozenset(_INPUTS)
IN_CONTEXT_ACTIONS = frozenset({"feedback_buttons", "icon_button"})
