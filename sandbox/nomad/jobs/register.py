"""Registers a job: validation, compare-and-set, the next version and its evaluation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from jobspec.job.fields import MalformedJobError
from jobspec.job.stored import to_stored_form
from sandbox.nomad.admission.validation import problems
from sandbox.nomad.jobs.submissions import copy_submission, keep_submission, too_large
from sandbox.nomad.jobs.versions import evaluate_change, register_answer
from sandbox.nomad.records import JobKey, Json
from sandbox.nomad.refusals import Refused, several
from sandbox.nomad.scheduler.evaluations import evaluation_of
from sandbox.nomad.specification import same_specification
from sandbox.nomad.status import starts_nothing

if TYPE_CHECKING:
    from sandbox.nomad.state import State

SOURCE_DROPPED = "1 warning:\n\n* job source size exceeds maximum of 1.0 MB: submission will not be stored"


@dataclass(frozen=True)
class Order:
    """A register request."""

    job: Json
    namespace: str
    token_id: str = ""
    enforce_index: bool = False
    job_modify_index: int = 0
    submission: Json | None = None
    preserve_counts: bool = False

    @classmethod
    def read(cls, body: Json, namespace: str, token_id: str = "") -> Order:
        """Reads an order from the body of a request."""
        return cls(
            job=body["Job"],
            namespace=namespace,
            token_id=token_id,
            enforce_index=bool(body.get("EnforceIndex")),
            job_modify_index=int(body.get("JobModifyIndex") or 0),
            submission=body.get("Submission"),
            preserve_counts=bool(body.get("PreserveCounts")),
        )


def admit(state: State, job: Json, namespace: str) -> Json:
    """The job in stored form. Raises Refused: 500 with all problems at once, 400 for wrong types."""
    # all problems at once, including the namespace's, as Nomad's admission reports them
    try:
        kept = reset_server_fields(to_stored_form({**job, "Namespace": namespace}), job)
    except MalformedJobError as error:
        raise Refused(400, str(error)) from error
    found = list(problems(kept))
    if namespace not in state.namespaces:
        found.append(f'job "{kept["ID"]}" is in nonexistent namespace "{namespace}"')
    if found:
        raise Refused(500, several(found))
    return kept


def reset_server_fields(kept: Json, sent: Json) -> Json:
    """The job with the server's own fields reset, except Version and Stop, which Nomad honours as sent."""
    return {
        **kept,
        "Version": int(sent.get("Version") or 0),
        "Stop": bool(sent.get("Stop")),
        "Stable": False,
        "Status": "dead",
        "StatusDescription": "",
        "VersionTag": None,
        "NomadTokenID": "",
        "CreateIndex": 0,
        "ModifyIndex": 0,
        "JobModifyIndex": 0,
    }


def check_index(order: Order, existing: Json | None) -> None:
    """Compare-and-set. Raises Refused with 500 if the job is not at the index that the order enforces."""
    if not order.enforce_index:
        return
    wanted = order.job_modify_index
    start = f"Enforcing job modify index {wanted}: "
    if existing is None:
        if wanted:
            raise Refused(500, start + "job does not exist")
        return
    actual = existing["JobModifyIndex"]
    # 0 means "must not exist" and has its own error text
    if not wanted:
        raise Refused(500, start + "job already exists")
    if wanted != actual:
        raise Refused(500, start + f"job exists with conflicting job modify index: {actual}")


def check_type(job: Json, existing: Json | None) -> None:
    """Raises Refused with 500 if the register would change the job's type."""
    if existing is None:
        return
    if existing["Type"] != job["Type"]:
        raise Refused(500, f'cannot update job from type "{existing["Type"]}" to "{job["Type"]}"')
    for field, word in (("Periodic", "periodic"), ("ParameterizedJob", "parameterized")):
        if bool(existing[field]) != bool(job[field]):
            ways = (f"non-{word}", word) if job[field] else (word, f"non-{word}")
            raise Refused(500, "cannot update {} job to being {}".format(*ways))


def with_live_counts(job: Json, existing: Json) -> Json:
    """The job with the current count of every group that exists already."""
    counts = {group["Name"]: group["Count"] for group in existing["TaskGroups"] or []}
    groups = [{**group, "Count": counts.get(group["Name"], group["Count"])} for group in job["TaskGroups"] or []]
    return {**job, "TaskGroups": groups}


def register(state: State, order: Order) -> Json:
    """Register, and answer as Nomad does: a no-op answers with the job's ModifyIndex, and is evaluated anyway."""
    job = {**admit(state, order.job, order.namespace), "NomadTokenID": order.token_id}
    existing = state.jobs.get(JobKey(order.namespace, job["ID"]))
    # the order matters: Nomad reports an invalid job before a stale index, and checks the index of a no-op, too
    check_index(order, existing)
    check_type(job, existing)
    if existing is not None:
        # compare the job as it was sent: a preserved count that differs makes a new version each time
        if same_specification(job, existing):
            return no_op(state, existing)
        if order.preserve_counts:
            job = with_live_counts(job, existing)
    return new_version(state, order, job, existing)


def no_op(state: State, existing: Json) -> Json:
    """Answer a register that changes nothing, and evaluate the job as it is."""
    # the index in the answer is not the one for compare-and-set: a trap in Nomad that callers must know
    if starts_nothing(existing):
        return {**register_answer(existing, None, existing["ModifyIndex"]), "JobModifyIndex": existing["ModifyIndex"]}
    with state.batch("EvaluationUpdated") as batch:
        # without a JobModifyIndex: nothing was registered
        evaluation = batch.put_evaluation(evaluation_of(existing, "job-register"))
    return {**register_answer(existing, evaluation, batch.index), "JobModifyIndex": existing["ModifyIndex"]}


def new_version(state: State, order: Order, job: Json, existing: Json | None) -> Json:
    """Store the next version with its submission, and evaluate it."""
    with state.batch("JobRegistered") as batch:
        kept = batch.put_job(
            {
                **job,
                "Version": next_number(job, existing),
                "CreateIndex": existing["CreateIndex"] if existing else batch.index,
                "JobModifyIndex": batch.index,
                # the first of the two lines still shows the old status
                "Status": existing["Status"] if existing else "dead",
                "SubmitTime": batch.now,
            }
        )
        dropped = too_large(order.submission)
        if order.submission is not None and not dropped:
            keep_submission(state, kept, order.submission)
        # a job without a source gets the source of the version that its Version names, which is 0 if it names none
        elif existing is not None and job["Version"] <= existing["Version"]:
            copy_submission(state, job, kept)
        batch.next_line()
        evaluation = evaluate_change(kept, "job-register", batch)
    return register_answer(kept, evaluation, batch.index, SOURCE_DROPPED if dropped else "")


def next_number(job: Json, existing: Json | None) -> int:
    """The number of the new version: the next number, or a higher one that the job names."""
    asked = int(job["Version"])
    return asked if existing is None else max(int(existing["Version"]) + 1, asked)
