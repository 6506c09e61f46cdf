"""Handles register calls, with the control API's rules for late, lost, refused or missing answers."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from sandbox.nomad.jobs.register import Order, register
from sandbox.nomad.records import JobKey, Json, new_id, rfc3339
from sandbox.nomad.refusals import Refused
from sandbox.nomad.wire.call import Answer, answer_response, refusal_response

if TYPE_CHECKING:
    from aiohttp import web

    from sandbox.nomad.switches import RegisterRule
    from sandbox.nomad.wire.call import Call


async def register_job(call: Call) -> web.StreamResponse:
    """Handle a register by the control API's rule for it, if there is one."""
    sent = call.job_in_body()
    if call.parts.get("job") not in {None, sent.get("ID")}:
        raise Refused(400, "Job ID does not match name")
    order = Order.read(call.fields, call.namespace_for_job())
    rule = call.cluster.switches.next_rule(order.namespace, str(order.job.get("ID")))
    seen = record_register(call, order)
    call.cluster.notify_change()
    if rule.apply and rule.when == "before":
        outcome = attempt(call, order, seen)
    else:
        # an answer before the register happens looks like a success
        outcome = answer_response(call, Answer(success_answer(call)))
        if rule.apply:
            wait = rule.seconds * (2 if rule.answer == "late" else 1)
            call.cluster.clock.really_after(wait, lambda: settle(call, order, seen))
    return await deliver(call, rule, outcome)


def record_register(call: Call, order: Order) -> Json:
    """Add a register to the list of registers, and return its entry."""
    source = (order.submission or {}).get("Source") or ""
    seen = {
        "at": rfc3339(call.cluster.clock.now_ns()),
        "namespace": order.namespace,
        "job": order.job.get("ID"),
        "enforce_index": order.enforce_index,
        "job_modify_index": order.job_modify_index,
        "submission_first_line": source.partition("\n")[0] if source else None,
        "applied": False,
        "version": None,
        "refused": None,
    }
    call.cluster.switches.registers.append(seen)
    return seen


def attempt(call: Call, order: Order, seen: Json) -> web.Response:
    """Register, record the result, and return the response."""
    try:
        done = register(call.cluster.state, order)
    except Refused as refusal:
        seen["refused"] = refusal.text
        return refusal_response(refusal)
    seen["applied"] = True
    seen["version"] = call.cluster.state.jobs[JobKey(order.namespace, order.job["ID"])]["Version"]
    return answer_response(call, Answer(done, done["Index"]))


def settle(call: Call, order: Order, seen: Json) -> None:
    """Register after the answer; only the list of registers shows the result."""
    attempt(call, order, seen)
    call.cluster.notify_change()


def success_answer(call: Call) -> Json:
    """An answer that looks like that of a successful register."""
    index = call.cluster.state.index + 1
    return {
        "EvalCreateIndex": index,
        "EvalID": new_id(),
        "Index": index,
        "JobModifyIndex": index,
        "KnownLeader": False,
        "LastContact": 0,
        "NextToken": "",
        "Warnings": "",
    }


async def deliver(call: Call, rule: RegisterRule, outcome: web.Response) -> web.StreamResponse:
    """Send the answer when, and if, the rule allows it."""
    if isinstance(rule.answer, tuple):
        status, text = rule.answer
        return refusal_response(Refused(status, text))
    if rule.answer == "late":
        await asyncio.sleep(rule.seconds)
    # held until the caller or the server gives up
    if rule.answer == "never":
        await asyncio.Event().wait()
    if rule.answer == "reset":
        cut(call.request)
    return outcome


def cut(request: web.Request) -> None:
    """Reset the connection without an answer."""
    # abort, because close would first send the buffer
    if request.transport is not None:
        request.transport.abort()
