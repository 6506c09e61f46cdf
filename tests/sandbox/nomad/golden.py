"""Answers of Nomad's own code, kept beside the project where it is developed and nowhere else."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

GOLDEN = Path(__file__).resolve().parents[3].parent / "shared" / "nomad-golden"

needs_golden = pytest.mark.skipif(
    not GOLDEN.is_dir(), reason=f"no recorded answers of Nomad at ../shared/nomad-golden ({GOLDEN})"
)


def rows(name: str) -> list[dict[str, Any]]:
    """The rows of a .jsonl file."""
    return [json.loads(line) for line in (GOLDEN / name).read_text("utf-8").splitlines()]


def answer(name: str) -> dict[str, Any]:
    """One recorded exchange with an agent: request, status, headers, body."""
    loaded: dict[str, Any] = json.loads((GOLDEN / "agent" / f"{name}.json").read_text("utf-8"))
    return loaded
