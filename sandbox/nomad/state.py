"""The state store: tables of records, one index, and batches of changes that commit together.

Everything runs on one event loop, and no batch awaits anything, so a batch is atomic without a lock.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple, Self

from sandbox.nomad.records import JobKey, Json, key_of
from sandbox.nomad.status import job_status

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from types import TracebackType

    from sandbox.clock import Clock

KEPT_VERSIONS = 6
TABLES = ("namespaces", "jobs", "versions", "submissions", "evaluations", "deployments", "allocations")


class Change(NamedTuple):
    """A record before a batch (None if it is new) and after it (None if it is deleted)."""

    topic: str
    old: Json | None
    new: Json | None


class Event(NamedTuple):
    """One event in a line of the event stream, before it becomes JSON."""

    topic: str
    key: str
    namespace: str
    filter_keys: list[str] | None
    payload: Json


@dataclass
class State:
    """The whole state of the simulated Nomad."""

    clock: Clock
    namespaces: dict[str, Json] = field(default_factory=dict)
    jobs: dict[JobKey, Json] = field(default_factory=dict)
    versions: dict[JobKey, list[Json]] = field(default_factory=dict)
    submissions: dict[tuple[JobKey, int], Json] = field(default_factory=dict)
    evaluations: dict[str, Json] = field(default_factory=dict)
    deployments: dict[str, Json] = field(default_factory=dict)
    allocations: dict[str, Json] = field(default_factory=dict)
    # not 0, as in a new agent: to a blocking query 0 means "do not wait"
    index: int = 10
    tables: defaultdict[str, int] = field(default_factory=lambda: defaultdict(lambda: 1))
    listeners: list[Callable[[Batch], None]] = field(default_factory=list)

    def batch(self, kind: str) -> Batch:
        """A batch of changes, for a `with` block; `kind` is the Type of its events."""
        return Batch(self, kind)

    def snapshot(self) -> State:
        """A copy of everything that is stored, as `nomad operator snapshot save` makes one."""
        # records are replaced, never changed, so copies of the tables are enough
        copied = State(self.clock, index=self.index)
        copied.restore(self)
        return copied

    def restore(self, saved: State) -> None:
        """Take over everything that another state has stored, its index too. Tasks stay as they were then."""
        for name in TABLES:
            table = getattr(self, name)
            table.clear()
            table.update(getattr(saved, name))
        self.index = saved.index
        self.tables.clear()
        self.tables.update(saved.tables)

    def allocations_of(self, key: JobKey) -> list[Json]:
        """A job's allocations, oldest first."""
        return [one for one in self.allocations.values() if key_of(one) == key]

    def evaluations_of(self, key: JobKey) -> list[Json]:
        """A job's evaluations, oldest first."""
        return [one for one in self.evaluations.values() if key_of(one) == key]

    def deployments_of(self, key: JobKey, *, every_incarnation: bool = False) -> list[Json]:
        """A job's deployments, oldest first; since its last purge, or all with `every_incarnation`."""
        job = self.jobs.get(key)
        return [
            one
            for one in self.deployments.values()
            if key_of(one) == key
            and (every_incarnation or (job is not None and one["JobCreateIndex"] == job["CreateIndex"]))
        ]

    def latest_deployment(self, key: JobKey) -> Json | None:
        """The job's newest deployment."""
        return max(self.deployments_of(key), key=lambda one: int(one["CreateIndex"]), default=None)

    def version(self, key: JobKey, number: int) -> Json | None:
        """The job at a version; None if that version is no longer stored."""
        return next((one for one in self.versions.get(key, []) if one["Version"] == number), None)


class Batch:
    """Changes that share one index. The end of the `with` block commits them and notifies the listeners.

    Their events form a line of the stream; `next_line` starts another line with the same index, as a register does.
    """

    def __init__(self, state: State, kind: str) -> None:
        self.state = state
        self.kind = kind
        self.index = 0
        self.now = state.clock.now_ns()
        self.lines: list[list[Event]] = [[]]
        self.changes: list[Change] = []
        self._touched: dict[JobKey, None] = {}

    def __enter__(self) -> Self:
        self.state.index += 1
        self.index = self.state.index
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # an exception within a batch is a bug: its records stay, but the listeners are not notified
        if error is not None:
            return
        # a job's status depends on the whole batch, so its event comes last, on the batch's last line
        for key in list(self._touched):
            self._refresh_status(key)
        self.lines = [line for line in self.lines if line]
        for listener in list(self.state.listeners):
            listener(self)

    def next_line(self) -> None:
        """Start a new line for the events that follow."""
        self.lines.append([])

    def put_job(self, job: Json) -> Json:
        """Store a job; a new version becomes the current one."""
        key = JobKey(job["Namespace"], job["ID"])
        old = self.state.jobs.get(key)
        stored = {**job, "ModifyIndex": self.index}
        # an older version may get a tag or a stable mark, but does not become the current job
        current = old is None or stored["Version"] >= old["Version"]
        if current:
            self.state.jobs[key] = stored
        self._keep_version(key, stored)
        self._record("Job", "jobs", old if current else None, stored)
        self._touched[key] = None
        return stored

    def _keep_version(self, key: JobKey, job: Json) -> None:
        others = [one for one in self.state.versions.get(key, []) if one["Version"] != job["Version"]]
        ordered = sorted([job, *others], key=lambda one: -int(one["Version"]))
        untagged = [one for one in ordered if not one["VersionTag"]]
        stable = next((place for place, one in enumerate(untagged) if one["Stable"]), None)
        if stable == KEPT_VERSIONS:
            # keep the newest stable version, and drop a later version instead
            del untagged[KEPT_VERSIONS - 1]
        numbers = {one["Version"] for one in untagged[:KEPT_VERSIONS]}
        self.state.versions[key] = [one for one in ordered if one["VersionTag"] or one["Version"] in numbers]

    def put_evaluation(self, evaluation: Json) -> Json:
        """Store an evaluation."""
        old = self.state.evaluations.get(evaluation["ID"])
        stored = {"CreateIndex": self.index, "CreateTime": self.now, **evaluation}
        stored |= {"ModifyIndex": self.index, "ModifyTime": self.now}
        self.state.evaluations[stored["ID"]] = stored
        self._record("Evaluation", "evaluations", old, stored)
        self._touched[key_of(stored)] = None
        return stored

    def put_deployment(self, deployment: Json) -> Json:
        """Store a deployment."""
        old = self.state.deployments.get(deployment["ID"])
        stored = {"CreateIndex": self.index, "CreateTime": self.now, **deployment, "ModifyIndex": self.index}
        self.state.deployments[stored["ID"]] = stored
        self._record("Deployment", "deployments", old, stored)
        return stored

    def put_allocation(self, allocation: Json, *, by_client: bool = False) -> Json:
        """Store an allocation; a change by its client does not change AllocModifyIndex."""
        old = self.state.allocations.get(allocation["ID"])
        stored = {"CreateIndex": self.index, "CreateTime": self.now, **allocation}
        stored |= {"ModifyIndex": self.index, "ModifyTime": self.now}
        if not by_client:
            stored["AllocModifyIndex"] = self.index
        self.state.allocations[stored["ID"]] = stored
        self._record("Allocation", "allocations", old, stored)
        self._touched[key_of(stored)] = None
        return stored

    def purge(self, key: JobKey) -> None:
        """Delete a job with its versions, submissions, deployments and allocations; only the job gets an event."""
        # as in Nomad, its deployments and allocations disappear without events
        job = self.state.jobs.pop(key)
        self.state.versions.pop(key, None)
        for known in [one for one in self.state.submissions if one[0] == key]:
            del self.state.submissions[known]
        self._drop("Deployment", self.state.deployments, key)
        self._drop("Allocation", self.state.allocations, key)
        for table in ("jobs", "deployments", "allocations"):
            self.state.tables[table] = self.index
        self.changes.append(Change("Job", job, None))
        self.lines[-1].append(Event("Job", key.id, key.namespace, None, {"Job": job, "Deleted": True}))

    def _drop(self, topic: str, table: dict[str, Json], key: JobKey) -> None:
        for one in [record for record in table.values() if key_of(record) == key]:
            del table[one["ID"]]
            self.changes.append(Change(topic, one, None))

    def _record(self, topic: str, table: str, old: Json | None, new: Json) -> None:
        self.state.tables[table] = self.index
        self.changes.append(Change(topic, old, new))
        # leave out the job that each allocation has for the scheduler: it is most of the bytes
        shown = {name: value for name, value in new.items() if topic == "Job" or name != "Job"}
        event = Event(topic, new["ID"], new["Namespace"], filter_keys(topic, new), {topic: shown})
        line = self.lines[-1]
        # a record that changes twice in one batch gets one event, with its final state
        self.lines[-1] = [other for other in line if (other.topic, other.key) != (topic, event.key)] + [event]

    def _refresh_status(self, key: JobKey) -> None:
        job = self.state.jobs.get(key)
        if job is None:
            return
        status = job_status(job, self.state.allocations_of(key), self.state.evaluations_of(key))
        if status != job["Status"]:
            self.put_job({**job, "Status": status})


def filter_keys(topic: str, record: Json) -> list[str] | None:
    """Further keys by which the stream filters an event: its job and its deployment."""
    if topic == "Job":
        return None
    if topic == "Deployment":
        return [record["JobID"]]
    return [record["JobID"], record.get("DeploymentID", "")]


def of_topic(changes: Iterable[Change], topic: str) -> list[Change]:
    """The changes of one topic, without deletions."""
    return [change for change in changes if change.topic == topic and change.new is not None]
