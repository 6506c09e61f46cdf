from __future__ import annotations

from bot.domain.deploy.rollout import GroupHealth
from tests.builders import a_rollout


def test_it_counts_over_all_its_groups():
    groups = (GroupHealth(name="web", desired=4, healthy=3), GroupHealth(name="worker", desired=2, healthy=1))

    rollout = a_rollout(groups=groups)

    assert (rollout.healthy, rollout.wanted) == (4, 6)
    assert (a_rollout(groups=()).healthy, a_rollout(groups=()).wanted) == (0, 0)
