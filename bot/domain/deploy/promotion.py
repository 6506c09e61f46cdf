"""Promotion: whether a release may enter the next environment, decided by what happened in the one before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from bot.domain.catalog.catalog import Catalog
from bot.domain.catalog.environment import After, Require
from bot.domain.catalog.release import release_name
from bot.domain.catalog.variable import Setting
from bot.domain.decision import Allowed, Decision, Reason, Refused, every, refuse
from bot.domain.deploy.deploy import Deploy, Status, WayBack
from bot.domain.deploy.plan import Deviation
from bot.domain.deploy.sentences import instead
from bot.domain.durations import in_words


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What became of one deploy of a service in an environment.

    ``landed_at`` is when Nomad registered it (None: never), ``changed_at`` when its status changed last. ``healthy`` is
    only set for one that changed nothing: exactly this release was running already, and healthy. ``resolved``: a
    person, not Nomad, said what became of it. ``job_version`` and ``job_modify_index`` are those that Nomad gave it, or
    those that it found if it changed nothing; ``deviation`` is what was seen to end the run of that version.
    ``rollback`` is what it went back to, if it is a rollback.
    """

    deploy_id: int
    release: str
    version: str
    status: Status
    landed_at: datetime | None
    changed_at: datetime
    healthy: bool = False
    resolved: bool = False
    job_version: int | None = None
    job_modify_index: int | None = None
    deviation: Deviation | None = None
    rollback: WayBack | None = None

    @property
    def passed(self) -> bool:
        """Whether this deploy proves that the release works there."""
        # a job that ran before Nomatron is no release that could be promoted
        proven = self.status is Status.SUCCEEDED and not self.resolved and bool(self.release)
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


def environments_after(catalog: Catalog, service: str, environment: str) -> tuple[str, ...]:
    """The environments that come right after this one for the service, in the order of the catalog."""
    return tuple(
        name
        for name, each in catalog.environments.items()
        if catalog.placement(service, name) and any(after.environment == environment for after in each.after)
    )


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


_TICK = timedelta(seconds=1)

Runs = Mapping[str, Sequence[Run]]
"""A service's deploys and how they ended, by environment, in the order of their numbers."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What Nomad said of an environment just now: the deploys whose job version runs there without a break since.

    ``unknown`` says why nobody knows, ``gone`` why it cannot run there, though no deviation was seen; each in a
    sentence, or empty.
    """

    running: frozenset[int] = frozenset()
    unknown: str = ""
    gone: str = ""


def may_follow(
    afters: Sequence[After], what: Candidate, runs: Runs, now: datetime, asked: Mapping[str, Asked] | None = None
) -> Decision:
    """Whether the release has passed every environment that comes before.

    If not, the refusal says what is missing, what to do, and when the release can pass. ``asked`` is what Nomad said of
    each environment with ``require: running``; None to judge by what is recorded alone.
    """
    return every([_follows(after, what, runs.get(after.environment, ()), now, asked) for after in afters])


def moved_by_time(afters: Sequence[After], release: str, runs: Runs, now: datetime) -> datetime | None:
    """When time alone opens or closes the way next: a soak ends, or a proof becomes too old; None if it never does."""
    moments: list[datetime] = []
    for after in afters:
        for stretch in _stretches(release, runs.get(after.environment, ())):
            soaked = stretch.since + after.soak
            unbroken = stretch.until is None or soaked <= stretch.until
            # a proof may be promoted up to and with this instant
            too_old = max(soaked, stretch.proof.changed_at) + after.within + _TICK
            moments += [soaked, too_old] if unbroken else []
    return min((at for at in moments if at > now), default=None)


def proofs_since(after: After, now: datetime) -> datetime:
    """The time from which on a proof counts: an older one has passed too long ago, whatever happened since."""
    return now - after.within - after.soak


def running_proofs(release: str, runs: Sequence[Run]) -> tuple[Run, ...]:
    """The proofs whose job version should run there now, oldest first; empty if something is known to have ended it.

    Each is of the same job: the first started it, the later ones found it running and changed nothing.
    """
    stretches = _stretches(release, runs)
    return () if not stretches or stretches[-1].ended_by is not None else stretches[-1].proofs


def deviated_at(run: Run, said: datetime | None, seen_at: datetime) -> datetime:
    """When the run of a proof's job version ended: when Nomad ``said``, if that can be, else when seen."""
    # a revert in Nomad keeps the time of the version that it restores
    if said is None or said <= (run.landed_at or run.changed_at):
        return seen_at
    return min(max(said, run.changed_at), seen_at)


def newest_passed(runs: Sequence[Run]) -> Run | None:
    """The newest deploy that proves that its release works there; None if there is none."""
    return max((run for run in runs if run.passed), key=when, default=None)


@dataclass(frozen=True, slots=True)
class _Stretch:
    """A time in which a release ran in an environment without a break: from its success until something ended it.

    ``proofs`` are the deploys that prove that it works: the one that started it, and later ones that changed nothing.
    ``replaced_by`` is the deploy that landed next.
    """

    proofs: tuple[Run, ...]
    replaced_by: Run | None

    @property
    def since(self) -> datetime:
        return self.proofs[0].changed_at

    @property
    def proof(self) -> Run:
        return self.proofs[-1]

    @property
    def ended_by(self) -> Run | Deviation | None:
        """What ended it first: the next deploy there, or what was seen in Nomad."""
        seen = [run.deviation for run in self.proofs if run.deviation is not None]
        first = min(seen, key=lambda each: each.at, default=None)
        landed = self.replaced_by.landed_at if self.replaced_by else None
        return first if first is not None and (landed is None or first.at < landed) else self.replaced_by

    @property
    def until(self) -> datetime | None:
        ended = self.ended_by
        if isinstance(ended, Deviation):
            return ended.at
        return ended.landed_at if ended else None

    @property
    def rolled_back_by(self) -> Run | None:
        """The rollback that ended it; None if nobody rolled it back."""
        back = self.replaced_by.rollback if self.replaced_by else None
        mine = back is not None and back.undoes_deploy in {run.deploy_id for run in self.proofs}
        return self.replaced_by if mine else None

    def soaked_at(self, soak: timedelta, now: datetime) -> datetime | None:
        """When it had run there long enough; None if it has not, or never did."""
        at = self.since + soak
        return at if at <= now and (self.until is None or at <= self.until) else None


def when(run: Run) -> tuple[datetime, int]:
    """A key that sorts deploys by their last change."""
    return run.changed_at, run.deploy_id


def _stretches(release: str, runs: Sequence[Run]) -> list[_Stretch]:
    """The release's stretches, oldest first."""
    found: list[_Stretch] = []
    for run in sorted((run for run in runs if run.release == release and run.passed), key=when):
        last = found[-1] if found else None
        unbroken = last is not None and (last.until is None or run.changed_at < last.until)
        # nothing was replaced, so the soak goes on: an UNCHANGED deploy only confirms that this release still runs
        if last is not None and unbroken and run.status is Status.UNCHANGED:
            found[-1] = replace(last, proofs=(*last.proofs, run))
        else:
            found.append(_Stretch((run,), _next_landed(run, runs)))
    return found


def _next_landed(run: Run, runs: Sequence[Run]) -> Run | None:
    """The deploy, of any release, that Nomad registered next in its place, even if that one failed later."""
    later = [
        (each.landed_at, each.deploy_id, each)
        for each in runs
        if each.landed_at is not None and each is not run and (each.landed_at, each.deploy_id) > when(run)
    ]
    return min(later, key=lambda landed: landed[:2])[2] if later else None


def _follows(
    after: After, what: Candidate, runs: Sequence[Run], now: datetime, asked: Mapping[str, Asked] | None
) -> Decision:
    stretches = _stretches(what.release, runs)
    if not stretches:
        return _never_passed(after, what, runs)
    proof = stretches[-1].proof
    mine = sorted((run for run in runs if run.release == what.release), key=when)
    # a later failure cancels an earlier success: the release is not safe to promote any more
    bad = next((run for run in mine if run.disproved and when(run) > when(proof)), None)
    if bad is not None:
        became = "failed" if bad.status is Status.FAILED else "was rejected"
        since = f"{what.service} {what.name} {became} in {after.environment} after it had passed (D-{bad.deploy_id})."
        return refuse("not-passed", f"{since} {_again(after, what)}")
    back = stretches[-1].rolled_back_by
    if back is not None:
        text = f"{what.service} {what.name} was rolled back in {after.environment} (D-{back.deploy_id})."
        return refuse("not-passed", f"{text} {_again(after, what)}")
    return every([_soaked(after, what, stretches, now), _running(after, what, stretches[-1], asked)])


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
    ran = f"{what.name} ran in {where} for only {in_words(last.until - last.since)}; it has to run there for {soak}."
    text = f"{ran} {_why_ended(what, last.ended_by)} {_again(after, what)}"
    return Refused((Reason("soak-broken", text, since=last.until),))


def _why_ended(what: Candidate, ended_by: Run | Deviation) -> str:
    """What runs there instead, or what happened to the job, as a sentence."""
    if isinstance(ended_by, Deviation):
        return instead(ended_by.base, what.name)
    return f"D-{ended_by.deploy_id} ({ended_by.version}) replaced it."


def _running(after: After, what: Candidate, last: _Stretch, asked: Mapping[str, Asked] | None) -> Decision:
    """Whether the release runs there now, if the catalog requires that."""
    where, ended_by = after.environment, last.ended_by
    if after.require is not Require.RUNNING:
        return Allowed()
    if ended_by is None:
        return Allowed() if asked is None else _confirmed(after, what, last, asked.get(where, Asked()))
    if isinstance(ended_by, Run) and ended_by.release == what.release and ended_by.status.open:
        again = f"D-{ended_by.deploy_id} is deploying {what.name} to {where} again: wait until it has finished."
        return refuse("not-running", again)
    text = f"{where} no longer runs {what.name}. {_why_ended(what, ended_by)} {_again(after, what)}"
    return Refused((Reason("not-running", text, since=last.until),))


def _confirmed(after: After, what: Candidate, last: _Stretch, asked: Asked) -> Decision:
    """Whether Nomad said that it runs there; a look at an earlier proof says nothing."""
    where, proof = after.environment, last.proof.deploy_id
    if proof in asked.running:
        return Allowed()
    if asked.gone:
        return refuse("not-running", f"{asked.gone} {_again(after, what)}")
    why = asked.unknown or "A deploy there has just ended. Try again in a minute."
    return refuse("running-unknown", f"Nomatron cannot tell whether {where} still runs {what.name}. {why}")
