"""The evidence rule of a dispatch: what Nomad's answer to a register means, and what may be concluded from it.

"Landed" is accepted at once. Any other conclusion has to wait until no attempt can still be on its way.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from bot.domain.deploy.deploy import Deploy, Status

ENQUEUE_LIMIT = timedelta(seconds=35)
"""Nomad gives up a write that waited 30 s for the leader (docs/nomad.md, "Check-and-set"); five more are a margin."""

CONFLICT_TEXT = "Enforcing job modify index"
# Nomad lists everything that is wrong with a job; a register only does so from its validation (docs/nomad.md,
# "Multi-errors")
_LIST = re.compile(r"\A\d+ errors? occurred:\s*\* ")
# how a finding of that validation starts, alone or after the head of the list
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

_RESOLUTION = re.compile(r"landed (\d{1,15})|not-landed|succeeded|failed")


class Answer(StrEnum):
    """What Nomad's answer to one attempt means."""

    LANDED = "landed"
    NO_OP = "no-op"
    CONFLICT = "conflict"
    DENIED = "denied"
    """Nomad refuses the job itself."""
    FORBIDDEN = "forbidden"
    """Nomad does not let our token register the job (403)."""
    NOT_SENT = "not-sent"
    UNKNOWN = "unknown"

    @property
    def definite(self) -> bool:
        """Whether the attempt can no longer take effect after this answer."""
        return self is not Answer.UNKNOWN


def classify(status: int, text: str) -> Answer:
    """The meaning of an HTTP answer to a register other than 200 (docs/engine.md, Dispatch)."""
    said = text.casefold()
    if status == 500 and CONFLICT_TEXT.casefold() in said:
        return Answer.CONFLICT
    if status == 429:
        return Answer.NOT_SENT
    if status == 403:
        return Answer.FORBIDDEN
    if status == 400:
        return Answer.DENIED
    if status == 500 and _is_validation(text):
        return Answer.DENIED
    return Answer.UNKNOWN


def _is_validation(text: str) -> bool:
    """Whether the text consists of phrases of Nomad's validation, which runs before anything is written.

    Any other text may come from a later step, after the write was handed on, so it proves nothing.
    """
    listed = _LIST.match(text)
    begins = listed.end() if listed else 0
    return bool(_ALONE.match(text) or _FINDING.match(text, begins))


def classify_success(job_modify_index: int, eval_create_index: int) -> Answer:
    """The meaning of a 200: landed if JobModifyIndex = EvalCreateIndex or there is no evaluation, otherwise a no-op.

    docs/nomad.md, "Registers that change nothing" and "Jobs without a deployment".
    """
    return Answer.LANDED if eval_create_index in {0, job_modify_index} else Answer.NO_OP


class Look(StrEnum):
    """What Nomad's own state says about the attempts."""

    LANDED = "landed"
    UNMOVED = "unmoved"
    ANOTHERS = "anothers"
    UNTRACEABLE = "untraceable"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One attempt to register, committed before the request is sent; ``answer`` is None until one was read.

    ``taken_over`` is when another worker found it without an answer. Its sender may be dead, or just slow.
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
    """What a look at Nomad found: our job version (None: landed, version unknown) and its JobModifyIndex.

    ``by_person``: Nomad could not tell, and a person did.
    """

    look: Look
    version: int | None = None
    job_modify_index: int | None = None
    by_person: bool = False


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
    # one unanswered attempt keeps all open: it may land after a later attempt was refused
    if all(attempt.answer is not None and attempt.answer.definite for attempt in attempts):
        return True
    last = max(max(attempt.at, attempt.taken_over or attempt.at) for attempt in attempts)
    return now >= last + ENQUEUE_LIMIT + write_timeout


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
    found = _RESOLUTION.fullmatch(text)
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


def or_resolved(sighting: Sighting, resolution: Resolution | None, *, is_settled: bool) -> Sighting:
    """The sighting; a person's word instead, if Nomad cannot tell and no attempt can still be on its way."""
    if resolution is None or not is_settled or sighting.look not in {Look.UNTRACEABLE, Look.UNKNOWN}:
        return sighting
    if resolution.result is Result.LANDED:
        return Sighting(look=Look.LANDED, version=resolution.version, by_person=True)
    return Sighting(look=Look.ANOTHERS, by_person=True)


def judge(sighting: Sighting, attempts: Sequence[Attempt], *, is_settled: bool) -> Verdict:
    """What the evidence allows to do; ``attempts`` are those of the current plan, in order."""
    # proof that it landed is final: no later answer can undo it
    if sighting.look is Look.LANDED:
        return Verdict.ROLL
    if sighting.look is Look.UNKNOWN or not is_settled:
        return Verdict.WAIT
    if sighting.look is Look.UNTRACEABLE:
        return Verdict.ASK
    last = attempts[-1].answer if attempts else None
    # only with an unchanged base: after another writer's change "no new version" is about the job as it was then
    if last is Answer.NO_OP and sighting.look is Look.UNMOVED:
        return Verdict.UNCHANGED
    if sighting.look is Look.ANOTHERS:
        return Verdict.REPLAN
    return Verdict.FAIL if last in {Answer.DENIED, Answer.FORBIDDEN} else Verdict.RETRY


def back_off(attempts: int) -> timedelta:
    """How long to wait before the next attempt: 1 s, doubled each time, at most 60 s."""
    return timedelta(seconds=min(60, 2 ** max(0, attempts - 1)))
