"""Dispatches a parameterized job, which creates a child job."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from sandbox.nomad.jobs.versions import evaluate_change
from sandbox.nomad.records import SECOND, JobKey, Json
from sandbox.nomad.refusals import Refused

if TYPE_CHECKING:
    from sandbox.nomad.state import State


def dispatch(state: State, key: JobKey, body: Json, token: str) -> Json:
    """Create a child; the same idempotency token returns the same child again. Raises Refused with 500."""
    parent = state.jobs.get(key)
    if parent is None:
        raise Refused(500, "parameterized job not found")
    if not parent["ParameterizedJob"]:
        raise Refused(500, f'Specified job "{key.id}" is not a parameterized job')
    if parent["Stop"]:
        raise Refused(500, f'Specified job "{key.id}" is stopped')
    check(parent["ParameterizedJob"], body)
    # after the check, so that a repeated call is checked, too
    known = child_with(state, parent, token)
    if known is not None:
        return dispatch_answer(known, None, known["CreateIndex"])
    with state.batch("JobRegistered") as batch:
        child = batch.put_job(child_of(parent, body, token, batch.now, batch.index))
        batch.next_line()
        evaluation = evaluate_change(child, "job-register", batch)
    return dispatch_answer(child, evaluation, batch.index)


def check(rules: Json, body: Json) -> None:
    """Check the dispatch against the rules of its job. Raises Refused with 500."""
    meta, payload = body.get("Meta") or {}, body.get("Payload")
    required, optional = rules["MetaRequired"] or [], rules["MetaOptional"] or []
    if payload and rules["Payload"] == "forbidden":
        raise Refused(500, "Payload is forbidden by parameterized job")
    if not payload and rules["Payload"] == "required":
        raise Refused(500, "Payload is not provided but required by parameterized job")
    # Nomad reports unknown keys before missing ones
    extra = sorted(set(meta) - {*required, *optional})
    if extra:
        raise Refused(500, f"Dispatch request included unpermitted metadata keys: [{' '.join(extra)}]")
    missing = sorted(set(required) - set(meta))
    if missing:
        raise Refused(500, f"Dispatch did not provide required meta keys: [{' '.join(missing)}]")


def child_with(state: State, parent: Json, token: str) -> Json | None:
    """The child that was created with this token before; None if there is none."""
    children = [one for one in state.jobs.values() if one["ParentID"] == parent["ID"] and token]
    return next((one for one in children if one["DispatchIdempotencyToken"] == token), None)


def child_of(parent: Json, body: Json, token: str, now: int, index: int) -> Json:
    """A new child job of a parameterized job."""
    child_id = f"{parent['ID']}/dispatch-{now // SECOND}-{secrets.token_hex(4)}"
    return {
        **parent,
        "ID": child_id,
        "Name": child_id,
        "ParentID": parent["ID"],
        "Dispatched": True,
        "DispatchIdempotencyToken": token,
        "Payload": body.get("Payload"),
        "Meta": {**(parent["Meta"] or {}), **(body.get("Meta") or {})} or None,
        "Priority": body.get("Priority") or parent["Priority"],
        "Stable": False,
        "Status": "dead",
        "Version": 0,
        "VersionTag": None,
        "CreateIndex": index,
        "JobModifyIndex": index,
        "SubmitTime": now,
    }


def dispatch_answer(child: Json, evaluation: Json | None, index: int) -> Json:
    """The answer to a dispatch; has no evaluation if the child existed before."""
    return {
        "DispatchedJobID": child["ID"],
        "EvalCreateIndex": evaluation["CreateIndex"] if evaluation else 0,
        "EvalID": evaluation["ID"] if evaluation else "",
        "Index": index,
        "JobCreateIndex": child["CreateIndex"],
    }


def children_of(state: State, key: JobKey) -> list[Json]:
    """The child jobs of a job."""
    return [one for one in state.jobs.values() if JobKey(one["Namespace"], one["ParentID"]) == key]
