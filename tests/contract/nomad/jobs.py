"""Builders of the jobs the contract is checked with.

A good task sleeps, a bad one exits 1 at once. Deployments go by task states,
so a task that stays up for `min_healthy_time` is healthy. Sizes are small on
purpose: many of these run at the same time on one node.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

Json = dict[str, Any]

SECOND = 1_000_000_000
MINUTE = 60 * SECOND

GROUP = "web"
TASK = "app"
MEMORY_MB = 10
IMPOSSIBLE_MEMORY_MB = 2**30


class Command(NamedTuple):
    """What a task runs."""

    path: str
    args: tuple[str, ...] = ()


GOOD = Command("/bin/sleep", ("3600",))
BAD = Command("/bin/false")

NO_RESCHEDULE: Json = {"Attempts": 0, "Interval": 0, "Unlimited": False}
PATIENT_RESCHEDULE: Json = {
    "Attempts": 0,
    "Delay": 30 * SECOND,
    "DelayFunction": "constant",
    "MaxDelay": 0,
    "Unlimited": True,
}

# The deadlines are long, so that a simulator that is fast and a machine that is slow do not meet them.
QUICK_UPDATE: Json = {
    "MaxParallel": 1,
    "HealthCheck": "task_states",
    "MinHealthyTime": 1 * SECOND,
    "HealthyDeadline": 2 * MINUTE,
    "ProgressDeadline": 4 * MINUTE,
}
# A deployment of this update fails within seconds, unless its allocations are healthy.
IMPATIENT_UPDATE: Json = {"HealthyDeadline": 2 * SECOND, "ProgressDeadline": 3 * SECOND}
# An allocation of this update runs, but is not healthy within any test.
UNDECIDED_UPDATE: Json = {
    **QUICK_UPDATE,
    "MinHealthyTime": 20 * MINUTE,
    "HealthyDeadline": 40 * MINUTE,
    "ProgressDeadline": 60 * MINUTE,
}


def task(command: Command = GOOD, *, memory: int = MEMORY_MB, env: Mapping[str, str] | None = None) -> Json:
    return {
        "Name": TASK,
        "Driver": "raw_exec",
        "Config": {"command": command.path, "args": list(command.args)},
        "Env": dict(env or {}),
        "KillTimeout": 1 * SECOND,
        "Resources": {"CPU": 10, "MemoryMB": memory},
        "LogConfig": {"MaxFiles": 1, "MaxFileSizeMB": 1},
    }


def group(only_task: Json, *, count: int = 1, update: Json | None = None, **extra: object) -> Json:
    return {
        "Name": GROUP,
        "Count": count,
        "Tasks": [only_task],
        "Update": update,
        "EphemeralDisk": {"SizeMB": 10},
        "RestartPolicy": {"Attempts": 0, "Mode": "fail", "Delay": 1 * SECOND, "Interval": MINUTE},
        **extra,
    }


def service(
    job_id: str,
    command: Command = GOOD,
    *,
    count: int = 1,
    memory: int = MEMORY_MB,
    env: Mapping[str, str] | None = None,
    meta: Mapping[str, str] | None = None,
    update: Json | None = None,
    reschedule: Json | None = None,
    **group_extra: object,
) -> Json:
    """A service job of one group and one task, with deployments that take seconds."""
    only_group = group(
        task(command, memory=memory, env=env),
        count=count,
        update={**QUICK_UPDATE, **(update or {})},
        ReschedulePolicy=reschedule or NO_RESCHEDULE,
        **group_extra,
    )
    return {
        "ID": job_id,
        "Name": job_id,
        "Type": "service",
        "Datacenters": ["*"],
        "Meta": dict(meta or {}),
        "TaskGroups": [only_group],
    }


def undecided_service(job_id: str, **options: Any) -> Json:
    """A service whose new allocations run but are not healthy within any test."""
    options["update"] = {**UNDECIDED_UPDATE, **options.get("update", {})}
    return service(job_id, **options)


def idle_service(job_id: str, **env: str) -> Json:
    """A job that runs nothing, whose specification is its environment."""
    return service(job_id, count=0, env=env)


def batch(job_id: str, command: Command = GOOD, **job_extra: object) -> Json:
    only_group = group(task(command), ReschedulePolicy=NO_RESCHEDULE)
    return {
        "ID": job_id,
        "Name": job_id,
        "Type": "batch",
        "Datacenters": ["*"],
        "TaskGroups": [only_group],
        **job_extra,
    }


def sysbatch(job_id: str) -> Json:
    job = batch(job_id, Type="sysbatch")
    del job["TaskGroups"][0]["ReschedulePolicy"]
    return job


def periodic(job_id: str) -> Json:
    cron = {"Enabled": True, "SpecType": "cron", "Spec": "0 0 1 1 *", "ProhibitOverlap": True}
    return batch(job_id, Periodic=cron)


def parameterized(job_id: str) -> Json:
    rules = {"Payload": "optional", "MetaRequired": ["target"], "MetaOptional": ["note"]}
    return batch(job_id, ParameterizedJob=rules)


def hcl(job_id: str, *, extra: str = "") -> str:
    """A jobspec with one required variable, `tag`, that ends up in the task's config."""
    return f"""
variable "tag" {{
  type = string
}}
{extra}
job "{job_id}" {{
  group "{GROUP}" {{
    task "{TASK}" {{
      driver = "raw_exec"
      config {{
        command = "/bin/echo"
        args    = [var.tag]
      }}
    }}
  }}
}}
"""


NUMBER_VARIABLE = """
variable "count" {
  type    = number
  default = 1
}
"""

VALIDATED_VARIABLE = """
variable "size" {
  type    = string
  default = "small"
  validation {
    condition     = contains(["small", "large"], var.size)
    error_message = "The size must be small or large."
  }
}
"""
