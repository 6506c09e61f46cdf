"""The table of block types (docs.slack.dev, reference/block-kit/blocks) and the surfaces each may appear on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sandbox.slack.blockkit.elements import (
    ELEMENTS,
    IMAGE,
    IN_ACTIONS,
    IN_CONTEXT_ACTIONS,
    IN_INPUT,
    IN_SECTION,
    URL_SOURCE,
)
from sandbox.slack.blockkit.richtext import RICH_TEXT
from sandbox.slack.blockkit.shapes import Anything, Arr, Flag, Obj, Problem, Shape, Str, Typed
from sandbox.slack.blockkit.tables import CHART, DATA_TABLE, TABLE
from sandbox.slack.blockkit.texts import ID, SLACK_FILE, TYPE, URL, plain, text

if TYPE_CHECKING:
    from collections.abc import Iterator

_SECTION_TEXT = text(3000)


def _block(needs: tuple[str, ...] = (), one_of: tuple[str, ...] = (), **fields: Shape) -> Obj:
    return Obj({"type": TYPE, "block_id": ID, **fields}, needs=needs, one_of=one_of)


def _element(allowed: frozenset[str]) -> Typed:
    return Typed(ELEMENTS, allowed)


_TASK_FIELDS: dict[str, Shape] = {
    "type": Str(one_of=frozenset({"task_card"})),  # may be left out inside a plan
    "block_id": ID,
    "task_id": Str(255, 1),
    "title": Str(least=1),
    "details": RICH_TEXT,
    "output": RICH_TEXT,
    "sources": Arr(URL_SOURCE),
    "status": Str(one_of=frozenset({"pending", "in_progress", "complete", "error"})),
}
_TASK = Obj(_TASK_FIELDS, needs=("task_id", "title", "status"))


def _distinct_tasks(value: dict[str, Any], at: str) -> Iterator[Problem]:
    seen: set[str] = set()
    for number, task in enumerate(value["tasks"]):
        if task["task_id"] in seen:
            yield Problem(
                f"{at}/tasks/{number}/task_id", "must be unique in the plan", "duplicate", None, task["task_id"]
            )
        seen.add(task["task_id"])


def _one_icon(value: dict[str, Any], at: str) -> Iterator[Problem]:
    if value.get("icon") is not None and value.get("slack_icon") is not None:
        yield Problem(at, "must define only one of: icon, slack_icon", "mutually_exclusive", None, "both")


def _collapsing(value: dict[str, Any], at: str) -> Iterator[Problem]:
    if value.get("default_collapsed") and not value.get("is_collapsible"):
        yield Problem(at, "default_collapsed needs is_collapsible", "invalid_combination")
    if value.get("has_header_divider") and value.get("is_collapsible"):
        yield Problem(at, "has_header_divider is not for collapsible containers", "invalid_combination")


_CARD = Obj(
    {
        "type": TYPE,
        "block_id": ID,
        "hero_image": IMAGE,
        "icon": IMAGE,
        "slack_icon": Anything(),
        "title": text(150),
        "subtitle": text(150),
        "body": text(200),
        "subtext": text(200),
        "actions": Arr(_element(frozenset({"button"})), 3),
    },
    one_of=("hero_image", "title", "actions", "body"),
    rules=(_one_icon,),
)

BLOCKS: dict[str, Shape] = {
    "actions": _block(("elements",), elements=Arr(_element(IN_ACTIONS), 25, 1)),
    "alert": _block(
        ("text",),
        text=text(200),
        level=Str(one_of=frozenset({"default", "info", "warning", "error", "success"})),
    ),
    "card": _CARD,
    "carousel": _block(("elements",), elements=Arr(Typed({"card": _CARD}), 10, 1)),
    "context": _block(
        ("elements",),
        elements=Arr(Typed({**_SECTION_TEXT.table, **IMAGE.table}), 10, 1),
    ),
    "context_actions": _block(("elements",), elements=Arr(_element(IN_CONTEXT_ACTIONS), 5, 1)),
    "data_table": DATA_TABLE,
    "data_visualization": _block(("title", "chart"), title=Str(50, 1), chart=CHART),
    "divider": _block(),
    "file": _block(("external_id", "source"), external_id=ID, source=Str(one_of=frozenset({"remote"}))),
    "header": _block(("text",), text=plain(150)),
    "image": _block(
        ("alt_text",),
        ("image_url", "slack_file"),
        image_url=URL,
        slack_file=SLACK_FILE,
        alt_text=Str(2000, 1),
        title=plain(2000),
    ),
    "input": _block(
        ("label", "element"),
        label=plain(2000),
        element=_element(IN_INPUT),
        hint=plain(2000),
        optional=Flag(),
        dispatch_action=Flag(),
    ),
    "markdown": _block(("text",), text=Str(12_000, 1)),
    "plan": Obj(
        {"type": TYPE, "block_id": ID, "title": Str(least=1), "tasks": Arr(_TASK, 50)},
        needs=("title", "tasks"),
        rules=(_distinct_tasks,),
    ),
    "rich_text": RICH_TEXT,
    "section": _block(
        one_of=("text", "fields"),
        text=_SECTION_TEXT,
        fields=Arr(text(2000), 10, 1),
        accessory=_element(IN_SECTION),
        expand=Flag(),
    ),
    "table": TABLE,
    "task_card": _TASK,
    "video": _block(
        ("alt_text", "thumbnail_url", "title", "video_url"),
        alt_text=Str(2000),
        thumbnail_url=URL,
        title=plain(199),  # "less than 200 characters", and "less than 50" for the author
        video_url=URL,
        author_name=Str(49),
        description=plain(200),
        provider_icon_url=Str(2000),
        provider_name=Str(50),
        title_url=Str(2000),
    ),
}
_IN_CONTAINER = frozenset(
    {"actions", "context", "divider", "file", "header", "image", "input", "rich_text", "section", "table", "video"}
)
BLOCKS["container"] = Obj(
    {
        "type": TYPE,
        "block_id": ID,
        "title": plain(150),
        "rich_text_title": RICH_TEXT,
        "subtitle": text(150),
        "child_blocks": Arr(Typed(BLOCKS, _IN_CONTAINER), 10, 1),
        "width": Str(one_of=frozenset({"narrow", "standard", "wide", "full"})),
        "icon": IMAGE,
        "is_collapsible": Flag(),
        "default_collapsed": Flag(),
        "has_header_divider": Flag(),
    },
    needs=("child_blocks",),
    one_of=("title", "rich_text_title"),
    rules=(_collapsing,),
)

_MODAL_ONLY = frozenset({"alert"})
_MESSAGE_ONLY = frozenset({"context_actions", "file", "markdown", "plan", "task_card"})
_NOT_IN_MODALS = frozenset({"carousel", "container", "data_table", "data_visualization", "table"})
SURFACES: dict[str, frozenset[str]] = {
    "message": frozenset(BLOCKS) - _MODAL_ONLY,
    "modal": frozenset(BLOCKS) - _MESSAGE_ONLY - _NOT_IN_MODALS,
    "home": frozenset(BLOCKS) - _MESSAGE_ONLY - _MODAL_ONLY,
}
MOST_BLOCKS = {"message": 50, "modal": 100, "home": 100}
