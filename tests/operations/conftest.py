"""A world with an active catalog, and the steps that the worker takes."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from bot.domain.actor import Operator
from bot.operations.catalog import apply
from bot.ports import Limits
from tests.builders import a_catalog
from tests.clocks import FixedClock
from tests.fakes import HookedStore, World

if TYPE_CHECKING:
    from store import SqlStore


@pytest.fixture
def bare(store: SqlStore) -> World:
    """A world in which no catalog was ever applied."""
    limits = Limits(lease=timedelta(seconds=60), write_timeout=timedelta(seconds=20))
    return World(store=HookedStore(store), clock=FixedClock(), limits=limits)


@pytest.fixture
async def world(bare: World) -> World:
    """A world under ``a_catalog()``."""
    await apply(bare.ports(), Operator("root"), a_catalog())
    return bare
