"""The state of the cluster as JSON for the sandbox's page and for tests."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sandbox.nomad.client.behaviour import image_of
from sandbox.nomad.status import health_of, terminal

if TYPE_CHECKING:
    from sandbox.nomad.cluster import Cluster
    from sandbox.nomad.records import JobKey, Json
    from sandbox.nomad.state import State


# the page does not need the whole history of a long demonstration
SHOWN_ALLOCATIONS = 40


def picture(cluster: Cluster) -> Json:
    """The whole state: jobs, namespaces and switches."""
    state = cluster.state
    return {
        "speed": cluster.clock.speed,
        "index": state.index,
        "namespaces": sorted(state.namespaces),
        "jobs": [job_picture(state, key, job) for key, job in sorted(state.jobs.items())],
        "switches": cluster.switches.describe(),
    }


def job_picture(state: State, key: JobKey, job: Json) -> Json:
    """One job with its versions, its newest deployment and its allocations."""
    return {
        "namespace": key.namespace,
        "id": key.id,
        "type": job["Type"],
        "status": job["Status"],
        "stop": job["Stop"],
        "version": job["Version"],
        "job_modify_index": job["JobModifyIndex"],
        "stable": job["Stable"],
        "image": first_image(job),
        "versions": [version_picture(state, key, one) for one in state.versions.get(key, [])],
        "deployment": state.latest_deployment(key),
        "allocations": [allocation_picture(one) for one in shown_allocations(state.allocations_of(key))],
    }


def shown_allocations(allocations: list[Json]) -> list[Json]:
    """The newest allocations and all that have not ended, newest first."""
    newest = allocations[-SHOWN_ALLOCATIONS:]
    older = [one for one in allocations[:-SHOWN_ALLOCATIONS] if not terminal(one)]
    return [*reversed(newest), *reversed(older)]


def first_task(job: Json) -> Json:
    """The first task of the first group; empty if there is none."""
    groups = job["TaskGroups"] or []
    tasks = (groups[0]["Tasks"] or []) if groups else []
    return dict(tasks[0]) if tasks else {"Config": None, "Env": None}


def first_image(job: Json) -> str:
    """The image or the command of the job's first task."""
    return image_of(first_task(job))


def version_picture(state: State, key: JobKey, job: Json) -> Json:
    """One version."""
    submission = state.submissions.get((key, job["Version"]))
    source = (submission or {}).get("Source") or ""
    return {
        "version": job["Version"],
        "job_modify_index": job["JobModifyIndex"],
        "stable": job["Stable"],
        "stop": job["Stop"],
        "image": first_image(job),
        "env": first_task(job)["Env"] or {},
        "submission_first_line": source.partition("\n")[0] if submission else None,
        "token": job["NomadTokenID"] or None,
        "submit_time": job["SubmitTime"],
    }


def allocation_picture(allocation: Json) -> Json:
    """One allocation, with its last event."""
    events = [event for state in (allocation["TaskStates"] or {}).values() for event in state["Events"]]
    # of several events at the same time, the last one
    last = max(reversed(events), key=lambda event: int(event["Time"]), default=None)
    return {
        "id": allocation["ID"],
        "name": allocation["Name"],
        "version": allocation["Job"]["Version"],
        "desired": allocation["DesiredStatus"],
        "client_status": allocation["ClientStatus"],
        "healthy": health_of(allocation),
        "event": last["DisplayMessage"] if last else None,
    }
