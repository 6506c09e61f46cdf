"""The evidence rule of a dispatch: what Nomad's answer to a register means, and what may be concluded from it.

"Landed" is accepted at once. Any other conclusion has to wait until no attempt can still be on its way.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from bot.domain.deploy.deploy import Deploy, Status
from bot.domain.refusals import NO_REGION, refuses_job

ENQUEUE_LIMIT = timedelta(seconds=35)
"""Nomad gives up a write that waited 30 s for the leader (docs/nomad.md, "Check-and-set"); five more are a margin."""

CONFLICT_TEXT = "Enforcing job modify index"

_RESOLUTION = re.compile(r"landed (\d{1,15})|not-landed|succeeded|failed")


class Answer(StrEnum):
    """What Nomad's answer to one attempt means."""

    LANDED = "landed"
    ACCEPTED = "accepted"
    """Nomad took the job, and only a look tells whether that made a version."""
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


def classify(status: int, text: str, *, names_region: bool = False) -> Answer:
    """The meaning of an HTTP answer to a register other than 200 (docs/engine.md, Dispatch).

    ``names_region``: the job names another region than the cluster's own, so that a missing one is the job's fault.
    """
    said = text.casefold()
    if status == 500 and CONFLICT_TEXT.casefold() in said:
        return Answer.CONFLICT
    if status == 429:
        return Answer.NOT_SENT
    if status == 400 or (status in {403, 500} and refuses_job(text)):
        return Answer.DENIED
    if status == 403:
        return Answer.FORBIDDEN
    if status == 500 and names_region and NO_REGION in text:
        return Answer.DENIED
    return Answer.UNKNOWN


def classify_success(job_modify_index: int, eval_create_index: int, base_index: int) -> Answer:
    """The meaning of a 200 (docs/nomad.md, "Registers that change nothing").

    A change has JobModifyIndex = EvalCreateIndex. Of a job that makes no evaluation, a no-op answers with an index that
    status changes move too: only one that is not above the base proves it.
    """
    if job_modify_index <= 0:
        # an agent that shuts down answers 200 with zeros, whatever became of the call
        return Answer.UNKNOWN
    if eval_create_index:
        return Answer.LANDED if eval_create_index == job_modify_index else Answer.NO_OP
    if base_index == 0:
        # check-and-set refuses a job that exists, so this one is new
        return Answer.LANDED
    return Answer.ACCEPTED if job_modify_index > base_index else Answer.NO_OP


class Look(StrEnum):
    """What Nomad's own state says about the attempts."""

    LANDED = "landed"
    UNMOVED = "unmoved"
    PURGED = "purged"
    """A new job is not there, but a job with its id was: ours, or one of before."""
    ANOTHERS = "anothers"
    UNTRACEABLE = "untraceable"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One attempt to register, committed before the request is sent; ``answer`` is None until one was read.

    ``dispatch`` is the number of the dispatch that made it: clocks go back, so instants do not tell.
    ``taken_over`` is when another worker found it without an answer. Its sender may be dead, or just slow.
    """

    deploy_id: int
    plan: int
    number: int
    at: datetime
    answer: Answer | None = None
    text: str = ""
    taken_over: datetime | None = None
    dispatch: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting:
    """What a look at Nomad found: our job version (None: landed, version unknown) and its JobModifyIndex.

    ``by_person``: Nomad could not tell, and a person did.
    """

    look: Look
    version: int | None = None
    job_modify_index: int | None = None
    by_person: bool = False

    @property
    def made(self) -> dict[str, str | int]:
        """What Nomad made, as the audit log has it: the index as text (empty if unknown), and the version (-1)."""
        version = -1 if self.version is None else self.version
        return {"job_modify_index": str(self.job_modify_index or ""), "job_version": version}


class Verdict(StrEnum):
    """What to do with a dispatching deploy."""

    ROLL = "roll"
    UNCHANGED = "unchanged"
    REPLAN = "replan"
    FAIL = "fail"
    RETRY = "retry"
    WAIT = "wait"
    ASK = "ask"


_WITHOUT_PROOF = frozenset({Look.PURGED, Look.UNTRACEABLE})
_MAY_HAVE_LANDED = frozenset({None, Answer.UNKNOWN, Answer.ACCEPTED})


def unproven(attempts: Iterable[Attempt]) -> frozenset[int]:
    """The numbers of the plans of which an attempt may be in Nomad, or still come there, for all that is known."""
    return frozenset(attempt.plan for attempt in attempts if attempt.answer in _MAY_HAVE_LANDED)


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
    """What a person can say: the first two of a deploy in DISPATCHING, the others of a rollout that has not ended."""

    LANDED = "landed"
    NOT_LANDED = "not-landed"
    SUCCEEDED = "succeeded"
    FAILED = "failed"

    @property
    def needs(self) -> Status:
        """The state that a deploy has to be in, unless it has ended and a rollout of it has not."""
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


# the permission may be nobody's, or Slack away
_ON_THE_HOST: Final = "An operator can use `nomatron resolve` on the host instead."


def how_to_resolve(deploy: Deploy) -> str:
    """A sentence that says what to type, for a deploy in DISPATCHING, or with a rollout that has not ended."""
    if deploy.status is Status.DISPATCHING:
        return (
            f"Look at the job in Nomad, then: `/deploy resolve {deploy.number} landed VERSION because TEXT` with its "
            f"job version, or `/deploy resolve {deploy.number} not-landed because TEXT`. {_ON_THE_HOST}"
        )
    text = f"If Nomad will never say how it ended: `/deploy resolve {deploy.number} succeeded|failed because TEXT`."
    return f"{text} {_ON_THE_HOST}"


def or_resolved(
    sighting: Sighting, resolution: Resolution | None, *, is_settled: bool, is_unreadable: bool
) -> Sighting:
    """The sighting; a person's word instead, if Nomad cannot tell and no attempt can still be on its way.

    A look that failed decides nothing: the next one may show what happened. Only if Nomad ``is_unreadable``, long
    after the last attempt, the word counts without one.
    """
    cannot_tell = sighting.look in _WITHOUT_PROOF or (sighting.look is Look.UNKNOWN and is_unreadable)
    if resolution is None or not is_settled or not cannot_tell:
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
    if sighting.look in _WITHOUT_PROOF and any(attempt.answer in _MAY_HAVE_LANDED for attempt in attempts):
        return Verdict.ASK
    last = attempts[-1].answer if attempts else None
    # only with an unchanged base: after another writer's change "no new version" is about the job as it was then
    if last in {Answer.NO_OP, Answer.ACCEPTED} and sighting.look is Look.UNMOVED:
        return Verdict.UNCHANGED
    if sighting.look in {Look.ANOTHERS, Look.UNTRACEABLE}:
        return Verdict.REPLAN
    return Verdict.FAIL if last in {Answer.DENIED, Answer.FORBIDDEN} else Verdict.RETRY


def back_off(attempts: int) -> timedelta:
    """How long to wait before the next attempt: 1 s, doubled each time, at most 60 s."""
    return timedelta(seconds=min(60, 2 ** max(0, attempts - 1)))
