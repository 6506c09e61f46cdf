"""``nomatron manifest``: connects the command with the gateway that makes the manifest."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.gateways.slack.manifest import rendered
from handlers.cli import manifest

if TYPE_CHECKING:
    from collections.abc import Sequence


def main(argv: Sequence[str]) -> int:
    """Print or check the manifest; needs no settings and no network."""
    return manifest.execute(manifest.parse(argv), rendered)
