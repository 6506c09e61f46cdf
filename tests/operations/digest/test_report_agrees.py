"""The digest, its CSV, ``history`` and the audit events say the same of days that were made up at random."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING

import pytest

from tests.operations.agreement import live_and_compare

if TYPE_CHECKING:
    from tests.fakes import World


@pytest.mark.parametrize("seed", [1])
async def test_of_every_span_the_same_is_said_everywhere(bare: World, seed: int):
    happened = await live_and_compare(bare, Random(seed), days=1)

    assert {"deploy.succeeded", "deploy.failed", "deploy.reverted", "deploy.refused", "action.refused"} <= set(happened)
