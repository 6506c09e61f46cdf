"""Promotion: whether a release may go on from the environment before. Decided on what happened there, not on flags."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from bot.domain.decision import Allowed, Decision, every, refuse
from bot.domain.deploy import Status
from bot.domain.durations import in_words
from bot.domain.environment import After, Require


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What became of one deploy of a service in an environment.

    ``landed_at`` is when Nomad had it (None: never), ``changed_at`` when it came into its present status; ``healthy``
    of one that had nothing to do says that exactly this was running, and well.
    """

    deploy_id: int
    release: str
    version: str
    status: Status
    landed_at: datetime | None
    changed_at: datetime
    healthy: bool = False

    @property
    def passed(self) -> bool:
        """Whether this alone shows that the release works there."""
        return self.status is Status.SUCCEEDED or (self.status is Status.UNCHANGED and self.healthy)

    @property
    def disproved(self) -> bool:
        """Whether this shows that it does not, or that somebody did not want it."""
        return self.status in {Status.FAILED, Status.REJECTED}


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """The release that wants to go on."""

    service: str
    version: str
    release: str


Runs = Mapping[str, Sequence[Run]]
"""What became of a service's deploys, by environment, each in order of their numbers."""


def may_follow(afters: Sequence[After], what: Candidate, runs: Runs, now: datetime) -> Decision:
    """Whether the release has earned its way on: every environment that comes before must say so."""
    return every([_follows(after, what, runs.get(after.environment, ()), now) for after in afters])


def _follows(after: After, what: Candidate, runs: Sequence[Run], now: datetime) -> Decision:
    """Whether the release has earned its way on; refused with what is missing, what to do and when it could pass.

    ``runs`` are all deploys of the service in ``after.environment``, by number.
    """
    where, version = after.environment, what.version
    again = f"Deploy it there: `/deploy {what.service} {version} to {where}`."
    mine = [run for run in runs if run.release == what.release]
    passed = [run for run in mine if run.passed]
    if not passed:
        going = next((run for run in mine if run.status.open), None)
        doing = f"D-{going.deploy_id} is on its way there; wait until it has succeeded." if going else again
        return refuse("not-passed", f"{where} has not passed {what.service} {version}. {doing}")
    newest = passed[-1]
    bad = next((run for run in mine if run.disproved and run.changed_at > newest.changed_at), None)
    if bad is not None:
        since = f"{what.service} {version} was {bad.status} in {where} since (D-{bad.deploy_id})."
        return refuse("not-passed", f"{since} {again}")
    return _soaked(after, newest, runs, version, now, again)


def _soaked(after: After, newest: Run, runs: Sequence[Run], version: str, now: datetime, again: str) -> Decision:
    where, since = after.environment, newest.changed_at
    replaced = next(
        (run for run in runs if run.release != newest.release and run.landed_at and run.landed_at > since), None
    )
    soaked_at = since + after.soak
    if replaced is not None and replaced.landed_at is not None and replaced.landed_at < soaked_at:
        ran = in_words(replaced.landed_at - since)
        return refuse(
            "soak-broken",
            f"{version} ran in {where} for {ran} only, until D-{replaced.deploy_id} replaced it; "
            f"it has to run there for {in_words(after.soak)}. {again}",
        )
    if now < soaked_at:
        return refuse(
            "soaking",
            f"{version} has to run in {where} for {in_words(after.soak)} first: it passes at "
            f"{soaked_at:%Y-%m-%d %H:%M:%S} UTC, in {in_words(soaked_at - now)}.",
        )
    if now > soaked_at + after.within:
        ago = in_words(after.within)
        return refuse("passed-too-long-ago", f"{where} passed {version} more than {ago} ago. {again}")
    if after.require is Require.RUNNING and replaced is not None:
        return refuse("not-running", f"{where} no longer runs {version}: D-{replaced.deploy_id} replaced it. {again}")
    return Allowed()


def passes_at(afters: Sequence[After], environment: str, since: datetime) -> datetime | None:
    """When a release that succeeded in an environment at ``since`` has soaked there; None where nothing comes after."""
    soaks = [since + after.soak for after in afters if after.environment == environment]
    return max(soaks) if soaks else None
