"""Handlers for the paths of deployments, evaluations, allocations, namespaces and the agent."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

from aiohttp import web

from sandbox.nomad.client.logs import output_of
from sandbox.nomad.records import Json, find_group
from sandbox.nomad.refusals import Refused
from sandbox.nomad.rollout.verbs import fail_by_hand, pause, promote
from sandbox.nomad.wire.call import REGION, Answer, Missing, json_bytes
from sandbox.nomad.wire.lists import page_of
from sandbox.nomad.wire.shapes import allocation_stub, whole_allocation

if TYPE_CHECKING:
    from sandbox.nomad.wire.call import Call

VERSION, PRERELEASE = "2.0.6", "sim"
NO_TOKEN: Json = {
    "AccessorID": "acls-disabled",
    "CreateIndex": 0,
    "CreateTime": "0001-01-01T00:00:00Z",
    "ExpirationTTL": "",
    "ExpirationTime": None,
    "Global": False,
    "Hash": None,
    "ModifyIndex": 0,
    "Name": "ACLs disabled token",
    "Policies": None,
    "Roles": None,
    "SecretID": "",
    "Type": "client",
}


def select_records(call: Call, records: dict[str, Json]) -> tuple[list[Json], str]:
    """A page of the records of the call's namespace (or of all), and the token of the next one.

    By id prefix and filter, oldest first unless `reverse` is set.
    """
    prefix = call.query.get("prefix", "")
    found = [
        one for one in records.values() if call.namespace in {"*", one["Namespace"]} and one["ID"].startswith(prefix)
    ]
    found.sort(key=lambda one: int(one["CreateIndex"]), reverse=call.flag("reverse"))
    return page_of(call, [(f"{one['CreateIndex']}.{one['ID']}", one) for one in found])


def deployments(call: Call) -> Answer:
    """All deployments."""
    state = call.cluster.state
    shown, next_token = select_records(call, state.deployments)
    return Answer(shown, state.tables["deployments"], next_token)


def deployment(call: Call) -> Answer:
    """One deployment."""
    state = call.cluster.state
    found = state.deployments.get(call.parts["id"])
    if found is None:
        raise Missing("deployment not found", state.tables["deployments"])
    return Answer(found, found["ModifyIndex"])


def deployment_allocations(call: Call) -> Answer:
    """The allocations of one deployment."""
    state = call.cluster.state
    found = [one for one in state.allocations.values() if one["DeploymentID"] == call.parts["id"]]
    return Answer([allocation_stub(one) for one in found], state.tables["allocations"])


def promote_deployment(call: Call) -> Answer:
    """Promote some groups, or all."""
    body = call.fields
    groups = None if body.get("All") else list(body.get("Groups") or [])
    done = promote(call.cluster.state, call.parts["id"], groups)
    return Answer(done, done["Index"])


def fail_deployment(call: Call) -> Answer:
    """Fail a deployment."""
    done = fail_by_hand(call.cluster.state, call.parts["id"])
    return Answer(done, done["Index"])


def pause_deployment(call: Call) -> Answer:
    """Pause or resume."""
    done = pause(call.cluster.state, call.parts["id"], paused=bool(call.fields.get("Pause")))
    return Answer(done, done["Index"])


def evaluations(call: Call) -> Answer:
    """All evaluations."""
    state = call.cluster.state
    shown, next_token = select_records(call, state.evaluations)
    return Answer(shown, state.tables["evaluations"], next_token)


def evaluation(call: Call) -> Answer:
    """One evaluation."""
    state = call.cluster.state
    found = state.evaluations.get(call.parts["id"])
    if found is None:
        raise Missing("eval not found", state.tables["evaluations"])
    return Answer(found, found["ModifyIndex"])


def evaluation_allocations(call: Call) -> Answer:
    """The allocations that one evaluation created."""
    state = call.cluster.state
    found = [one for one in state.allocations.values() if one["EvalID"] == call.parts["id"]]
    return Answer([allocation_stub(one) for one in found], state.tables["allocations"])


def allocations(call: Call) -> Answer:
    """All allocations."""
    state = call.cluster.state
    shown, next_token = select_records(call, state.allocations)
    return Answer([allocation_stub(one) for one in shown], state.tables["allocations"], next_token)


def allocation(call: Call) -> Answer:
    """One allocation in full."""
    state = call.cluster.state
    found = state.allocations.get(call.parts["id"])
    if found is None:
        raise Missing("alloc not found", state.tables["allocations"])
    return Answer(whole_allocation(found), found["ModifyIndex"])


async def logs(call: Call) -> web.StreamResponse:
    """A task's output, plain or framed."""
    found = call.cluster.state.allocations.get(call.parts["id"])
    if found is None:
        raise Refused(404, f'Unknown allocation "{call.parts["id"]}"')
    name, stream = call.query.get("task", ""), call.query.get("type", "stdout")
    if not name:
        raise Refused(400, "must provide task name")
    if stream not in {"stdout", "stderr"}:
        raise Refused(400, "log type must be stdout or stderr")
    group = find_group(found["Job"], found["TaskGroup"]) or {}
    task = next((one for one in group["Tasks"] if one["Name"] == name), None)
    if task is None:
        raise Refused(400, f'unknown task name "{name}"')
    text = output_of(found, task, stream).encode()
    offset = call.query.get("offset", "")
    # from the end, the offset is the number of bytes to return; from the start, the number to skip
    if offset.isdecimal() and int(offset):
        text = text[-int(offset) :] if call.query.get("origin") == "end" else text[int(offset) :]
    plain = call.flag("plain")
    body = text if plain else log_frame(text, f"alloc/logs/{name}.{stream}.0")
    response = web.Response(body=body, content_type="text/plain" if plain else "application/json")
    response.enable_chunked_encoding()
    return response


def log_frame(text: bytes, file: str) -> bytes:
    """Output as one frame of Nomad's log format."""
    return json_bytes({"Data": base64.b64encode(text).decode(), "File": file, "Offset": len(text)})


def namespaces(call: Call) -> Answer:
    """All namespaces."""
    return Answer(call.cluster.namespace_list(), call.cluster.state.tables["namespaces"])


def namespace(call: Call) -> Answer:
    """One namespace."""
    found = call.cluster.state.namespaces.get(call.parts["name"])
    if found is None:
        raise Missing("Namespace not found", call.cluster.state.tables["namespaces"])
    return Answer(found, found["ModifyIndex"])


def put_namespace(call: Call) -> Answer:
    """Create or change a namespace; answers null."""
    name = call.fields.get("Name") or call.parts.get("name") or ""
    if not name:
        raise Refused(400, "missing namespace Name")
    call.cluster.put_namespace(str(name), str(call.fields.get("Description") or ""))
    return Answer(None, call.cluster.state.index)


def regions(_call: Call) -> Answer:
    """The names of the regions: there is one."""
    return Answer([REGION])


def leader(_call: Call) -> Answer:
    """The leader's address."""
    return Answer("127.0.0.1:4647")


def peers(_call: Call) -> Answer:
    """The servers' addresses."""
    return Answer(["127.0.0.1:4647"])


def health(_call: Call) -> Answer:
    """The agent's health, which is always ok."""
    well = {"message": "ok", "ok": True}
    return Answer({"client": well, "server": well})


def agent_self(call: Call) -> Answer:
    """The agent's description of itself, with a version that nobody can mistake for a real one."""
    number = call.cluster.switches.pretence.version or VERSION
    version = {"Version": number, "VersionPrerelease": PRERELEASE, "VersionMetadata": "", "Revision": ""}
    config = {
        "ACL": {"Enabled": False},
        "Datacenter": "dc1",
        "DevMode": True,
        "Name": "sandbox",
        "Region": REGION,
        "Version": version,
    }
    tags = {"build": f"{number}-{PRERELEASE}", "dc": "dc1", "region": REGION, "role": "nomad"}
    member = {"Addr": "127.0.0.1", "Name": "sandbox.global", "Port": 4648, "Status": "alive", "Tags": tags}
    return Answer({"config": config, "member": member, "stats": {"nomad": {"leader": "true", "server": "true"}}})


def token_self(call: Call) -> Answer:
    """The caller's token: ACLs are off unless the control API pretends otherwise."""
    return Answer(call.cluster.switches.pretence.token(NO_TOKEN), 0)


def policy(call: Call) -> Answer:
    """A policy of the caller's token."""
    return Answer(call.cluster.switches.pretence.policy(call.parts["name"]), 0)


def nodes(call: Call) -> Answer:
    """The nodes."""
    shown = [
        {
            **{name: one[name] for name in ("ID", "Name", "Datacenter", "NodePool")},
            "Status": "ready",
            "SchedulingEligibility": "eligible",
            "NodeClass": "",
        }
        for one in call.cluster.nodes.all
    ]
    return Answer(shown, 1)
