"""Task states and task events with Nomad's fields and texts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sandbox.nomad.records import SECOND, Json, go_duration, rfc3339

if TYPE_CHECKING:
    from collections.abc import Mapping

NO_EVENT: Json = {
    "Details": {},
    "DiskLimit": 0,
    "DisplayMessage": "",
    "DownloadError": "",
    "DriverError": "",
    "DriverMessage": "",
    "ExitCode": 0,
    "FailedSibling": "",
    "FailsTask": False,
    "GenericSource": "",
    "KillError": "",
    "KillReason": "",
    "KillTimeout": 0,
    "Message": "",
    "RestartReason": "",
    "SetupError": "",
    "Signal": 0,
    "StartDelay": 0,
    "TaskSignal": "",
    "TaskSignalReason": "",
    "Time": 0,
    "Type": "",
    "ValidationError": "",
    "VaultError": "",
}
NEW_STATE: Json = {
    "Events": [],
    "Failed": False,
    "FinishedAt": None,
    "LastRestart": None,
    "Paused": "",
    "Restarts": 0,
    "StartedAt": None,
    "State": "pending",
}


def event(kind: str, now: int, said: str, details: Mapping[str, str] | None = None, **extra: object) -> Json:
    """One task event; `said` is its DisplayMessage."""
    return {**NO_EVENT, "Type": kind, "Time": now, "DisplayMessage": said, "Details": dict(details or {}), **extra}


def with_events(state: Json, *events: Json, **changed: object) -> Json:
    """The state with more events and other fields changed; keeps the last ten events."""
    # Nomad's clients keep ten, too
    return {**state, **changed, "Events": [*state["Events"], *events][-10:]}


def with_start(state: Json, task: Json, now: int) -> Json:
    """The state of a task that has started."""
    image = (task["Config"] or {}).get("image")
    before = _setup_events(state, now)
    if before and image:
        said = f"Downloading image {image}"
        before.append(event("Driver", now, said, {"message": said}, DriverMessage=said))
    begun = event("Started", now, "Task started by client")
    return with_events(state, *before, begun, State="running", StartedAt=rfc3339(now))


def with_download(state: Json, now: int) -> Json:
    """The state of a task that has not started, because its artifacts are being fetched."""
    fetching = event("Downloading Artifacts", now, "Client is downloading artifacts")
    return with_events(state, *_setup_events(state, now), fetching)


def _setup_events(state: Json, now: int) -> list[Json]:
    """A task is received and set up only once; a restart only starts it."""
    setup = "Building Task Directory"
    if state["Events"]:
        return []
    received = event("Received", now, "Task received by client")
    return [received, event("Task Setup", now, setup, {"message": setup}, Message=setup)]


def download_failed_event(now: int, error: str) -> Json:
    """The event of an artifact that could not be fetched."""
    return event("Failed Artifact Download", now, error, {"download_error": error}, DownloadError=error)


def terminated_event(now: int, exit_code: int, signal: int = 0) -> Json:
    """The event of a process that has exited."""
    details = {"exit_code": str(exit_code), "oom_killed": "false", "signal": str(signal)}
    said = f"Exit Code: {exit_code}" + (f", Signal: {signal}" if signal else "")
    return event("Terminated", now, said, details, ExitCode=exit_code, Signal=signal)


def with_completion(state: Json, now: int) -> Json:
    """The state of a task that has ended successfully."""
    return with_events(state, terminated_event(now, 0), State="dead", FinishedAt=rfc3339(now))


def with_restart(state: Json, now: int, ended: Json, delay: int) -> Json:
    """The state of a task that has ended, by that event, and that is restarted after `delay` nanoseconds."""
    said = f"Task restarting in {go_duration(delay)}"
    reason = "Restart within policy"
    details = {"restart_reason": reason, "start_delay": str(delay)}
    again = event("Restarting", now, said, details, RestartReason=reason, StartDelay=delay)
    changed = {"State": "pending", "Restarts": state["Restarts"] + 1, "LastRestart": rfc3339(now)}
    return with_events(state, ended, again, **changed)


def with_final_failure(state: Json, now: int, ended: Json, policy: Json) -> Json:
    """The state of a task that has failed, by that event, and that its restart policy does not restart any more."""
    attempts, interval = int(policy["Attempts"] or 0), int(policy["Interval"] or 0)
    reason = "Policy allows no restarts"
    if attempts:
        reason = f'Exceeded allowed attempts {attempts} in interval {go_duration(interval)} and mode is "fail"'
    details = {"fails_task": "true", "restart_reason": reason}
    final = event("Not Restarting", now, reason, details, RestartReason=reason, FailsTask=True)
    changed = {"State": "dead", "Failed": True, "FinishedAt": rfc3339(now)}
    return with_events(state, ended, final, **changed)


def with_unhealthy_event(state: Json, now: int, why: str) -> Json:
    """The state of a task whose allocation was reported unhealthy."""
    return with_events(state, event("Alloc Unhealthy", now, why, {"message": why}, Message=why))


def with_kill(state: Json, now: int, kill_timeout: int) -> Json:
    """The state of a running task that was stopped."""
    if state["State"] == "dead":
        return state
    said = f"Sent interrupt. Waiting {go_duration(kill_timeout or 5 * SECOND)} before force killing"
    sent = event("Killing", now, said, {"kill_timeout": go_duration(kill_timeout)}, KillTimeout=kill_timeout)
    gone = event("Killed", now, "Task successfully killed")
    return with_events(state, sent, terminated_event(now, 130, 2), gone, State="dead", FinishedAt=rfc3339(now))


def with_sibling_failure(state: Json, now: int, sibling: str) -> Json:
    """The state of a task that ends because another task of its group has failed."""
    said = f'Task\'s sibling "{sibling}" failed'
    mark = event("Sibling Task Failed", now, said, {"failed_sibling": sibling}, FailedSibling=sibling)
    return with_kill(with_events(state, mark), now, 0)
