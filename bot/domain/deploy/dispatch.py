"""Dispatch's evidence rule: what an answer to a register means, and what may be concluded from the evidence.

One rule: landed is taken at once; any other way out of DISPATCHING only when no attempt can still be on its way.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

ENQUEUE_LIMIT = timedelta(seconds=35)
"""Nomad gives up a write after 30 s in its queue (``nomad/rpc.go`` enqueueLimit); five more are a margin."""

CONFLICT_TEXT = "Enforcing job modify index"
# Nomad joins what is wrong with a job as a list; at a register only its validation makes one (structs.go, Job.Validate)
_LIST = re.compile(r"\A\d+ errors? occurred:\s*\* ")
# what begins a finding of that validation, after the list's head or alone
_FINDING = re.compile(
    r"""(?x)
    (?:Task\ (?:group\ )?\S+|(?:Constraint|Affinity|Spread|Task|Task\ group|Update|Migrate|Scaling\ policy)\ \d+)
        \ (?:validation\ failed|redefines|missing\ name|in\ group)
    | (?i:Missing\ (?:job|task|periodic|parameterized|affinity|constraint|spread)\ \w)
    | (?i:job\ (?:ID|Name|type|priority|datacenters?|node\ pool|task\ group|periodic|count)\b\ )
    | Job\ type\ "\w*"\ does\ not\ allow\ \w
    | job\ "[^"]*"\ is\ in\ nonexistent\ (?:namespace|node\ pool)\ "
    | Invalid\ job\ type:
    | (?:Periodic|Parameterized\ job)\ can\ only\ be\ used\ with
    | (?i:System|System\ or\ sysbatch)\ jobs\ (?:may|should)\ not\ have
    | Auto\ Promote\ requires\ a\ Canary\ count
    | (?:Healthy|Progress)\ deadline\ must\ be
    | Minimum\ healthy\ time\ (?:must|may\ not)\ be
    | (?:Max\ parallel|Canary\ count|Task\ group\ count)\ can(?:\ not|'t)\ be
    | Only\ one\ task\ may\ be\ marked\ as\ leader
    """
)
_ALONE = re.compile(r"\Acannot update (?:job from type \"|(?:non-)?(?:periodic|parameterized) job to)")


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
    if status == 500 and _is_validation(text):
        return Answer.DENIED
    return Answer.UNKNOWN


def _is_validation(text: str) -> bool:
    """Whether these are whole phrases of Nomad's validation, which comes before anything is written.

    Anything else may come from after the write was handed on, and then nothing is certain.
    """
    listed = _LIST.match(text)
    begins = listed.end() if listed else 0
    return bool(_ALONE.match(text) or _FINDING.match(text, begins))


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
