"""Validates a message's blocks or a view as Slack does: each block by its table, then the rules across blocks."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from sandbox.slack.blockkit.blocks import BLOCKS, MOST_BLOCKS, SURFACES
from sandbox.slack.blockkit.shapes import Arr, Flag, Obj, Problem, Shape, Str, Typed
from sandbox.slack.blockkit.tables import text_in
from sandbox.slack.blockkit.texts import ID, TYPE, plain

if TYPE_CHECKING:
    from collections.abc import Iterator

MARKDOWN_TOTAL = 12_000
# The most blocks of a type in one message: charts by the documentation, the single table by reports of users.
PER_MESSAGE = {"data_visualization": 2, "table": 1}

_TITLE = plain(24)
_VIEW: dict[str, Shape] = {
    "type": TYPE,
    "private_metadata": Str(3000),
    "callback_id": ID,
    "external_id": ID,
}
_MODAL = Obj(
    {
        **_VIEW,
        "blocks": Arr(Typed(BLOCKS, SURFACES["modal"]), MOST_BLOCKS["modal"], 1),
        "title": _TITLE,
        "submit": _TITLE,
        "close": _TITLE,
        "clear_on_close": Flag(),
        "notify_on_close": Flag(),
        "submit_disabled": Flag(),
    },
    needs=("title", "blocks"),
)
_HOME = Obj({**_VIEW, "blocks": Arr(Typed(BLOCKS, SURFACES["home"]), MOST_BLOCKS["home"], 1)}, needs=("blocks",))
_VIEWS = Typed({"modal": _MODAL, "home": _HOME})
_MESSAGE_BLOCKS = Arr(Typed(BLOCKS, SURFACES["message"]), MOST_BLOCKS["message"])


def message_problems(blocks: Any, at: str = "/blocks") -> list[Problem]:
    """All problems for which Slack would refuse the blocks of a message; empty if Slack accepts them."""
    # The rules across blocks need every single block to be valid.
    problems = list(_MESSAGE_BLOCKS.check(blocks, at))
    return problems or [*_across(blocks, at), *_across_message(blocks, at)]


def view_problems(view: Any, at: str = "/view") -> list[Problem]:
    """All problems for which Slack would refuse a modal or an App Home."""
    problems = list(_VIEWS.check(view, at))
    if problems:
        return problems
    # Nobody could submit a modal with inputs but without a button.
    found = list(_across(view["blocks"], f"{at}/blocks"))
    if view["type"] == "modal" and not view.get("submit") and any(one["type"] == "input" for one in view["blocks"]):
        found.append(Problem(at, "missing required field: submit", "missing_required_field", "submit"))
    return found


def text_length(blocks: list[dict[str, Any]]) -> int:
    """The number of characters of all text in the blocks."""
    return text_in(blocks)


def _across(blocks: list[dict[str, Any]], at: str) -> Iterator[Problem]:
    seen: set[str] = set()
    for number, block in enumerate(blocks):
        block_id = block.get("block_id")
        if block_id and block_id in seen:
            yield Problem(f"{at}/{number}/block_id", f"`block_id` {block_id} already exists", "duplicate_block_id")
        seen.add(block_id or "")
        yield from _distinct_actions(block, f"{at}/{number}")


def _distinct_actions(block: dict[str, Any], at: str) -> Iterator[Problem]:
    seen: set[str] = set()
    for where, element in interactive(block):
        action_id = element.get("action_id")
        if action_id and action_id in seen:
            yield Problem(f"{at}{where}/action_id", f"`action_id` {action_id} already exists", "duplicate_action_id")
        seen.add(action_id or "")


def interactive(block: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """All interactive elements of a block, each with its JSON pointer inside the block."""
    for name in ("accessory", "element"):
        if isinstance(block.get(name), dict):
            yield f"/{name}", block[name]
    for name in ("elements", "actions"):
        if block["type"] != "rich_text" and isinstance(block.get(name), list):
            for number, one in enumerate(block[name]):
                yield f"/{name}/{number}", one


def _across_message(blocks: list[dict[str, Any]], at: str) -> Iterator[Problem]:
    counted = Counter(block["type"] for block in blocks)
    for kind, most in PER_MESSAGE.items():
        if counted[kind] > most:
            wording = f"no more than {most} {kind} blocks allowed in a message"
            yield Problem(at, wording, "too_many_items", most, counted[kind])
    markdown = sum(len(block["text"]) for block in blocks if block["type"] == "markdown")
    if markdown > MARKDOWN_TOTAL:
        wording = f"markdown blocks must be less than {MARKDOWN_TOTAL + 1} characters in total"
        yield Problem(at, wording, "too_long", MARKDOWN_TOTAL, markdown)
    for number, block in enumerate(blocks):
        if block["type"] == "task_card" and block["status"] == "pending":
            yield Problem(f"{at}/{number}/status", "only tasks of a plan may be pending", "invalid_enum_value")
