"""``nomatron manifest [--url URL] [--check]``: print the Slack app's manifest, or compare it with manifest.yml."""

from __future__ import annotations

import argparse
import difflib
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

FILE = Path("manifest.yml")
DESCRIPTION = (
    "Prints the manifest of the Slack app, or compares it with manifest.yml. Needs no settings and no network."
)


def parse(argv: Sequence[str]) -> argparse.Namespace:
    """The command's arguments."""
    parser = argparse.ArgumentParser(prog="nomatron manifest", description=DESCRIPTION)
    parser.add_argument("--url", help="the address at which Slack reaches this app: https, without a path")
    parser.add_argument(
        "--check", action="store_true", help=f"compare with {FILE} in this folder; exit 1 if it differs"
    )
    return parser.parse_args(argv)


def execute(words: argparse.Namespace, render: Callable[[str | None], str]) -> int:
    """Print or compare the manifest that ``render`` makes; the exit status, 2 if the address is invalid."""
    try:
        text = render(words.url)
    except ValueError as error:
        sys.stderr.write(f"nomatron manifest: {error}\n")
        return 2
    if words.check:
        return _compare(text)
    sys.stdout.write(text)
    return 0


def _compare(text: str) -> int:
    try:
        committed = FILE.read_text("utf-8")
    except OSError as error:
        sys.stderr.write(
            f"nomatron manifest: {FILE} cannot be read ({error.strerror}). Write it: nomatron manifest > {FILE}\n"
        )
        return 1
    if committed == text:
        return 0
    lines = difflib.unified_diff(
        committed.splitlines(keepends=True), text.splitlines(keepends=True), str(FILE), "what the code needs"
    )
    sys.stderr.writelines(lines)
    sys.stderr.write(f"{FILE} is out of date. Update it: nomatron manifest > {FILE}\n")
    return 1
