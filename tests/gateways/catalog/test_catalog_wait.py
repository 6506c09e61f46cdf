"""The wait after the last approval, as the catalog's files say it."""

from __future__ import annotations

from datetime import timedelta

import pytest


def test_the_wait_is_kept(folder):
    folder.change("    reason: required\n", "    reason: required\n    wait: 10m\n")
    catalog = folder.read().catalog

    assert catalog is not None, folder.errors()
    assert catalog.environments["production"].wait == timedelta(minutes=10)
    assert catalog.environments["staging"].wait == timedelta(0)


@pytest.mark.parametrize("wait", ["12h", "2d"])
def test_a_wait_that_is_not_shorter_than_the_expiry_is_refused(folder, wait):
    folder.change("    reason: required\n", f"    reason: required\n    wait: {wait}\n")

    (found,) = folder.errors()
    assert found.endswith(
        "`wait` is not shorter than `expires` in `production`, so every deploy would expire first; shorten it"
    )


def test_no_duration_is_refused_at_its_line(folder):
    folder.change("    reason: required\n", "    reason: required\n    wait: -5m  # here\n")

    assert folder.errors()[0].startswith(f"{folder.here()[0]}: `wait`: '-5m' is not a duration")
