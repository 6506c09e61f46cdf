"""Where pictures are kept, and how large one may be."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from docs.screenshots.screen import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable

    from selenium.webdriver.remote.webelement import WebElement

    from docs.screenshots.screen import Screen

PICTURES = ROOT / "docs" / "pictures"
LARGEST = 450_000
"""Bytes of a picture, a table of forty rows; more does not belong into a repository."""


def save(name: str, png: bytes) -> None:
    """Write a picture; ends the program where it is too large."""
    if len(png) > LARGEST:
        raise SystemExit(f"{name}.png would have {len(png)} bytes, more than {LARGEST}")
    PICTURES.mkdir(exist_ok=True)
    (PICTURES / f"{name}.png").write_bytes(png)
    sys.stdout.write(f"{name}.png {len(png)}\n")


def keep(seen: Screen, name: str, find: Callable[[], WebElement]) -> None:
    """Take a picture of what is found."""
    # a card that is drawn anew between being found and being taken is looked for again
    save(name, seen.until(lambda: find().screenshot_as_png))
