"""A person's word on a deploy whose outcome Nomad cannot tell."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from bot.domain.deploy.deploy import Deploy, Status

_FORM = re.compile(r"landed (\d{1,15})|not-landed|succeeded|failed")


class Result(StrEnum):
    """What a person can say: the first two of a deploy in DISPATCHING, the others of one in ROLLING."""

    LANDED = "landed"
    NOT_LANDED = "not-landed"
    SUCCEEDED = "succeeded"
    FAILED = "failed"

    @property
    def needs(self) -> Status:
        """The state that a deploy has to be in."""
        return Status.DISPATCHING if self in {Result.LANDED, Result.NOT_LANDED} else Status.ROLLING


@dataclass(frozen=True, slots=True)
class Resolution:
    """What a person says became of a deploy; ``version`` is the job version that it landed as."""

    result: Result
    version: int | None = None

    def __str__(self) -> str:
        return self.result if self.version is None else f"{self.result} {self.version}"


def resolution_from(text: str) -> Resolution | None:
    """The resolution that ``str()`` wrote; None if there is none."""
    found = _FORM.fullmatch(text)
    if found is None:
        return None
    return Resolution(Result(text.split(maxsplit=1)[0]), int(found[1]) if found[1] else None)


def how_to_resolve(deploy: Deploy) -> str:
    """A sentence that says what to type, for a deploy in DISPATCHING or ROLLING."""
    if deploy.status is Status.DISPATCHING:
        return (
            f"Look at the job in Nomad, then: `/deploy resolve {deploy.number} landed VERSION because TEXT` with its "
            f"job version, or `/deploy resolve {deploy.number} not-landed because TEXT`."
        )
    return f"If Nomad will never say how it ended: `/deploy resolve {deploy.number} succeeded|failed because TEXT`."
