"""Submissions: the source text and variables of a job's versions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sandbox.nomad.records import JobKey

if TYPE_CHECKING:
    from sandbox.nomad.records import Json
    from sandbox.nomad.state import State

MAX_SOURCE_BYTES = 1_000_000
KEPT_SUBMISSIONS = 6


def size_of(submission: Json) -> int:
    """The size of a submission in bytes, as the limit counts it."""
    return sum(len((submission.get(name) or "").encode()) for name in ("Source", "Variables"))


def too_large(submission: Json | None) -> bool:
    """Whether Nomad drops the submission because of its size."""
    return submission is not None and size_of(submission) >= MAX_SOURCE_BYTES


def keep_submission(state: State, job: Json, submission: Json) -> None:
    """Store the submission of a version, with Nomad's fields."""
    key = JobKey(job["Namespace"], job["ID"])
    state.submissions[key, job["Version"]] = {
        "Format": submission.get("Format") or "",
        "JobID": job["ID"],
        "JobModifyIndex": job["JobModifyIndex"],
        "Namespace": job["Namespace"],
        "Source": submission.get("Source") or "",
        "VariableFlags": submission.get("VariableFlags") or None,
        "Variables": submission.get("Variables") or "",
        "Version": job["Version"],
    }
    # counted separately: a version may outlive its submission, and a submission its version
    mine = [known for known in state.submissions if known[0] == key]
    mine.sort(key=lambda known: int(state.submissions[known]["JobModifyIndex"]))
    for known in mine[:-KEPT_SUBMISSIONS]:
        del state.submissions[known]


def copy_submission(state: State, source: Json, job: Json) -> None:
    """Copy the submission of one version to another, if it has one."""
    key = JobKey(job["Namespace"], job["ID"])
    known = state.submissions.get((key, source["Version"]))
    if known is not None:
        keep_submission(state, job, known)
