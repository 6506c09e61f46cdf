"""Whether one version is older than another: by semantic versioning, else by which of them ran there first."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime
from typing import Final

from bot.domain.deploy.promotion import Run

# one number alone is no version here: a commit hash may have only digits, and a date is not newer than v2
_SEMANTIC: Final = re.compile(
    r"[vV]?(?P<numbers>\d+(?:\.\d+){1,3})(?:-(?P<pre>[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*))?(?:\+[0-9A-Za-z.-]+)?",
    re.ASCII,
)
_LONGEST: Final = 4

Precedence = tuple[tuple[int, ...], bool, tuple[tuple[bool, int, str], ...]]


def precedence(version: str) -> Precedence | None:
    """A key that sorts semantic versions (semver.org, item 11); None if this is none.

    A leading ``v`` and two to four numbers are allowed, because image tags have them; missing numbers are zeros.
    """
    found = _SEMANTIC.fullmatch(version)
    if found is None:
        return None
    numbers = [int(number) for number in found["numbers"].split(".")]
    padded = tuple(numbers + [0] * (_LONGEST - len(numbers)))
    before = tuple(_identifier(each) for each in found["pre"].split(".")) if found["pre"] else ()
    # a version without a pre-release part comes after all of its pre-releases
    return padded, not before, before


def _identifier(text: str) -> tuple[bool, int, str]:
    """Numbers sort before words, numbers by value, words as ASCII."""
    return (False, int(text), "") if text.isdigit() else (True, 0, text)


def is_older(version: str, than: str, runs: Iterable[Run] = ()) -> bool:
    """Whether ``version`` is older than the version ``than``.

    If they are not both semantic versions, the one that ran first among ``runs`` is the older one. False if that tells
    nothing: nobody is told of a step back that may be none.
    """
    mine, other = precedence(version), precedence(than)
    if mine is not None and other is not None:
        return mine < other
    first: dict[str, tuple[datetime, int]] = {}
    for run in runs:
        if run.landed_at is not None:
            landed = (run.landed_at, run.deploy_id)
            first[run.version] = min(first.get(run.version, landed), landed)
    return version in first and than in first and first[version] < first[than]
