"""The buttons under a page of a longer list."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from bot.gateways.blocks.parts import actions, button

if TYPE_CHECKING:
    from bot.gateways.blocks.parts import Json

OLDER: Final = "page.older"
NEWEST: Final = "page.newest"
STEPS: Final = "page.steps"


@dataclass(frozen=True, slots=True)
class Pages:
    """The values of the buttons to other pages; empty if there is no such page.

    ``steps`` is the same page with the steps that it leaves out.
    """

    older: str = ""
    newest: str = ""
    steps: str = ""


def turn(pages: Pages, what: str, *, older: str = "Older", newest: str = "Newest") -> list[Json]:
    """The row of buttons, if there is another page. ``what`` the pages list is for screen readers."""
    row = []
    if pages.older:
        row.append(button(older, OLDER, pages.older, hint=f"{older} {what}"))
    if pages.newest:
        row.append(button(newest, NEWEST, pages.newest, hint=f"Back to the {newest.lower()} {what}"))
    if pages.steps:
        row.append(button("All steps", STEPS, pages.steps, hint="Also list the steps of Nomatron itself"))
    return [actions(row)] if row else []
