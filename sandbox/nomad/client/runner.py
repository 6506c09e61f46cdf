"""Simulates running allocations: starts, restarts and ends their tasks, and reports their health to their deployments.

Nothing really runs: each step is a timer on the sandbox's clock.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sandbox.nomad.client import tasks
from sandbox.nomad.client.artifacts import download_error
from sandbox.nomad.client.behaviour import Course, course_of
from sandbox.nomad.records import SECOND, Json, find_group, go_duration, key_of
from sandbox.nomad.rollout.health import set_health
from sandbox.nomad.scheduler.evaluations import evaluation_of
from sandbox.nomad.status import ACTIVE_DEPLOYMENTS, ended_on_client, health_of, is_stopping

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox.clock import Timer
    from sandbox.nomad.state import Batch, Change, State
    from sandbox.nomad.switches import Switches

# in Nomad's seconds: a container's start, a short job's work, a process's last moments
START_S = 0.4
BATCH_WORK_S = 5.0
KILL_S = 0.3
FAILED_TASK = "Unhealthy because of failed task"
NOT_RUNNING = "Task not running for min_healthy_time of {} by healthy_deadline of {}"


class AllocationRunner:
    """Simulates the clients of all nodes."""

    def __init__(self, state: State, switches: Switches) -> None:
        self._state = state
        self._switches = switches
        self._timers: dict[str, list[Timer]] = {}

    def on_commit(self, batch: Batch) -> None:
        """Start, change and stop allocations as the servers decided in this batch."""
        for change in batch.changes:
            if change.topic == "Allocation":
                self._handle(change)

    def _handle(self, change: Change) -> None:
        old, new = change.old, change.new
        if new is None:
            self._forget((old or {})["ID"])
        elif old is None:
            self._after(new["ID"], START_S, self._start)
            self._await_health(new)
        elif is_stopping(new) and not is_stopping(old) and not ended_on_client(new):
            self._forget(new["ID"])
            self._after(new["ID"], KILL_S, self._kill)
        elif new["DeploymentID"] != old["DeploymentID"] and not is_stopping(new):
            # changed in place: its health is determined again for the new deployment
            self._await_health(new)
            self._after_healthy_time(new)

    def _after(self, allocation_id: str, seconds: float, call: Callable[[Json], None]) -> None:
        def run() -> None:
            allocation = self._state.allocations.get(allocation_id)
            if allocation is not None and not ended_on_client(allocation):
                call(allocation)

        self._timers.setdefault(allocation_id, []).append(self._state.clock.after(seconds, run))

    def _forget(self, allocation_id: str) -> None:
        for timer in self._timers.pop(allocation_id, []):
            timer.cancel()

    def _course(self, allocation: Json, task: Json) -> Course:
        told = self._switches.fails(key_of(allocation), task)
        return course_of(task, allocation["Job"]["Type"], told_to_fail=told)

    def _start(self, allocation: Json) -> None:
        group = group_of(allocation)
        now = self._state.clock.now_ns()
        states = allocation["TaskStates"] or {}
        begun = {
            task["Name"]: tasks.with_start(states.get(task["Name"], tasks.NEW_STATE), task, now)
            for task in group["Tasks"]
            if (task["Lifecycle"] or {}).get("Hook") != "poststop"
        }
        errors = {task["Name"]: download_error(task) for task in group["Tasks"] if task["Name"] in begun}
        if unfetched := next((name for name, error in errors.items() if error), None):
            begun[unfetched] = tasks.with_download(states.get(unfetched, tasks.NEW_STATE), now)
            ended = tasks.download_failed_event(now, errors[unfetched])
            self._exit({**allocation, "TaskStates": begun}, unfetched, ended)
            return
        courses = {name: self._course(allocation, task) for task in group["Tasks"] if (name := task["Name"]) in begun}
        # a service whose task ends has failed, even with exit code 0, because it should keep running
        failing = [name for name, course in courses.items() if course is Course.FAIL]
        ending = {name for name, course in courses.items() if course is Course.COMPLETE}
        if failing or (ending and allocation["Job"]["Type"] in {"service", "system"}):
            ended = tasks.terminated_event(now, 1 if failing else 0)
            self._exit({**allocation, "TaskStates": begun}, [*failing, *ending][0], ended)
            return
        self._run(allocation, begun, courses)

    def _run(self, allocation: Json, begun: dict[str, Json], courses: dict[str, Course]) -> None:
        if Course.RUN in courses.values():
            # prestart tasks finish before the main tasks run
            now = self._state.clock.now_ns()
            begun = {
                name: state if courses[name] is Course.RUN else tasks.with_completion(state, now)
                for name, state in begun.items()
            }
        with self._state.batch("AllocationUpdated") as batch:
            running = {"ClientStatus": "running", "ClientDescription": "Tasks are running", "TaskStates": begun}
            stored = batch.put_allocation({**allocation, **running}, by_client=True)
        self._after_healthy_time(stored)
        if all(course in {Course.COMPLETE, Course.COMPLETE_SOON} for course in courses.values()):
            at_once = Course.COMPLETE_SOON not in courses.values()
            self._after(allocation["ID"], START_S if at_once else BATCH_WORK_S, self._complete)

    def _complete(self, allocation: Json) -> None:
        now = self._state.clock.now_ns()
        ended = {name: tasks.with_completion(state, now) for name, state in allocation["TaskStates"].items()}
        done = {"ClientStatus": "complete", "ClientDescription": "All tasks have completed", "TaskStates": ended}
        with self._state.batch("AllocationUpdated") as batch:
            batch.put_allocation({**allocation, **done}, by_client=True)
        self._forget(allocation["ID"])

    def crash(self, allocation: Json, task: str) -> None:
        """End a running task with exit code 1."""
        # a task that is still starting finds out by itself whether it fails
        if allocation["ClientStatus"] == "running" and not is_stopping(allocation):
            self._exit(allocation, task, tasks.terminated_event(self._state.clock.now_ns(), 1))

    def _exit(self, allocation: Json, task: str, ended: Json) -> None:
        policy = group_of(allocation)["RestartPolicy"] or {"Attempts": 0, "Delay": 0, "Interval": 0, "Mode": "fail"}
        state = allocation["TaskStates"][task]
        # count attempts over the allocation's whole life: the interval is longer than any rollout here
        if state["Restarts"] < int(policy["Attempts"] or 0) or policy["Mode"] == "delay":
            self._restart(allocation, task, ended, int(policy["Delay"] or 0))
        else:
            self._fail(allocation, task, ended, policy)

    def _restart(self, allocation: Json, task: str, ended: Json, delay: int) -> None:
        now = self._state.clock.now_ns()
        states = allocation["TaskStates"]
        again = {**states, task: tasks.with_restart(states[task], now, ended, delay)}
        with self._state.batch("AllocationUpdated") as batch:
            pending = {"ClientStatus": "pending", "ClientDescription": "No tasks have started", "TaskStates": again}
            batch.put_allocation({**allocation, **pending}, by_client=True)
        self._after(allocation["ID"], delay / SECOND, self._start)

    def _fail(self, allocation: Json, task: str, ended: Json, policy: Json) -> None:
        self._forget(allocation["ID"])
        now = self._state.clock.now_ns()
        states = {
            name: tasks.with_final_failure(state, now, ended, policy)
            if name == task
            else tasks.with_sibling_failure(state, now, task)
            for name, state in allocation["TaskStates"].items()
        }
        counts = self._is_watched(allocation) and health_of(allocation) is not False
        if counts:
            states[task] = tasks.with_unhealthy_event(states[task], now, FAILED_TASK)
        over = {"ClientStatus": "failed", "ClientDescription": "Failed tasks", "TaskStates": states}
        with self._state.batch("AllocationUpdated") as batch:
            failed = {**allocation, **over}
            failed = set_health(failed, healthy=False, batch=batch) if counts else failed
            batch.put_allocation(failed, by_client=True)
            # in the same batch, as the servers do when a client reports health
            job = self._state.jobs.get(key_of(allocation))
            if job is not None and not job["Stop"] and not is_stopping(allocation):
                batch.put_evaluation(evaluation_of(job, "alloc-failure"))

    def _is_watched(self, allocation: Json) -> bool:
        deployment = self._state.deployments.get(allocation["DeploymentID"])
        return deployment is not None and deployment["Status"] in ACTIVE_DEPLOYMENTS

    def _kill(self, allocation: Json) -> None:
        group, now = group_of(allocation), self._state.clock.now_ns()
        waits = {task["Name"]: int(task["KillTimeout"] or 0) for task in group["Tasks"]}
        states = allocation["TaskStates"] or {}
        ended = {name: tasks.with_kill(state, now, waits.get(name, 0)) for name, state in states.items()}
        gone = {"ClientStatus": "complete", "ClientDescription": "All tasks have completed", "TaskStates": ended}
        with self._state.batch("AllocationUpdated") as batch:
            batch.put_allocation({**allocation, **gone}, by_client=True)
        self._forget(allocation["ID"])

    def _await_health(self, allocation: Json) -> None:
        update = group_of(allocation)["Update"]
        if allocation["DeploymentID"] and update and update["HealthCheck"] != "manual":
            self._judge_after(allocation, update["HealthyDeadline"] / SECOND, self._give_up_on)

    def _after_healthy_time(self, allocation: Json) -> None:
        update = group_of(allocation)["Update"]
        if not allocation["DeploymentID"] or not update or update["HealthCheck"] == "manual":
            return
        if allocation["ClientStatus"] == "running":
            # a restart in between resets the time
            since = restarts_of(allocation)
            seconds = update["MinHealthyTime"] / SECOND
            self._judge_after(allocation, seconds, lambda now: self._tell_healthy(now, since))

    def _judge_after(self, allocation: Json, seconds: float, call: Callable[[Json], None]) -> None:
        deployment_id = allocation["DeploymentID"]

        def judge(now: Json) -> None:
            # if it was changed in place meanwhile, it belongs to another deployment with its own timers
            same = now["DeploymentID"] == deployment_id
            if same and health_of(now) is None and not is_stopping(now):
                call(now)

        self._after(allocation["ID"], seconds, judge)

    def _tell_healthy(self, allocation: Json, since: int) -> None:
        if allocation["ClientStatus"] == "running" and restarts_of(allocation) == since:
            with self._state.batch("AllocationUpdated") as batch:
                batch.put_allocation(set_health(allocation, healthy=True, batch=batch), by_client=True)

    def _give_up_on(self, allocation: Json) -> None:
        update = group_of(allocation)["Update"]
        why = NOT_RUNNING.format(*(go_duration(update[name]) for name in ("MinHealthyTime", "HealthyDeadline")))
        now = self._state.clock.now_ns()
        states = {
            name: tasks.with_unhealthy_event(one, now, why) for name, one in (allocation["TaskStates"] or {}).items()
        }
        with self._state.batch("AllocationUpdated") as batch:
            told = set_health({**allocation, "TaskStates": states}, healthy=False, batch=batch)
            batch.put_allocation(told, by_client=True)


def group_of(allocation: Json) -> Json:
    """The allocation's group in the specification it runs."""
    return find_group(allocation["Job"], allocation["TaskGroup"]) or {}


def restarts_of(allocation: Json) -> int:
    """How often the allocation's tasks have been restarted."""
    return sum(state["Restarts"] for state in (allocation["TaskStates"] or {}).values())
