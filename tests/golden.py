"""Other people's jobspecs, with Nomad's own answers: no part of this repository. Tests that need them skip without."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

GOLDEN = Path(__file__).parents[2] / "shared" / "nomad-golden"

needs_golden = pytest.mark.skipif(
    not GOLDEN.is_dir(), reason=f"other people's jobspecs and plans are not here: there is no {GOLDEN}"
)


def golden_rows(name: str) -> list[dict[str, Any]]:
    """The rows of ``parse.jsonl`` (jobspecs and their jobs) or ``plans.jsonl``; none if the data is not here."""
    path = GOLDEN / name
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()] if path.exists() else []
