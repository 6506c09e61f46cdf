"""Dispatch: what an answer to a register means, and what may be concluded from the evidence.

One rule: landed is taken at once; any other way out of DISPATCHING only when no attempt can still be on its way.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

ENQUEUE_LIMIT = timedelta(seconds=35)
"""Nomad gives up a write after 30 s in its queue (``nomad/rpc.go`` enqueueLimit); five more are a margin."""

CONFLICT_TEXT = "Enforcing job modify index"
_UNKNOWN_TEXTS = ("rpc error", "leadership lost", "no cluster leader", "no path to region", "raft", "timeout", "eof")
_VALIDATION_TEXTS = (
    "validation failed", "validation error", "error occurred", "errors occurred", "nonexistent namespace",
    "cannot update job", "missing job", "job id", "namespace", "invalid", "missing", "must be", "must have", "requires",
    "node pool", "not allowed", "unsupported", "task group",
)  # fmt: skip


class Answer(StrEnum):
    """What one attempt's answer says."""

    LANDED = "landed"
    NO_OP = "no-op"
    CONFLICT = "conflict"
    DENIED = "denied"
    NOT_SENT = "not-sent"
    UNKNOWN = "unknown"

    @property
    def definite(self) -> bool:
        """Whether the attempt can no longer take effect after this answer."""
        return self is not Answer.UNKNOWN


def classify(status: int, text: str) -> Answer:
    """What an HTTP answer to a register other than 200 means (the table of ``docs/engine.md``)."""
    said = text.casefold()
    if status == 500 and CONFLICT_TEXT.casefold() in said:
        return Answer.CONFLICT
    if status == 429:
        return Answer.NOT_SENT
    if status in {400, 403}:
        return Answer.DENIED
    if status == 500 and not _any(_UNKNOWN_TEXTS, said) and _any(_VALIDATION_TEXTS, said):
        return Answer.DENIED
    return Answer.UNKNOWN


def _any(texts: Sequence[str], said: str) -> bool:
    return any(text in said for text in texts)


def accepted(job_modify_index: int, eval_create_index: int) -> Answer:
    """What a 200 means: a change has JobModifyIndex = EvalCreateIndex, or makes no evaluation; else it is a no-op."""
    return Answer.LANDED if eval_create_index in {0, job_modify_index} else Answer.NO_OP


class Look(StrEnum):
    """What Nomad's own state says of the attempts."""

    LANDED = "landed"
    UNMOVED = "unmoved"
    ANOTHERS = "anothers"
    UNTRACEABLE = "untraceable"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One register on its way: committed before the request is sent, answered when an answer was read.

    ``taken_over`` is when another worker found it without an answer: its sender may have died, or may only be slow.
    """

    deploy_id: int
    plan: int
    number: int
    at: datetime
    answer: Answer | None = None
    text: str = ""
    taken_over: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting:
    """A look and what it saw: the version that is ours (None: landed, version unknown) and its JobModifyIndex."""

    look: Look
    version: int | None = None
    job_modify_index: int | None = None


class Verdict(StrEnum):
    """What to do with a dispatching deploy."""

    ROLL = "roll"
    UNCHANGED = "unchanged"
    REPLAN = "replan"
    FAIL = "fail"
    RETRY = "retry"
    WAIT = "wait"
    ASK = "ask"


def settled(attempts: Sequence[Attempt], *, now: datetime, write_timeout: timedelta) -> bool:
    """Whether no attempt can still be on its way.

    Every attempt has a definite answer, or Nomad's enqueue limit and the write time-out have passed since the last
    attempt or take-over, whichever is later.
    """
    if all(attempt.answer is not None and attempt.answer.definite for attempt in attempts):
        return True
    last = max(max(attempt.at, attempt.taken_over or attempt.at) for attempt in attempts)
    return now >= last + ENQUEUE_LIMIT + write_timeout


def judge(sighting: Sighting, attempts: Sequence[Attempt], *, is_settled: bool) -> Verdict:
    """What the evidence allows; ``attempts`` in order, those of the current plan."""
    if sighting.look is Look.LANDED:
        return Verdict.ROLL
    if sighting.look is Look.UNKNOWN or not is_settled:
        return Verdict.WAIT
    if sighting.look is Look.UNTRACEABLE:
        return Verdict.ASK
    last = attempts[-1].answer if attempts else None
    if last is Answer.NO_OP and sighting.look is Look.UNMOVED:
        return Verdict.UNCHANGED
    if sighting.look is Look.ANOTHERS:
        return Verdict.REPLAN
    return Verdict.FAIL if last is Answer.DENIED else Verdict.RETRY


def back_off(attempts: int) -> timedelta:
    """How long to wait before the next attempt: 1 s, doubled each time, at most 60 s."""
    return timedelta(seconds=min(60, 2 ** max(0, attempts - 1)))
