"""The diff of two jobs, their groups and their tasks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sandbox.nomad.diffs import shapes
from sandbox.nomad.diffs.flat import Flat, fields, primitives
from sandbox.nomad.diffs.objects import Comparer, match_by_key, nested, strings, values
from sandbox.nomad.diffs.services import SERVICES

if TYPE_CHECKING:
    from jobspec.job.fields import Job

Parts = tuple[tuple[str, Comparer], ...]

_JOB_HIDDEN: Final = frozenset(
    {
        "ID", "Status", "StatusDescription", "Version", "Stable", "CreateIndex", "ModifyIndex", "JobModifyIndex",
        "Update", "SubmitTime", "NomadTokenID", "Payload",
    }
)  # fmt: skip
_GROUP_HIDDEN: Final = frozenset(
    {"Name", "ShutdownDelay", "MaxRunDuration", "StopAfterClientDisconnect", "MaxClientDisconnect"}
)
_TASK_HIDDEN: Final = frozenset({"Name", "Config"})
_JOB: Final[Parts] = (
    ("Datacenters", strings("Datacenters", changed_only=True)),
    ("Constraints", shapes.CONSTRAINTS),
    ("Affinities", shapes.AFFINITIES),
    ("Periodic", shapes.PERIODIC.compare),
    ("ParameterizedJob", shapes.PARAMETERIZED.compare),
    ("Multiregion", shapes.multiregion),
    ("UI", shapes.UI.compare),
)
_GROUP: Final[Parts] = (
    ("Constraints", shapes.CONSTRAINTS),
    ("Affinities", shapes.AFFINITIES),
    ("RestartPolicy", values("RestartPolicy")),
    ("Migrate", values("Migrate")),
    ("ReschedulePolicy", values("ReschedulePolicy")),
    ("EphemeralDisk", values("EphemeralDisk")),
    ("Consul", values("Consul")),
    ("Update", values("Update", "Stagger")),
    ("Disconnect", shapes.DISCONNECT.compare),
    ("Networks", shapes.NETWORKS),
    ("Scaling", shapes.SCALING.compare),
    ("Services", SERVICES),
    ("Volumes", shapes.VOLUMES),
)
_TASK: Final[Parts] = (
    ("Constraints", shapes.CONSTRAINTS),
    ("Affinities", shapes.AFFINITIES),
    ("Config", shapes.CONFIG),
    ("Resources", shapes.RESOURCES.compare),
    ("LogConfig", values("LogConfig")),
    ("DispatchPayload", values("DispatchPayload")),
    ("Artifacts", shapes.ARTIFACTS),
    ("Services", SERVICES),
    ("Vault", shapes.VAULT.compare),
    ("Secrets", shapes.SECRETS),
    ("Consul", values("Consul")),
    ("Templates", shapes.TEMPLATES),
    ("Identity", shapes.IDENTITY.compare),
    ("Identities", shapes.IDENTITIES),
    ("Actions", shapes.ACTIONS),
    ("VolumeMounts", shapes.MOUNTS),
    ("Schedule", shapes.SCHEDULE),
)


def diff(old: Job | None, new: Job | None, *, contextual: bool = True) -> Job:
    """Nomad's diff of two jobs in stored form (`to_stored_form`), without annotations; a missing job is None.

    With `contextual`, as in a plan, changed blocks also show their unchanged fields.
    """
    own = fields(primitives(old, _JOB_HIDDEN), primitives(new, _JOB_HIDDEN), contextual=False)
    objects = nested(_JOB, old, new, contextual=contextual)
    groups = _each("TaskGroups", old, new, _group, contextual=contextual)
    changed = any(each["Type"] != "None" for each in (*own, *objects, *groups))
    kind = "Added" if old is None else "Deleted" if new is None else "Edited" if changed else "None"
    ident = (new or old or {}).get("ID", "")
    return {"Type": kind, "ID": ident, "Fields": own or None, "Objects": objects or None, "TaskGroups": groups or None}


def _each(name: str, old: Job | None, new: Job | None, compare: Any, *, contextual: bool) -> list[Job]:
    pairs = match_by_key((old or {}).get(name), (new or {}).get(name), lambda each: str(each["Name"]))
    return sorted((compare(*pair, contextual) for pair in pairs), key=lambda each: str(each["Name"]))


def _kind(old: Job | None, new: Job | None) -> str:
    return "Added" if old is None else "Deleted" if new is None else "None" if old == new else "Edited"


def _group(old: Job | None, new: Job | None, contextual: bool) -> Job:  # noqa: FBT001 - called through `_each`
    before, after = primitives(old, _GROUP_HIDDEN), primitives(new, _GROUP_HIDDEN)
    if old and new:
        before, after = before | _delay(old), after | _delay(new)
    return {
        "Type": _kind(old, new),
        "Name": (new or old or {})["Name"],
        "Fields": fields(before, after, contextual=False) or None,
        "Objects": nested(_GROUP, old, new, contextual=contextual) or None,
        "Tasks": _each("Tasks", old, new, _task, contextual=contextual) or None,
        "Updates": None,
    }


def _delay(group: Job) -> Flat:
    delay = group["ShutdownDelay"]
    return {"ShutdownDelay": "" if delay is None else str(delay)}


def _task(old: Job | None, new: Job | None, contextual: bool) -> Job:  # noqa: FBT001 - called through `_each`
    own = fields(primitives(old, _TASK_HIDDEN), primitives(new, _TASK_HIDDEN), contextual=False)
    return {
        "Type": _kind(old, new),
        "Name": (new or old or {})["Name"],
        "Fields": own or None,
        "Objects": nested(_TASK, old, new, contextual=contextual) or None,
        "Annotations": None,
    }
