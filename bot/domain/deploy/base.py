"""Traces the live job version back to the deploy that made it, or finds that it was registered outside Nomatron."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from bot.domain.deploy.plan import (
    Base,
    Job,
    JobState,
    job_text,
    scaled_groups,
    state_of,
    without_counts,
    without_server_fields,
)
from bot.domain.deploy.rollout import RolloutKind
from bot.domain.documents import document_of, record_from

_ACCESSOR: Final = 8
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """A job version that a deploy made, or that Nomad's own revert of that deploy made.

    ``version`` and ``revision`` are those of the release, ``plan`` and ``catalog`` (a fingerprint) are those of the
    dispatch. ``restores`` is the job version that the revert restored; None for the deploy's own version.
    """

    deploy_id: int
    version: str
    plan: int
    catalog: str
    kind: RolloutKind
    job_version: int
    job_modify_index: int
    restores: int | None = None
    revision: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Traced:
    """What a plan replaces; ``made`` is its deploy's version if it is ours.

    ``outside`` are job versions in ascending order if the base was registered outside Nomatron: first the newest one
    before it that is ours (or the oldest that Nomad keeps), then every one up to the base.
    """

    base: Base
    made: Made | None = None
    outside: tuple[tuple[int, Job], ...] = ()


def trace(live: Job | None, kept: Sequence[Job], made: Sequence[Made], *, ever: bool = True) -> Traced:
    """Trace the live job (None if there is none); ``kept`` are the versions of the job that Nomad still has.

    ``made`` are the versions that deploys of this service made there, newest deploy first; ``ever``: one of them made
    a version of this very job since it was last purged.
    """
    if live is None:
        return Traced(base=Base(state=JobState.ABSENT))
    life = _Life.of(live, kept, made)
    state = state_of(live)
    source = life.source(int(live["Version"]))
    maker, found = life.maker(source), life.deploy(source)
    reverted = maker is not None and maker.kind is RolloutKind.REVERT
    if maker is None:
        found = life.restored(source)
        reverted = found is not None
    base = Base(state=state, job_version=source, reverted=reverted)
    if found is not None:
        base = replace(base, deploy=found.deploy_id, version=found.version, revision=found.revision)
        return Traced(base=base, made=found)
    first = state is JobState.RUNNING and not ever and not any(map(life.maker, life.jobs))
    origin = life.source(maker.restores) if maker and maker.restores is not None else source
    by = life.jobs.get(origin, {})
    base = replace(base, first=first, token=life.token(origin), at=instant(by.get("SubmitTime")))
    return Traced(base=base, outside=() if first or reverted else life.since_ours(source))


def no_longer_kept(live: Job, kept: Sequence[Job], made: Sequence[Made]) -> tuple[Made, bool] | None:
    """The deploy behind our newest version of the live job, and whether Nomad's revert restored it.

    None if Nomad still keeps that version, so that ``trace`` has said everything, or if there is none.
    """
    life = _Life.of(live, kept, made)
    newest = max(life.made, key=lambda each: each.job_modify_index, default=None)
    if newest is None or newest.job_version in life.jobs:
        return None
    found = life.deploy(newest.job_version)
    return None if found is None else (found, newest.kind is RolloutKind.REVERT)


def still_runs(traced: Traced, made: Made, *, reverted: bool) -> Traced:
    """The base if the live job is what this deploy registered, though Nomad no longer keeps that version."""
    base = Base(
        state=traced.base.state,
        job_version=made.job_version,
        deploy=made.deploy_id,
        version=made.version,
        revision=made.revision,
        reverted=reverted,
    )
    return Traced(base=base, made=made)


@dataclass(frozen=True, slots=True)
class Break:
    """A job version no longer runs as it did; ``at`` is when Nomad says that something took its place, if it does."""

    at: datetime | None = None


def first_break(live: Job | None, kept: Sequence[Job], version: int | None, index: int, *, same: bool) -> Break | None:
    """What ended the run of that job version, by its JobModifyIndex; None if the live job continues it.

    A version that differs only in counts that an autoscaler owns ends nothing. ``kept`` are the versions of the job
    that Nomad still has; ``same``: the live job is what was registered, which tells if Nomad has dropped that version.
    """
    if live is None:
        return Break()
    newest = _index(live, "JobModifyIndex")
    if (newest, int(live["Version"])) == (index, version):
        return None
    created = _index(live, "CreateIndex")
    # by the index: who registers a job can give it any version number
    life = {_index(job, "JobModifyIndex"): job for job in (*kept, live) if _index(job, "CreateIndex") == created}
    later = [life[each] for each in sorted(life) if index < each <= newest]
    if not later:
        # an older state was restored from a snapshot
        return Break()
    before = life.get(index)
    if created > index or (before is None and not same):
        return Break(instant(later[0].get("SubmitTime")))
    for job in later:
        if job.get("Stop") or (before is not None and _specification(job) != _specification(before)):
            return Break(instant(job.get("SubmitTime")))
        before = job
    return None


@dataclass(frozen=True, slots=True)
class _Life:
    """A job since it was created: the versions that Nomad keeps by number, and those that we made."""

    jobs: Mapping[int, Job]
    made: tuple[Made, ...]

    @classmethod
    def of(cls, live: Job, kept: Sequence[Job], made: Sequence[Made]) -> _Life:
        # a purged job's versions count from 0 again, so numbers alone say nothing: indexes never go back
        created, newest = _index(live, "CreateIndex"), _index(live, "JobModifyIndex")
        jobs = [job for job in kept if _index(job, "CreateIndex") == created]
        numbered = {int(job["Version"]): job for job in [*jobs, live] if _index(job, "JobModifyIndex") <= newest}
        return cls(numbered, tuple(each for each in made if created <= each.job_modify_index <= newest))

    def maker(self, version: int) -> Made | None:
        """Our deploy or revert that made exactly this version; None if none did."""
        job = self.jobs.get(version)
        for each in self.made:
            known = job is None or each.job_modify_index == _index(job, "JobModifyIndex")
            if each.job_version == version and known:
                return each
        return None

    def source(self, version: int) -> int:
        """The version that this one repeats, but for counts that an autoscaler owns and whether the job is stopped."""
        while self.maker(version) is None:
            # Nomad keeps a few versions and the stable ones: those between two that are the same say nothing
            older = max((each for each in self.jobs if each < version), default=None)
            if older is None or not self._repeats(version, older):
                break
            version = older
        return version

    def deploy(self, version: int) -> Made | None:
        """The deploy that made this version, or whose job a revert restored with it."""
        maker = self.maker(self.source(version))
        while maker is not None and maker.kind is RolloutKind.REVERT:
            # Nomad only ever reverts to an older version, so this ends
            older = maker.restores if maker.restores is not None and maker.restores < maker.job_version else None
            maker = None if older is None else self.maker(self.source(older))
        return maker

    def restored(self, version: int) -> Made | None:
        """The deploy of an older version that this one repeats, because a person reverted to it in Nomad."""
        older = sorted((each for each in self.jobs if each < version), reverse=True)
        return next((found for each in older if self._repeats(version, each) and (found := self.deploy(each))), None)

    def token(self, version: int) -> str:
        """The first characters of the accessor of the token that registered the version; empty if Nomad has none."""
        job, before = self.jobs.get(version, {}), self.jobs.get(version - 1)
        # whoever scales a job leaves the name of the one who registered it (docs/nomad.md, "Who registered a version")
        scaled = before is not None and _without_any_count(job) == _without_any_count(before)
        return "" if scaled else str(job.get("NomadTokenID") or "")[:_ACCESSOR]

    def since_ours(self, version: int) -> tuple[tuple[int, Job], ...]:
        """The kept versions up to this one, from the newest that is ours."""
        older = [each for each in self.jobs if each <= version]
        start = max((each for each in older if self.maker(each)), default=min(older))
        return tuple((each, self.jobs[each]) for each in sorted(older) if each >= start)

    def _repeats(self, version: int, older: int) -> bool:
        one, other = self.jobs.get(version), self.jobs.get(older)
        return one is not None and other is not None and _specification(one) == _specification(other)


def _index(job: Job, name: str) -> int:
    return int(job.get(name) or 0)


def _specification(job: Job) -> str:
    return job_text(without_counts(without_server_fields(job), scaled_groups(job)))


def _without_any_count(job: Job) -> str:
    groups = frozenset(group["Name"] for group in job.get("TaskGroups") or ())
    return job_text(without_counts(without_server_fields(job), groups))


def instant(nanoseconds: Any) -> datetime | None:
    """The time in Nomad's nanoseconds since 1970; None for 0 or nothing."""
    return _EPOCH + timedelta(microseconds=int(nanoseconds) // 1_000) if nanoseconds else None


def facts_of(base: Base) -> dict[str, Any]:
    """The base as data of an audit event."""
    facts: dict[str, Any] = document_of(base)
    # somebody may register a version of 64 bits (docs/nomad.md, "Fields of the server"), which the log keeps as text
    return {**facts, "job_version": None if base.job_version is None else str(base.job_version)}


def base_from(facts: Mapping[str, Any] | None) -> Base | None:
    """The base that ``facts_of`` wrote; None for an event that is older than the field."""
    if facts is None:
        return None
    version = facts.get("job_version")
    return record_from(Base, {**facts, "job_version": None if version is None else int(version)})
