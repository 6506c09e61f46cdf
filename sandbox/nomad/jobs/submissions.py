"""The source that a version was made from, kept beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sandbox.nomad.records import JobKey

if TYPE_CHECKING:
    from sandbox.nomad.records import Json
    from sandbox.nomad.state import State

MAX_SOURCE_BYTES = 1_000_000
KEPT_SUBMISSIONS = 6


def size_of(submission: Json) -> int:
    """Bytes that count towards the limit."""
    return sum(len((submission.get(name) or "").encode()) for name in ("Source", "Variables"))


def too_large(submission: Json | None) -> bool:
    """Whether Nomad drops the submission for its size."""
    return submission is not None and size_of(submission) >= MAX_SOURCE_BYTES


def keep_submission(state: State, job: Json, submission: Json) -> None:
    """Store a version's submission, in Nomad's shape."""
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
    # counted on their own: a version may outlive its submission, and a submission its version
    mine = [known for known in state.submissions if known[0] == key]
    mine.sort(key=lambda known: int(state.submissions[known]["JobModifyIndex"]))
    for known in mine[:-KEPT_SUBMISSIONS]:
        del state.submissions[known]


def copy_submission(state: State, source: Json, job: Json) -> None:
    """Give a version the submission of another one, where that has one."""
    key = JobKey(job["Namespace"], job["ID"])
    known = state.submissions.get((key, source["Version"]))
    if known is not None:
        keep_submission(state, job, known)
