"""Cells of a table: literal text, people as mentions, links (https://docs.slack.dev/reference/block-kit/blocks)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bot.gateways.blocks.text import cut, is_person, one_line, web_address

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from bot.gateways.blocks.parts import Json

MOST_TABLE: Final = 10_000
"""Characters of all cells of a message's tables (https://docs.slack.dev/reference/block-kit/blocks/table-block)."""
MOST_MESSAGE: Final = 13_000
"""Characters of all of a message's blocks. Slack refuses a message with about 200 more (slackapi/bolt-js#2509)."""
NOTHING: Final = "–"
"""What an empty cell shows: Slack refuses a cell without text."""
_COUNTED: Final = ("text", "url", "user_id", "name")


def raw(text: str, limit: int = 40) -> Json:
    """Literal text on one line: Slack reads no markup in it."""
    return {"type": "raw_text", "text": cut(one_line(text), limit) or NOTHING}


def rich(leaves: Sequence[Json]) -> Json:
    """Leaves of rich text one after the other."""
    return {"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": list(leaves)}]}


def people(users: Iterable[str], most: int = 4) -> Json:
    """People as mentions, side by side; anything that is not a Slack id is shown as text."""
    known = list(dict.fromkeys(users))
    leaves = [leaf for user in known[:most] for leaf in (text(", "), person(user))][1:]
    if not leaves:
        return raw("")
    return rich([*leaves, text(f" +{len(known) - most}")] if len(known) > most else leaves)


def person(user: str) -> Json:
    """A mention; anything that is not a Slack id is shown as text."""
    return {"type": "user", "user_id": user} if is_person(user) else text(cut(one_line(user), 40) or NOTHING)


def text(literal: str, *, bold: bool = False) -> Json:
    """Our own words."""
    return {"type": "text", "text": literal, **({"style": {"bold": True}} if bold else {})}


def bold_with_emoji(emoji: str, words: str) -> Json:
    """Our own words in bold after an emoji: for what should catch the eye."""
    return rich([{"type": "emoji", "name": emoji}, text(f" {words}", bold=True)])


def link_to(label: str, url: str | None) -> Json:
    """A link, or its label alone if there is no address."""
    address = web_address(url) if url else None
    return rich([{"type": "link", "url": address, "text": label}]) if address else raw(label)


def table(rows: Sequence[Sequence[Json]], aligned: Mapping[int, str]) -> Json:
    """A table with its header row first; ``aligned`` has the columns that are not to the left."""
    columns = [{"align": aligned.get(number, "left")} for number in range(len(rows[0]))]
    return {"type": "table", "column_settings": columns, "rows": [list(row) for row in rows]}


def weight(value: object) -> int:
    """The characters of everything in it that Slack may count: texts, addresses, ids, names."""
    if isinstance(value, list | tuple):
        return sum(weight(each) for each in value)
    if not isinstance(value, dict):
        return 0
    own = sum(len(value[key]) for key in _COUNTED if isinstance(value.get(key), str))
    return own + sum(weight(each) for each in value.values())
