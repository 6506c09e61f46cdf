"""Promotion: whether a release may enter the next environment, decided by what happened in the one before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from bot.domain.catalog.environment import After, Require
from bot.domain.catalog.release import release_name
from bot.domain.catalog.variable import Setting
from bot.domain.decision import Allowed, Decision, Reason, Refused, every, refuse
from bot.domain.deploy.deploy import Deploy, Status
from bot.domain.durations import in_words


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What became of one deploy of a service in an environment.

    ``landed_at`` is when Nomad registered it (None: never), ``changed_at`` when its status changed last. ``healthy`` is
    only set for one that changed nothing: exactly this release was running already, and healthy. ``resolved``: a
    person, not Nomad, said what became of it.
    """

    deploy_id: int
    release: str
    version: str
    status: Status
    landed_at: datetime | None
    changed_at: datetime
    healthy: bool = False
    resolved: bool = False

    @property
    def passed(self) -> bool:
        """Whether this deploy proves that the release works there."""
        proven = self.status is Status.SUCCEEDED and not self.resolved
        return proven or (self.status is Status.UNCHANGED and self.healthy)

    @property
    def disproved(self) -> bool:
        """Whether this deploy speaks against the release: it failed, or somebody rejected it."""
        return self.status in {Status.FAILED, Status.REJECTED}


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """The release that somebody wants to promote."""

    service: str
    version: str
    release: str
    revision: int = 1

    @property
    def name(self) -> str:
        """``v1.4.2 r2``."""
        return release_name(self.version, self.revision)


@dataclass(frozen=True, slots=True)
class Promotable:
    """A deploy that may be promoted: to which environments, and what the request may or must contain.

    ``several``: the service has several next environments, so a request has to name one.
    """

    deploy: Deploy
    environments: tuple[str, ...]
    several: bool
    settable: tuple[Setting, ...]
    reason_required: bool


@dataclass(frozen=True, slots=True)
class Offer:
    """A deploy whose release may be promoted now, and the environments that it may be promoted to."""

    deploy: Deploy
    environments: tuple[str, ...]

    @property
    def text(self) -> str:
        """``D-12 (checkout v1.4.2 to production)``."""
        deploy = self.deploy
        return f"{deploy.number} ({deploy.service} {deploy.version} to {' or '.join(self.environments)})"


Runs = Mapping[str, Sequence[Run]]
"""A service's deploys and how they ended, by environment, in the order of their numbers."""


def may_follow(afters: Sequence[After], what: Candidate, runs: Runs, now: datetime) -> Decision:
    """Whether the release has passed every environment that comes before.

    If not, the refusal says what is missing, what to do, and when the release can pass.
    """
    return every([_follows(after, what, runs.get(after.environment, ()), now) for after in afters])


def newest_passed(runs: Sequence[Run]) -> Run | None:
    """The newest deploy that proves that its release works there; None if there is none."""
    return max((run for run in runs if run.passed), key=_when, default=None)


@dataclass(frozen=True, slots=True)
class _Stretch:
    """A time in which a release ran in an environment without a break: from its success until it was replaced.

    ``proof`` is the last deploy that proves it works: the one that started it, or a later one that changed nothing.
    """

    since: datetime
    proof: Run
    ended_by: Run | None

    @property
    def until(self) -> datetime | None:
        return self.ended_by.landed_at if self.ended_by else None

    def soaked_at(self, soak: timedelta, now: datetime) -> datetime | None:
        """When it had run there long enough; None if it has not, or never did."""
        at = self.since + soak
        return at if at <= now and (self.until is None or at <= self.until) else None


def _when(run: Run) -> tuple[datetime, int]:
    return run.changed_at, run.deploy_id


def _stretches(release: str, runs: Sequence[Run]) -> list[_Stretch]:
    """The release's stretches, oldest first."""
    found: list[_Stretch] = []
    for run in sorted((run for run in runs if run.release == release and run.passed), key=_when):
        last = found[-1] if found else None
        unbroken = last is not None and (last.until is None or run.changed_at < last.until)
        # nothing was replaced, so the soak goes on: an UNCHANGED deploy only confirms that this release still runs
        if last is not None and unbroken and run.status is Status.UNCHANGED:
            found[-1] = replace(last, proof=run)
        else:
            found.append(_Stretch(run.changed_at, run, _next_landed(run, runs)))
    return found


def _next_landed(run: Run, runs: Sequence[Run]) -> Run | None:
    """The deploy, of any release, that Nomad registered next in its place, even if that one failed later."""
    later = [
        (each.landed_at, each.deploy_id, each)
        for each in runs
        if each.landed_at is not None and each is not run and (each.landed_at, each.deploy_id) > _when(run)
    ]
    return min(later, key=lambda landed: landed[:2])[2] if later else None


def _follows(after: After, what: Candidate, runs: Sequence[Run], now: datetime) -> Decision:
    stretches = _stretches(what.release, runs)
    if not stretches:
        return _never_passed(after, what, runs)
    proof = stretches[-1].proof
    mine = sorted((run for run in runs if run.release == what.release), key=_when)
    # a later failure cancels an earlier success: the release is not safe to promote any more
    bad = next((run for run in mine if run.disproved and _when(run) > _when(proof)), None)
    if bad is not None:
        became = "failed" if bad.status is Status.FAILED else "was rejected"
        since = f"{what.service} {what.name} {became} in {after.environment} after it had passed (D-{bad.deploy_id})."
        return refuse("not-passed", f"{since} {_again(after, what)}")
    return every([_soaked(after, what, stretches, now), _running(after, what, stretches[-1])])


def _again(after: After, what: Candidate) -> str:
    return f"Deploy it there: `/deploy {what.service} {what.version} to {after.environment}`."


def _never_passed(after: After, what: Candidate, runs: Sequence[Run]) -> Decision:
    going = next((run for run in runs if run.release == what.release and run.status.open), None)
    doing = f"D-{going.deploy_id} is on its way there: wait until it has succeeded" if going else ""
    then = f" and run there for {in_words(after.soak)}." if after.soak else "."
    todo = f"{doing}{then}" if doing else _again(after, what)
    return refuse("not-passed", f"{what.service} {what.name} has not succeeded in {after.environment}. {todo}")


def _soaked(after: After, what: Candidate, stretches: Sequence[_Stretch], now: datetime) -> Decision:
    """Whether it ran there long enough without a break, and recently enough."""
    soaked = [(stretch, at) for stretch in stretches if (at := stretch.soaked_at(after.soak, now)) is not None]
    if not soaked:
        return _not_soaked(after, what, stretches[-1])
    stretch, at = soaked[-1]
    # a long soak must not use up the time in which the release may be promoted
    if now > max(at, stretch.proof.changed_at) + after.within:
        ago = in_words(after.within)
        text = f"{what.name} succeeded in {after.environment} more than {ago} ago. {_again(after, what)}"
        return refuse("passed-too-long-ago", text)
    return Allowed()


def _not_soaked(after: After, what: Candidate, last: _Stretch) -> Decision:
    where, soak = after.environment, in_words(after.soak)
    if last.ended_by is None or last.until is None:
        # a time, not a countdown: a message with a countdown would have to be redrawn each second
        text = f"{what.name} has to run in {where} for {soak} first."
        return Refused((Reason("soaking", text, possible_at=last.since + after.soak),))
    ran = in_words(last.until - last.since)
    return refuse(
        "soak-broken",
        f"{what.name} ran in {where} for only {ran}, until D-{last.ended_by.deploy_id} replaced it; "
        f"it has to run there for {soak}. {_again(after, what)}",
    )


def _running(after: After, what: Candidate, last: _Stretch) -> Decision:
    """Whether the release runs there now, if the catalog requires that."""
    if after.require is not Require.RUNNING or last.ended_by is None:
        return Allowed()
    by = f"D-{last.ended_by.deploy_id}"
    if last.ended_by.release == what.release and last.ended_by.status.open:
        return refuse(
            "not-running", f"{by} is deploying {what.name} to {after.environment} again: wait until it has finished."
        )
    text = f"{after.environment} no longer runs {what.name}: {by} replaced it. {_again(after, what)}"
    return refuse("not-running", text)
