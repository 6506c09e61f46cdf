"""A fresh sandbox for each test that asks for one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.e2e.driver import Sandbox

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def sandbox(tmp_path: Path) -> Iterator[Sandbox]:
    """A sandbox in which nothing has happened yet."""
    with Sandbox(tmp_path, "--no-seed") as running:
        yield running


@pytest.fixture
def seeded(tmp_path: Path) -> Iterator[Sandbox]:
    """A sandbox in which checkout v1.4.1 runs in both environments."""
    with Sandbox(tmp_path) as running:
        yield running.seeded()
