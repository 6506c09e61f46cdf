"""Where the golden data made by Nomad's own code is; tests that want it skip where it is absent."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

GOLDEN = Path(__file__).parents[2] / "shared" / "nomad-golden"


def golden_file(name: str) -> Path:
    """The file, or a skip that says what is missing."""
    path = GOLDEN / name
    if not path.exists():
        pytest.skip(f"Nomad's golden data is not here: {path}")
    return path


def golden_rows(name: str) -> Iterator[dict[str, Any]]:
    """The rows of a file with a JSON object a line."""
    with golden_file(name).open(encoding="utf-8") as lines:
        yield from (json.loads(line) for line in lines)
