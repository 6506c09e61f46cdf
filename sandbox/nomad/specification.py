"""Compares the specifications of two jobs."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sandbox.nomad.records import Json

# the fields that the server sets; VersionTag and NomadTokenID are not among them, because Nomad compares those
KEPT_BY_SERVER = frozenset(
    {"Status", "StatusDescription", "Stable", "Version", "CreateIndex", "ModifyIndex", "JobModifyIndex", "SubmitTime"}
)


def same_specification(one: Json, other: Json) -> bool:
    """Whether registering one over the other changes nothing."""
    return specification(one) == specification(other)


def specification(job: Json) -> Json:
    """The job without the fields that the server sets."""
    return {name: value for name, value in job.items() if name not in KEPT_BY_SERVER}
