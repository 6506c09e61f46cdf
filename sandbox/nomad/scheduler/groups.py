"""Decides which allocations of a service or batch group to place, replace, stop and leave in this step of a rollout."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sandbox.nomad.scheduler.reschedule import due_at, held_back
from sandbox.nomad.scheduler.situation import (
    NOT_NEEDED,
    RESCHEDULED,
    Placement,
    Situation,
    Verdict,
    fresh_state,
    name_of,
    number_of,
)
from sandbox.nomad.scheduler.updates import DESTRUCTIVE, IN_PLACE, update_kind
from sandbox.nomad.status import health_of, is_canary, is_stopping, terminal

if TYPE_CHECKING:
    from sandbox.nomad.records import Json


class GroupReconciler:
    """Computes the verdict for a service or batch group, in the same order as Nomad's reconciler."""

    def __init__(self, situation: Situation) -> None:
        self.on = situation
        self.verdict = Verdict()
        self.state: Json = situation.state or fresh_state(situation.waves)
        self.kept: list[Json] = []
        self.canaries: list[Json] = []
        self.again: list[Json] = []

    def run(self) -> Verdict:
        """The verdict."""
        self._sort_out()
        self._stop_surplus()
        destructive = self._judge_updates()
        if self._canarying():
            # canaries are in addition to the count until they are promoted
            self.kept = [one for one in self.kept if one not in self.canaries]
        needs_canary = self._place_canaries(destructive)
        limit = self._limit(destructive)
        placements = self._placements()
        if self.on.state is None:
            # a deployment's total is fixed when it is created; later reschedules do not raise it
            self.state["DesiredTotal"] += len(destructive) + len(self.verdict.in_place) + len(placements)
        ready = not self.on.held and not self._canarying()
        if ready:
            limit = self._place(placements, limit)
        else:
            self._backfill(placements)
        self._replace(destructive, limit if ready else 0)
        pending = [*destructive, *self.verdict.in_place, *placements, *self.verdict.later]
        self._conclude(bool(destructive), needs_canary=needs_canary, complete=not pending and not needs_canary)
        return self.verdict

    def _conclude(self, changed: bool, *, needs_canary: bool, complete: bool) -> None:  # noqa: FBT001 - one call above
        verdict, job = self.verdict, self.on.job
        verdict.deployment_state = self.state
        # a version that ran before gets no second deployment: to register a failed specification again does nothing
        had_this_version = any(
            one["Job"]["Version"] == job["Version"] and one["Job"]["CreateIndex"] == job["CreateIndex"]
            for one in self.on.allocations
        )
        updating = changed or needs_canary or bool(verdict.in_place)
        fresh = self.on.deployment is None and self.on.waves is not None
        verdict.wants_deployment = fresh and self.state["DesiredTotal"] > 0 and (updating or not had_this_version)
        enough = self.state["HealthyAllocs"] >= max(self.state["DesiredTotal"], self.state["DesiredCanaries"])
        verdict.complete = complete and enough and not self._canarying()

    def _canarying(self) -> bool:
        return bool(self.state["DesiredCanaries"]) and not self.state["Promoted"]

    def _sort_out(self) -> None:
        for allocation in self.on.allocations:
            # ignore an allocation with a replacement, even while its client still stops it
            if is_stopping(allocation) or (allocation["NextAllocation"] and terminal(allocation)):
                continue
            if self._unwanted_canary(allocation):
                self._stop(allocation, NOT_NEEDED)
            elif self._counts(allocation):
                self._sort_failed(allocation)
        placed = set(self.state["PlacedCanaries"] or [])
        self.canaries = [one for one in self.kept if one["ID"] in placed]

    def _counts(self, allocation: Json) -> bool:
        if self.on.job["Type"] != "batch":
            # a failed allocation still counts until it is rescheduled or the specification changes
            return allocation["ClientStatus"] not in {"complete", "lost"}
        # finished work counts for the same specification; a changed specification runs again
        ours = allocation["Job"]["JobModifyIndex"] == self.on.job["JobModifyIndex"]
        return allocation["ClientStatus"] != "lost" and (ours or not terminal(allocation))

    def _unwanted_canary(self, allocation: Json) -> bool:
        if not is_canary(allocation):
            return False
        own = self.on.past_deployments.get(allocation["DeploymentID"])
        if own is None or own["TaskGroups"].get(allocation["TaskGroup"], {}).get("Promoted"):
            return False
        # canaries of a superseded or failed deployment stop; those of the current one wait for promotion
        present = self.on.deployment is not None and own["ID"] == self.on.deployment["ID"]
        return not present or own["Status"] == "failed"

    def _sort_failed(self, allocation: Json) -> None:
        timing = self.on.timing
        due = None if held_back(allocation, self.on.deployment) else due_at(allocation, timing)
        if due is None:
            self.kept.append(allocation)
        # the evaluation for this time may run a little early, and must not schedule itself again
        elif due <= timing.now or allocation["FollowupEvalID"] == self.on.evaluation_id:
            self.again.append(allocation)
        else:
            self.kept.append(allocation)
            if not allocation["FollowupEvalID"]:
                self.verdict.later.append((allocation, due))
                self.verdict.counters["RescheduleLater"] += 1

    def _stop(self, allocation: Json, why: str) -> None:
        self.verdict.stop.append((allocation, why))
        self.verdict.counters["Stop"] += 1

    def _stop_surplus(self) -> None:
        counted = [one for one in self.kept if not (self._canarying() and one in self.canaries)]
        # before a promotion only old allocations count; afterwards canaries count, too
        surplus = len(counted) - int(self.on.group["Count"] or 0)
        names = set() if self._canarying() else {one["Name"] for one in self.canaries}
        # first stop those that a promoted canary replaces, then the highest numbers
        order = sorted(counted, key=lambda one: (one in self.canaries, one["Name"] not in names, -number_of(one)))
        for allocation in order[: max(surplus, 0)]:
            self._stop(allocation, NOT_NEEDED)
            self.kept.remove(allocation)

    def _judge_updates(self) -> list[Json]:
        destructive: list[Json] = []
        for allocation in list(self.kept):
            kind = update_kind(allocation, self.on.job)
            if kind == DESTRUCTIVE:
                destructive.append(allocation)
            elif kind == IN_PLACE:
                self.verdict.in_place.append(allocation)
            else:
                self.verdict.counters["Ignore"] += 0 if self._canarying() and allocation in self.canaries else 1
        self.verdict.counters["InPlaceUpdate"] = len(self.verdict.in_place)
        return sorted(destructive, key=number_of)

    def _place_canaries(self, destructive: list[Json]) -> bool:
        wanted = int((self.on.waves or {}).get("Canary") or 0)
        if not destructive or len(self.canaries) >= wanted or self.state["Promoted"]:
            return False
        self.state = {**self.state, "DesiredCanaries": wanted}
        if not self.on.held:
            # a canary has the name of the allocation that it will replace, so a promotion stops exactly that one
            names = [one["Name"] for one in destructive] + [
                name_of(self.on.job, self.on.group, n) for n in range(wanted)
            ]
            taken = {one["Name"] for one in self.canaries}
            free = [name for name in dict.fromkeys(names) if name not in taken]
            for name in free[: wanted - len(self.canaries)]:
                self.verdict.place.append(Placement(self.on.group, name, canary=True))
                self.verdict.counters["Canary"] += 1
        return True

    def _limit(self, destructive: list[Json]) -> int:
        if self.on.waves is None or not destructive:
            return int(self.on.group["Count"] or 0)
        if self.on.held or self._canarying():
            return 0
        limit = int(self.on.waves["MaxParallel"])
        # an allocation of unknown health delays the next wave, and an unhealthy one stops all waves
        ours = self.on.deployment["ID"] if self.on.deployment else None
        for allocation in self.kept:
            if ours and allocation["DeploymentID"] == ours:
                health = health_of(allocation)
                if health is False:
                    return 0
                limit -= 0 if health else 1
        return max(limit, 0)

    def _placements(self) -> list[Placement]:
        group = self.on.group
        again = [
            Placement(group, one["Name"], previous=one, canary=self._canarying() and is_canary(one), rescheduled=True)
            for one in self.again
        ]
        missing = int(group["Count"] or 0) - len(self.kept) - len([one for one in again if not one.canary])
        taken = {one["Name"] for one in [*self.kept, *self.again]}
        names = (name_of(self.on.job, group, number) for number in range(10**6))
        free = (name for name in names if name not in taken)
        return [*again, *(Placement(group, next(free)) for _ in range(max(missing, 0)))]

    def _place(self, placements: list[Placement], limit: int) -> int:
        self.verdict.place += placements
        self.verdict.counters["Place"] += len(placements)
        for placement in placements:
            if placement.previous is not None:
                self.verdict.stop.append((placement.previous, RESCHEDULED))
        return max(limit - len(placements), 0)

    def _backfill(self, placements: list[Placement]) -> None:
        failed = self.on.deployment is not None and self.on.deployment["Status"] == "failed"
        # a deployment that is paused, failed or waits for promotion adds nothing, but lost allocations are replaced
        for placement in placements:
            previous = placement.previous
            if previous is None:
                continue
            if failed and self.on.deployment and previous["DeploymentID"] == self.on.deployment["ID"]:
                # allocations of the failed deployment itself are not retried
                self.verdict.counters["Ignore"] += 1
                continue
            self._place([placement], 0)

    def _replace(self, destructive: list[Json], limit: int) -> None:
        self.verdict.replace = destructive[:limit]
        self.verdict.counters["DestructiveUpdate"] = len(self.verdict.replace)
        self.verdict.counters["Ignore"] += len(destructive) - len(self.verdict.replace)
