from __future__ import annotations

from datetime import timedelta
from itertools import pairwise

import pytest

from bot.domain.deploy.deploy import Status
from bot.domain.deploy.promotion import Run
from bot.domain.deploy.versions import is_older, precedence
from tests.clocks import NOON

SEMVER_11 = [
    "1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-alpha.beta", "1.0.0-beta", "1.0.0-beta.2", "1.0.0-beta.11", "1.0.0-rc.1",
    "1.0.0", "2.0.0", "2.1.0", "2.1.1",
]  # fmt: skip
"""The order of the example in item 11 of semver.org."""


@pytest.mark.parametrize(("older", "newer"), [*pairwise(SEMVER_11), ("v2.9.0", "2.10.0"), ("v1.2", "v1.2.0.1")])
def test_semantic_versions_have_an_order(older: str, newer: str):
    assert is_older(older, newer)
    assert not is_older(newer, older)


@pytest.mark.parametrize(("one", "same"), [("v1.2.0", "1.2"), ("1.2.3+a", "1.2.3+b"), ("v1.2.3", "V1.2.3")])
def test_versions_of_the_same_precedence_are_not_older(one: str, same: str):
    assert not is_older(one, same)
    assert not is_older(same, one)


@pytest.mark.parametrize(
    "version", ["latest", "20251130", "1234567", "sha256:" + "1" * 64, "1.2.3-", "1.2.3.4.5", "1.٢"]
)
def test_other_names_are_no_semantic_versions(version: str):
    assert precedence(version) is None


def ran(deploy_id: int, version: str, hours: int | None) -> Run:
    landed = None if hours is None else NOON + timedelta(hours=hours)
    return Run(
        deploy_id=deploy_id, release="r", version=version, status=Status.SUCCEEDED, landed_at=landed, changed_at=NOON
    )


def test_of_other_names_the_one_that_ran_first_is_older():
    runs = [ran(1, "c0ffee1", 2), ran(2, "beef222", 1), ran(3, "c0ffee1", 0), ran(4, "never", None)]

    assert is_older("c0ffee1", "beef222", runs)
    # going forward again after going back is no step back
    assert not is_older("beef222", "c0ffee1", runs)
    assert not is_older("never", "beef222", runs)
    assert not is_older("c0ffee1", "never", runs)
    assert not is_older("c0ffee1", "beef222")
    assert not is_older("c0ffee1", "c0ffee1", runs)


def test_semantic_versions_are_compared_by_name_whatever_ran_first():
    runs = [ran(1, "v2.0.0", 0), ran(2, "v1.9.0", 1)]

    assert not is_older("v2.0.0", "v1.9.0", runs)
    assert is_older("v1.9.0", "v2.0.0", runs)
