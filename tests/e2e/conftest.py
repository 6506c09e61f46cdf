"""A fresh sandbox for each test that asks for one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.e2e.driver import Sandbox, straight

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def sandbox(tmp_path: Path) -> Iterator[Sandbox]:
    """A sandbox in which nothing has happened yet, and nothing comes before production."""
    with Sandbox(tmp_path, "--no-seed", change=straight) as running:
        yield running


@pytest.fixture
def seeded(tmp_path: Path) -> Iterator[Sandbox]:
    """A sandbox in which checkout v1.4.1 runs in both environments, and nothing comes before production."""
    with Sandbox(tmp_path, change=straight) as running:
        yield running.seeded()


@pytest.fixture
def shipped(tmp_path: Path) -> Iterator[Sandbox]:
    """A sandbox with the shipped catalog, in which checkout v1.4.1 runs in both environments."""
    with Sandbox(tmp_path) as running:
        yield running.seeded()
