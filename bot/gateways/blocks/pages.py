"""The buttons under a page of a longer list."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from bot.gateways.blocks.parts import actions, button

if TYPE_CHECKING:
    from bot.gateways.blocks.parts import Json

OLDER: Final = "page.older"
NEWEST: Final = "page.newest"


@dataclass(frozen=True, slots=True)
class Pages:
    """The values of the buttons to other pages; empty if there is no such page."""

    older: str = ""
    newest: str = ""


def turn(pages: Pages, what: str) -> list[Json]:
    """The row of buttons, if there is another page. ``what`` the pages list is for screen readers."""
    row = []
    if pages.older:
        row.append(button("Older", OLDER, pages.older, hint=f"Older {what}"))
    if pages.newest:
        row.append(button("Newest", NEWEST, pages.newest, hint=f"Back to the newest {what}"))
    return [actions(row)] if row else []
