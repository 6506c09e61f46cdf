"""Stand-ins with state for the outside world; the store is never faked. All have hooks for what else happens."""

from __future__ import annotations

import json
from collections import Counter
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from bot.domain.access import Membership
from bot.domain.deploy.dispatch import Answer, Look, Sighting
from bot.domain.deploy.matrix import Listed
from bot.domain.deploy.message import Setback
from bot.domain.deploy.plan import scaled_groups, without_counts, without_server_fields
from bot.domain.deploy.rollout import Observation, start_of
from bot.domain.digest.report import Layout
from bot.errors import ChannelGone, MembershipUnknown, MessageGone, SlackError, SlackUnavailable
from bot.ports import Limits, Ports
from bot.ports.nomad import NomadPlan, Registered
from bot.ports.slack import DigestPosted
from store import SqlStore
from tests.builders import TEAM, USERGROUPS, a_job, a_membership
from tests.hooks import Hooks, hooked

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Collection, Mapping
    from datetime import datetime

    from bot.domain.catalog.environment import Cluster
    from bot.domain.deploy.message import Card, Note, Way
    from bot.domain.deploy.plan import Change, Job, Plan
    from bot.domain.deploy.rollout import Rollout, TaskFailure
    from bot.domain.digest.report import DigestCard
    from bot.ports.claims import Claim, Parcel
    from bot.ports.nomad import JobEvent, Known
    from store.unit_of_work import SqlReading, SqlTransaction
    from tests.clocks import FixedClock


@dataclass
class FakeNomad:
    """One cluster with one namespace's worth of jobs, with check-and-set as Nomad's own state has it.

    ``trouble`` is raised by every read while it is set. ``answers`` are given to the next registers: LANDED and, while
    ``apply`` holds, UNKNOWN and ACCEPTED take effect; with ``late`` an UNKNOWN one is under way until ``arrive``.
    ``words`` go with every other one. ``counts`` change what its list says of a job. ``stream`` is what its events say,
    ``silence`` how long it has said nothing, ``connection`` which one it is read from.
    """

    hooks: Hooks = field(default_factory=Hooks)
    jobs: dict[str, Job] = field(default_factory=dict)
    kept: dict[tuple[str, int], Job] = field(default_factory=dict)
    stamps: dict[tuple[str, int], str] = field(default_factory=dict)
    parsed: Job = field(default_factory=a_job)
    trouble: Exception | None = None
    unchanged: bool = False
    changes: tuple[Change, ...] = ()
    index: int = 100
    answers: list[Answer] = field(default_factory=list)
    words: str = "said so"
    apply: bool = True
    late: bool = False
    under_way: list[tuple[str, int, str]] = field(default_factory=list)
    blind: bool = False
    seen: Observation = field(default_factory=lambda: Observation(exists=True, wanted={"web": 0}))
    logs: dict[tuple[str, str], str] = field(default_factory=dict)
    registers: list[dict[str, Any]] = field(default_factory=list)
    known: list[Known | None] = field(default_factory=list)
    variables: dict[str, Any] = field(default_factory=dict)
    stream: Callable[[Collection[str]], AsyncIterator[JobEvent]] | None = None
    silence: timedelta = timedelta(0)
    connection: int = 0
    counts: dict[str, dict[str, Any]] = field(default_factory=dict)

    def _read(self) -> None:
        if self.trouble is not None:
            raise self.trouble

    @hooked
    async def reach(self) -> None:
        self._read()

    async def parse(self, jobspec: str, variables: Mapping[str, Any], namespace: str) -> Job:
        self._read()
        self.variables = dict(variables)
        return json.loads(json.dumps(self.parsed))

    @hooked
    async def job(self, namespace: str, job_id: str) -> Job | None:
        self._read()
        return self.jobs.get(job_id)

    @hooked
    async def listed(self, namespace: str, ids: Collection[str]) -> tuple[Listed, ...]:
        self._read()
        return tuple(self._listed(job) for name, job in self.jobs.items() if name in ids)

    def _listed(self, job: Job) -> Listed:
        """All that the job wants runs, unless ``counts`` says otherwise; a stopped job is dead."""
        stopped = bool(job.get("Stop"))
        counts = {"running": 0 if stopped else sum(each["Count"] for each in job["TaskGroups"])}
        return Listed(
            job=job["ID"],
            index=job["JobModifyIndex"],
            type=job["Type"],
            status="dead" if stopped else "running",
            stopped=stopped,
            start=start_of(job),
            created=job.get("CreateIndex", 0),
            **{**counts, **self.counts.get(job["ID"], {})},
        )

    @hooked
    async def versions(self, namespace: str, job_id: str) -> tuple[Job, ...]:
        self._read()
        live = self.jobs.get(job_id)
        if live is None:
            return ()
        older = [each for (name, version), each in self.kept.items() if name == job_id and version < live["Version"]]
        return (live, *sorted(older, key=lambda each: -each["Version"]))

    @hooked
    async def plan(
        self, namespace: str, job: Job, live: Job | None, show: frozenset[str], *, known: Known | None = None
    ) -> NomadPlan:
        self._read()
        self.known.append(known)
        index = self.jobs[job["ID"]]["JobModifyIndex"] if job["ID"] in self.jobs else 0
        return NomadPlan(index, self.unchanged, self.changes, "web: 2 replaced one by one", ())

    def moved(
        self, before: Plan, live: Job | None, job: Job, show: frozenset[str], *, cause: str = "outside Nomatron"
    ) -> tuple[str, ...]:
        return (f"LOG_LEVEL changed {cause}",)

    def is_registered_as(self, job: Job, live: Job) -> bool:
        bare = [without_counts(without_server_fields(each), scaled_groups(job)) for each in (job, live)]
        return bare[0] == bare[1]

    def differences(self, before: str, job: Job, show: frozenset[str]) -> tuple[str, ...]:
        was, becomes = json.loads(before)["TaskGroups"][0]["Count"], job["TaskGroups"][0]["Count"]
        return () if was == becomes else (f"count {was} → {becomes}",)

    @hooked
    async def register(
        self,
        namespace: str,
        job: str,
        *,
        base_index: int,
        source: str,
        variables: str,
        show: frozenset[str] = frozenset(),
    ) -> Registered:
        self.registers.append({"job": job, "base": base_index, "source": source, "variables": variables})
        answer = self.answers.pop(0) if self.answers else Answer.LANDED
        if answer is Answer.UNKNOWN:
            self.under_way.append((job, base_index, source))
            if not self.late:
                self.arrive()
            return Registered(answer, "timed out")
        if answer not in {Answer.LANDED, Answer.ACCEPTED} or (answer is Answer.ACCEPTED and not self.apply):
            return Registered(answer, self.words)
        landed = self._set(job, base_index, source)
        if landed is None:
            return Registered(Answer.CONFLICT, f"Enforcing job modify index {base_index}: job exists")
        return Registered(answer, "", landed["JobModifyIndex"], "eval-1" if answer is Answer.LANDED else "")

    def arrive(self) -> None:
        """Whatever is under way reaches Nomad, or is lost on the way unless ``apply`` holds."""
        arrived, self.under_way = self.under_way, []
        for each in arrived if self.apply else ():
            self._set(*each)

    def _set(self, job: str, base_index: int, source: str) -> Job | None:
        spec = json.loads(job)
        live = self.jobs.get(spec["ID"])
        return self.change(spec, source) if (live["JobModifyIndex"] if live else 0) == base_index else None

    def change(self, job: Job, source: str = "") -> Job:
        """A new version of a job, ours or somebody else's."""
        self.index += 1
        before = self.jobs.get(job["ID"])
        version = before["Version"] + 1 if before else 0
        created = before.get("CreateIndex", 0) if before else self.index
        server = {"Version": version, "JobModifyIndex": self.index, "CreateIndex": created}
        self.jobs[job["ID"]] = {**job, **server}
        for each in (before, self.jobs[job["ID"]]):
            if each:
                self.kept[job["ID"], each["Version"]] = each
        self.stamps[job["ID"], version] = source.split("\n", 1)[0]
        return self.jobs[job["ID"]]

    @hooked
    async def look(
        self, namespace: str, job_id: str, *, base_index: int, base_version: int | None, stamp: str
    ) -> Sighting:
        if self.blind:
            return Sighting(look=Look.UNKNOWN)
        job = self.jobs.get(job_id)
        if (job["JobModifyIndex"] if job else 0) == base_index:
            was_there = job is None and any(name == job_id for name, _ in self.stamps)
            return Sighting(look=Look.PURGED if was_there else Look.UNMOVED)
        ours = 0 if base_version is None else base_version + 1
        found = self.stamps.get((job_id, ours))
        if found is None:
            return Sighting(look=Look.UNTRACEABLE)
        if job is not None and found == stamp:
            return Sighting(look=Look.LANDED, version=ours, job_modify_index=job["JobModifyIndex"])
        return Sighting(look=Look.ANOTHERS)

    @hooked
    async def observe(
        self, namespace: str, job_id: str, rollout: Rollout, show: frozenset[str] = frozenset()
    ) -> Observation:
        self._read()
        return self.seen

    @hooked
    async def log_tail(
        self, namespace: str, job_id: str, failure: TaskFailure, lines: int, show: frozenset[str] = frozenset()
    ) -> str:
        return "\n".join(self.logs.get((failure.allocation, failure.task), "").splitlines()[-lines:])

    def listening(self) -> int:
        return self.connection

    def quiet(self, _namespace: str, _job_id: str) -> timedelta:
        return self.silence

    def job_events(self, namespaces: Collection[str]) -> AsyncIterator[JobEvent]:
        return self.stream(namespaces) if self.stream else _silence()


async def _silence() -> AsyncIterator[JobEvent]:
    return
    yield


@dataclass
class FakeDirectory:
    """Slack's groups and people; ``silent`` while Slack does not answer.

    ``introduces`` is the team that is known once Slack was asked for it, if ``team`` was not known before.

    ``asked`` counts the snapshots, ``background`` those that nobody waited for.
    """

    hooks: Hooks = field(default_factory=Hooks)
    team: str = TEAM
    enterprise: str = ""
    introduces: str = ""
    usergroups: dict[str, frozenset[str]] = field(default_factory=lambda: dict(USERGROUPS))
    snapshot: Membership = field(default_factory=a_membership)
    silent: bool = False
    trouble: SlackError | None = None
    asked: int = 0
    background: int = 0

    def link(self, channel: str, ts: str) -> str:
        return f"https://{self.team.lower()}.slack.com/archives/{channel}/p{ts.replace('.', '')}" if self.team else ""

    @hooked
    async def introduce(self) -> object:
        if self.trouble is not None:
            raise self.trouble
        self.team = self.team or self.introduces
        return self.team

    async def standing(self) -> None:
        await self.introduce()

    @hooked
    async def membership(
        self, usergroups: Collection[str], users: Collection[str], *, background: bool = False
    ) -> Membership:
        self.asked += 1
        self.background += background
        if self.silent:
            raise MembershipUnknown("Slack does not say")
        groups = {group: self.usergroups.get(group, frozenset()) for group in usergroups}
        people = {user: person for user, person in self.snapshot.people.items() if user in users}
        return Membership(team=TEAM, at=self.snapshot.at, usergroups=groups, people=people)


@dataclass(frozen=True)
class Shown:
    """A digest as it stands in a channel."""

    card: DigestCard
    channel: str
    layout: Layout
    ts: str


@dataclass(frozen=True)
class Upload:
    """A file as it lies in a thread."""

    channel: str
    ts: str
    name: str
    title: str
    content: bytes


@dataclass
class FakeChat:
    """What was said. ``refusals`` are raised by the next calls, one each; None lets one through.

    A digest or a file that Slack did not confirm (``SlackUnavailable`` with ``sent``) is there all the same.
    ``refuses_tables`` is a workspace that never takes a table: the digest gets the next plainer layout at once.
    ``drawn`` counts the cards that were posted or updated, ``layouts`` has those that digests were asked for in, and
    ``rests`` is what Slack's limits keep back, ``promised`` counts what is on its way.
    Nothing can be posted to the channels in ``gone``, nor can a card be changed that was taken out of ``cards``.
    """

    hooks: Hooks = field(default_factory=Hooks)
    cards: dict[tuple[str, str], Card] = field(default_factory=dict)
    said: list[tuple[str, Note, dict[str, str]]] = field(default_factory=list)
    drawn: int = 0
    refusals: list[BaseException | None] = field(default_factory=list)
    digests: list[Shown] = field(default_factory=list)
    uploads: list[Upload] = field(default_factory=list)
    layouts: list[Layout] = field(default_factory=list)
    refuses_tables: bool = False
    rests: set[tuple[Way, str]] = field(default_factory=set)
    promised: Counter[tuple[tuple[Way, ...], str]] = field(default_factory=Counter)
    gone: frozenset[str] = frozenset()
    posts: list[tuple[str, str]] = field(default_factory=list)

    def resting(self) -> Collection[tuple[Way, str]]:
        return self.rests

    def promise(self, ways: Collection[Way], channel: str) -> None:
        self.promised[tuple(ways), channel] += 1

    def redeem(self, ways: Collection[Way], channel: str) -> None:
        self.promised[tuple(ways), channel] -= 1

    def _there(self, channel: str, ts: str = "") -> None:
        if channel in self.gone:
            raise ChannelGone("is_archived")
        if (channel, ts) in self.posts and (channel, ts) not in self.cards:
            raise MessageGone("message_not_found")

    def _next(self) -> None:
        refusal = self._refusal()
        if refusal is not None:
            raise refusal

    def _refusal(self) -> BaseException | None:
        return self.refusals.pop(0) if self.refusals else None

    @hooked
    async def post_card(self, card: Card, channel: str) -> str:
        self._next()
        self._there(channel)
        ts = f"{len(self.posts) + 1}.0"
        self.posts.append((channel, ts))
        self.cards[channel, ts] = card
        self.drawn += 1
        return ts

    @hooked
    async def update_card(self, card: Card, channel: str, ts: str) -> None:
        self._next()
        self._there(channel, ts)
        self.cards[channel, ts] = card
        self.drawn += 1

    @hooked
    async def reply(self, channel: str, ts: str, note: Note) -> None:
        self._next()
        self._there(channel, ts)
        self.said.append(("reply", note, {"channel": channel, "ts": ts}))

    @hooked
    async def tell(self, note: Note, *, user: str, channel: str, response_url: str) -> None:
        self._next()
        self.said.append(("tell", note, {"user": user, "channel": channel, "response_url": response_url}))

    @hooked
    async def announce(self, channel: str, note: Note) -> None:
        self._next()
        self.said.append(("announce", note, {"channel": channel}))

    async def strip(self, channel: str, ts: str, note: Note) -> None:
        self._next()
        self.said.append(("strip", note, {"channel": channel, "ts": ts}))

    @hooked
    async def post_digest(self, card: DigestCard, channel: str, layout: Layout) -> DigestPosted:
        self.layouts.append(layout)
        plainer = self.refuses_tables and layout is Layout.TABLE
        refusal = self._refusal()
        ts = f"{len(self.digests) + 1}.5"
        if refusal is None or _arrived(refusal):
            self.digests.append(Shown(card, channel, Layout.CLASSIC if plainer else layout, ts))
        if isinstance(refusal, SlackError):
            refusal.plainer = plainer
        if refusal is not None:
            raise refusal
        return DigestPosted(ts, plainer)

    @hooked
    async def upload(self, channel: str, ts: str, *, name: str, title: str, content: bytes) -> None:
        refusal = self._refusal()
        if refusal is None or _arrived(refusal):
            self.uploads.append(Upload(channel, ts, name, title, content))
        if refusal is not None:
            raise refusal


def _arrived(refusal: BaseException) -> bool:
    return isinstance(refusal, SlackUnavailable) and refusal.sent


@dataclass
class FakeBell:
    """Keeps its rings."""

    rung: list[frozenset[str]] = field(default_factory=list)

    @property
    def rings(self) -> int:
        return len(self.rung)

    def ring(self, work: Collection[str]) -> None:
        if work:
            self.rung.append(frozenset(work))


@dataclass
class FakeNomads:
    """Every cluster is the same one, but for those ``elsewhere``; ``asked`` keeps which were asked for."""

    nomad: FakeNomad
    asked: list[Cluster]
    elsewhere: Mapping[str, FakeNomad]

    def of(self, cluster: Cluster) -> FakeNomad:
        self.asked.append(cluster)
        return self.elsewhere.get(cluster.name, self.nomad)

    def keep(self, clusters: Collection[Cluster]) -> None:
        self.asked[:] = [each for each in self.asked if each in clusters]


class HookedStore(SqlStore):
    """The real store, with hooks around its units of work (``begin``, ``commit``, ``read``) and its renewals.

    ``renews_for`` is how long a renewal holds, whatever was asked: a busy machine must not overtake a short lease.
    """

    def __init__(self, store: SqlStore) -> None:
        super().__init__(store.engines)
        # both write in the same turn
        self._units = store._units
        self.hooks = Hooks()
        self.renews_for: timedelta | None = None

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[SqlTransaction]:
        await self.hooks.happen("before", "begin")
        async with super().begin() as tx:
            yield tx
            await self.hooks.happen("before", "commit")
        await self.hooks.happen("after", "commit")

    @asynccontextmanager
    async def read(self) -> AsyncIterator[SqlReading]:
        await self.hooks.happen("before", "read")
        async with super().read() as reading:
            yield reading

    @hooked
    async def renew(self, claim: Claim, lease: timedelta) -> Claim:
        return await super().renew(claim, self.renews_for or lease)

    @hooked
    async def begin_parcel(self, parcel: Parcel) -> None:
        await super().begin_parcel(parcel)

    @hooked
    async def parcel_done(self, parcel: Parcel) -> None:
        await super().parcel_done(parcel)

    @hooked
    async def parcel_later(
        self,
        parcel: Parcel,
        now: datetime,
        wait: timedelta,
        setback: Setback = Setback.OUTAGE,
        *,
        begun: bool | None = None,
    ) -> None:
        await super().parcel_later(parcel, now, wait, setback, begun=begun)

    @hooked
    async def renew_parcel(self, parcel: Parcel, lease: timedelta) -> None:
        await super().renew_parcel(parcel, self.renews_for or lease)


@dataclass
class World:
    """Ports over a real store and fakes, and the fakes themselves."""

    store: HookedStore
    clock: FixedClock
    limits: Limits
    nomad: FakeNomad = field(default_factory=FakeNomad)
    clusters: list[Cluster] = field(default_factory=list)
    elsewhere: dict[str, FakeNomad] = field(default_factory=dict)
    directory: FakeDirectory = field(default_factory=FakeDirectory)
    chat: FakeChat = field(default_factory=FakeChat)
    bell: FakeBell = field(default_factory=FakeBell)

    def ports(self, worker: str = "worker-1", lease: timedelta | None = None) -> Ports:
        return Ports(
            store=self.store,
            nomads=FakeNomads(self.nomad, self.clusters, self.elsewhere),
            directory=self.directory,
            chat=self.chat,
            clock=self.clock,
            bell=self.bell,
            limits=replace(self.limits, lease=lease or self.limits.lease),
            worker=worker,
        )
