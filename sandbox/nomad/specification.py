"""When two jobs are the same specification."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sandbox.nomad.records import Json

# what the server writes; a VersionTag and a NomadTokenID are compared, as Nomad does
KEPT_BY_SERVER = frozenset(
    {"Status", "StatusDescription", "Stable", "Version", "CreateIndex", "ModifyIndex", "JobModifyIndex", "SubmitTime"}
)


def same_specification(one: Json, other: Json) -> bool:
    """Whether registering one over the other changes nothing."""
    return specification(one) == specification(other)


def specification(job: Json) -> Json:
    """The job without what the server writes."""
    return {name: value for name, value in job.items() if name not in KEPT_BY_SERVER}
