"""Our gateway to Slack over the wire, the simulated Slack at the other end."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.slackside import Slackside, slackside

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


@pytest.fixture
async def slack() -> AsyncIterator[Slackside]:
    async with slackside() as running:
        yield running
