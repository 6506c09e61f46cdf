"""Retention: old ended deploys keep all that people read of them, but not the job's JSON.

It stays for what a plan, a comparison or a way back may still need: the last landings and successes of each service in
each environment (``bot.ports.Store.empty_plans``).
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bot.ports import Ports

log = logging.getLogger(__name__)


async def step(ports: Ports) -> int:
    """Empty some of the plans that nobody needs any more; returns how many."""
    emptied = await ports.store.empty_plans(ports.clock.now() - ports.limits.retention)
    if emptied:
        # no audit event: nothing that the audit log says has changed
        log.info("old plans no longer keep their job", extra={"plans": emptied})
    return emptied
