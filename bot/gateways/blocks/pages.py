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


def turn(pages: Pages, what: str, *, older: str = "Older", newest: str = "Newest") -> list[Json]:
    """The row of buttons, if there is another page. ``what`` the pages list is for screen readers."""
    row = []
    if pages.older:
        row.append(button(older, OLDER, pages.older, hint=f"{older} {what}"))
    if pages.newest:
        row.append(button(newest, NEWEST, pages.newest, hint=f"Back to the {newest.lower()} {what}"))
    return [actions(row)] if row else []
