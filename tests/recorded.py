"""What a real Nomad agent answered, from ``tests/data/nomad``; its README has a line for each file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

RECORDED = Path(__file__).parent / "data" / "nomad"


def answer(name: str) -> dict[str, Any]:
    """One exchange with the agent: ``request``, ``status``, ``headers`` and ``body`` (text if it was no JSON)."""
    found: dict[str, Any] = json.loads((RECORDED / "agent" / f"{name}.json").read_text("utf-8"))
    return found


def transcripts() -> dict[str, Any]:
    """How whole deployments went, step by step, by name."""
    found: dict[str, Any] = json.loads((RECORDED / "deployments.json").read_text("utf-8"))
    return found
