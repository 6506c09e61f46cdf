"""Independent judges of what we send: Slack's own models, slackblocks, and the rules that both of them miss."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import slackblocks as judge
from slack_sdk.models.blocks import Block
from slack_sdk.models.views import View

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bot.gateways.blocks.parts import Message

Json = dict[str, Any]

# every way in which we write something that Slack reads as more than text
_OURS = re.compile(
    r"<@(?P<user>[UW][A-Z0-9]{2,})>"
    r"|<!subteam\^(?P<group>S[A-Z0-9]{2,})>"
    r"|<#(?P<channel>[CDG][A-Z0-9]{2,})>"
    r"|<!date\^[0-9]+\^\{date_short_pretty\} at \{time\}\|[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2} UTC>"
    r"|<!date\^[0-9]+\^\{date_num\} \{time_secs\}\|[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2} UTC>"
    r"|<(?P<link>https?://[^<>|\s]+)\|[^<>|\n]+>"
)
_TRICKS = re.compile("[\u061c\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\x00-\x08\x0b\x0c\x0e-\x1f]")
MOST_TEXT = 13_200
MOST_TABLE_TEXT = 10_000


def assert_sound(message: Message, known: frozenset[str] = frozenset()) -> None:
    """A message that Slack takes, with no mention or link but our own; ``known`` are the ids and links to be seen."""
    assert 0 < len(message.text) <= 4000
    assert len(message.blocks) <= 50
    _assert_own(message.text, known)
    _assert_ids(message.blocks)
    for block in message.blocks:
        _assert_by_sdk(block)
    judge.Message(channel="C1", text=message.text, blocks=[_block(block) for block in message.blocks]).to_dict()
    assert sum(len(text) for text in _texts(list(message.blocks))) <= MOST_TEXT
    _assert_table(message.blocks, known)
    for text in _texts(list(message.blocks), "mrkdwn"):
        _assert_own(text, known)
    assert not _TRICKS.search("".join(_texts(list(message.blocks))) + message.text)


def assert_sound_view(view: Json, known: frozenset[str] = frozenset()) -> None:
    """A modal that Slack takes."""
    assert View(**view).to_dict()["title"] == view["title"]
    judge.ModalView(
        title=_text(view["title"]),
        blocks=[_block(block) for block in view["blocks"]],
        close=_text(view.get("close")),
        submit=_text(view.get("submit")),
        private_metadata=view.get("private_metadata"),
        callback_id=view.get("callback_id"),
    ).to_dict()
    for text in _texts(view["blocks"], "mrkdwn"):
        _assert_own(text, known)


def _assert_own(text: str, known: frozenset[str]) -> None:
    for found in _OURS.finditer(text):
        named = found["user"] or found["group"] or found["channel"] or found["link"]
        assert not named or named in known, f"somebody else's: {found[0]}"
    rest = _OURS.sub("", text)
    assert "<" not in rest, rest


def _assert_ids(blocks: tuple[Json, ...]) -> None:
    named = [block["block_id"] for block in blocks if "block_id" in block]
    assert len(named) == len(set(named))
    for block in blocks:
        clicked = [each["action_id"] for each in block.get("elements", []) if "action_id" in each]
        assert len(clicked) == len(set(clicked))
        assert block.get("elements", True), "an empty row"


def _assert_table(blocks: tuple[Json, ...], known: frozenset[str]) -> None:
    """One table at most, its cells within 10,000 characters, even, never empty, naming nobody and nothing else's."""
    tables = [block for block in blocks if block["type"] == "table"]
    assert len(tables) <= 1
    for table in tables:
        assert sum(len(text) for text in _texts(table["rows"])) <= MOST_TABLE_TEXT
        assert {len(row) for row in table["rows"]} == {len(table["column_settings"])}
        assert all("".join(_texts(cell)) or "user" in str(cell) for row in table["rows"] for cell in row)
        named = [leaf for leaf in _leaves(table["rows"]) if leaf["type"] in {"user", "link", "usergroup", "broadcast"}]
        assert {leaf.get("user_id") or leaf.get("url") for leaf in named} <= known


def _leaves(value: Any) -> Iterator[Json]:
    if isinstance(value, list):
        for each in value:
            yield from _leaves(each)
    elif isinstance(value, dict):
        if "elements" not in value and "type" in value:
            yield value
        for each in value.values():
            yield from _leaves(each)


def _assert_by_sdk(block: Json) -> None:
    parsed = Block.parse(block)
    assert parsed is not None, block["type"]
    assert parsed.to_dict() == block


def _texts(value: Any, kind: str = "") -> Iterator[str]:
    """The texts of all text objects; of one kind where it is named."""
    if isinstance(value, list | tuple):
        for each in value:
            yield from _texts(each, kind)
    elif isinstance(value, dict):
        if isinstance(value.get("text"), str) and kind in {"", value.get("type")}:
            yield value["text"]
        for each in value.values():
            yield from _texts(each, kind)


# --- our JSON as slackblocks' objects, whose constructors do the judging ---


def _block(block: Json) -> Any:
    known = {"block_id": block["block_id"]} if "block_id" in block else {}
    match block["type"]:
        case "section":
            shown = [_text(each) for each in block["fields"]] if "fields" in block else None
            accessory = _element(block["accessory"]) if "accessory" in block else None
            return judge.SectionBlock(text=_text(block.get("text")), fields=shown, accessory=accessory, **known)
        case "header":
            return judge.HeaderBlock(text=_text(block["text"]), **known)
        case "table":
            columns = [judge.ColumnSettings(align=each["align"]) for each in block["column_settings"]]
            rows = [[_cell(cell) for cell in row] for row in block["rows"]]
            return judge.TableBlock(rows=rows, column_settings=columns, **known)
        case "context":
            return judge.ContextBlock(elements=[_text(each) for each in block["elements"]], **known)
        case "actions":
            return judge.ActionsBlock(elements=[_element(each) for each in block["elements"]], **known)
        case "rich_text":
            return judge.RichTextBlock(elements=[_rich(each) for each in block["elements"]], **known)
        case "input":
            label, hint = _text(block["label"]), _text(block.get("hint"))
            return judge.InputBlock(label=label, hint=hint, element=_element(block["element"]), **known)
        case other:
            raise AssertionError(f"no judge for {other}")


def _element(element: Json) -> Any:
    given = {key: value for key, value in element.items() if key != "type"}
    match element["type"]:
        case "button":
            confirm = given.pop("confirm", None)
            asked = judge.ConfirmationDialogue(**_all_text(confirm)) if confirm else None
            return judge.Button(**{**given, "text": _text(given["text"]), "confirm": asked})
        case "overflow":
            return judge.OverflowMenu(
                action_id=given["action_id"], options=[_option(each) for each in given["options"]]
            )
        case "plain_text_input":
            return judge.PlainTextInput(**{**given, "placeholder": _text(given.get("placeholder"))})
        case "static_select":
            chosen = given.get("initial_option")
            return judge.StaticSelectMenu(
                action_id=given["action_id"],
                options=[_option(each) for each in given["options"]],
                initial_option=_option(chosen) if chosen else None,
            )
        case other:
            raise AssertionError(f"no judge for {other}")


def _option(option: Json) -> Any:
    return judge.Option(text=_text(option["text"]), value=option["value"])


def _all_text(composed: Json) -> Json:
    return {key: _text(value) for key, value in composed.items()}


def _rich(element: Json) -> Any:
    assert element["type"] == "rich_text_preformatted"
    return judge.RichTextCodeBlock(elements=[judge.RichText(text=each["text"]) for each in element["elements"]])


def _cell(cell: Json) -> Any:
    if cell["type"] == "raw_text":
        return judge.RawText(cell["text"])
    assert cell["type"] == "rich_text"
    (section,) = cell["elements"]
    return judge.RichTextSection([_leaf(leaf) for leaf in section["elements"]])


def _leaf(leaf: Json) -> Any:
    match leaf["type"]:
        case "text":
            return judge.RichText(text=leaf["text"], **leaf.get("style", {}))
        case "user":
            return judge.RichTextUser(leaf["user_id"])
        case "link":
            return judge.RichTextLink(leaf["url"], leaf["text"])
        case "emoji":
            return judge.RichTextEmoji(leaf["name"])
        case other:
            raise AssertionError(f"no judge for {other}")


def _text(text: Json | None) -> Any:
    if text is None:
        return None
    if text["type"] == "plain_text":
        return judge.PlainText(text["text"], emoji=text["emoji"])
    return judge.Markdown(text["text"], verbatim=text["verbatim"])
