"""A running sandbox for all tests of a module: to start and seed one takes longer than most of what is asked of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.e2e.driver import Sandbox, hasty, straight

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def seeded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """A sandbox in which checkout v1.4.1 was the first to run in both environments, and nothing precedes production.

    The tests of a module share it, in any order: each asks for versions of its own, and puts right what it broke.
    """
    with Sandbox(tmp_path_factory.mktemp("seeded"), change=straight) as running:
        yield running.seeded()


@pytest.fixture(scope="module")
def shipped(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """A sandbox with the shipped catalog but for its soak of a second, in which checkout v1.4.1 runs everywhere."""
    with Sandbox(tmp_path_factory.mktemp("shipped"), change=hasty) as running:
        yield running.seeded()
