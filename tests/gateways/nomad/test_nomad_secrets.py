"""No text of Nomad's leaves the gateway with a secret in it, wherever Nomad put it."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.catalog.environment import Cluster
from bot.domain.deploy.plan import job_text
from bot.domain.jobdiff.redaction import Redactor
from bot.errors import NomadError
from bot.gateways.nomad import parse, plan, register
from bot.gateways.nomad.client import Client, Timeouts
from bot.gateways.nomad.errors import no_answer
from bot.gateways.nomad.reply import Reply
from bot.gateways.nomad.rollouts import observe
from tests.builders import a_job, a_rollout
from tests.gateways.nomad.worlds import a_service

ENV, ARGUMENT, OLD = "env1ronment-hidden", "argum3nt-hidden", "outs1de-hidden"
BY_FORM = [
    "Sup3rHidden",
    "Qu3ryHidden",
    "hvs." + "CAESIJ0abcdef",
    "ghp_" + "0123456789abcdef",
    "s." + "Zk9hunter2secret",
]
SHOWN = "debugging-mode"
ADDRESS = f"http://deployer:{BY_FORM[0]}@127.0.0.1:9/x?sig={BY_FORM[1]}"
SAID = [ENV, ARGUMENT, OLD, ADDRESS, *BY_FORM[2:]]
REDACTOR = Redactor(frozenset({"MODE"}))


def a_secret_job(**env):
    job = a_job()
    job["TaskGroups"][0]["Tasks"][0] |= {
        "Env": {"DB_PASSWORD": ENV, "MODE": SHOWN, **env},
        "Config": {"image": "registry.example/app:v1", "args": ["--key", ARGUMENT]},
        "Artifacts": [{"GetterSource": ADDRESS}],
    }
    return job


LIVE = a_secret_job(OLD_KEY=OLD) | {
    "Version": 4,
    "JobModifyIndex": 47,
    "CreateIndex": 1,
    "Stop": False,
    "Type": "service",
}


def a_metric(said):
    return {
        "NodesEvaluated": 3, "NodesExhausted": 1, "ConstraintFiltered": {said: 2}, "ClassFiltered": {said: 1},
        "QuotaExhausted": [said], "DimensionExhausted": {said: 1},
    }  # fmt: skip


def answers(said):
    """What Nomad answers to each call, by the last part of its path, with the text wherever it has one."""
    events = [{"Type": "Failed Artifact Download", "Time": 1, "DisplayMessage": said, "Message": said}]
    task = {"State": "dead", "Failed": True, "Restarts": 0, "Events": events}
    return {
        "evaluations": [
            {"Status": "blocked", "CreateIndex": 48, "ModifyIndex": 49, "FailedTGAllocs": {"web": a_metric(said)}}
        ],
        "deployments": [
            {"ID": "d1", "Status": "failed", "StatusDescription": said, "JobVersion": 4, "JobSpecModifyIndex": 47}
        ],
        "allocations": [
            {
                "ID": "a1", "TaskGroup": "web", "JobVersion": 4, "ClientStatus": "failed", "DesiredStatus": "run",
                "CreateIndex": 48, "TaskStates": {"app": task},
            }
        ],
        "versions": {"Versions": [LIVE]},
        "checkout": LIVE,
        "plan": {"JobModifyIndex": 47, "Warnings": f"1 warning:\n* {said}", "FailedTGAllocs": {"web": a_metric(said)}},
        "jobs": {"JobModifyIndex": 48, "EvalCreateIndex": 48, "Warnings": said},
    }  # fmt: skip


class Saying(Client):
    """A client whose Nomad says one text, in good answers or, with ``refusal``, in a bad one."""

    def __init__(self, said, refusal=None):
        super().__init__(Cluster(name="main", address="http://127.0.0.1:1"), None, Timeouts())
        self._said = said
        self._refusal = refusal

    async def _run(self, call):
        if self._refusal is None:
            return Reply(200, "application/json", json.dumps(answers(self._said)[call.path[-1]]).encode())
        return self._refusal


async def outcome(call):
    """Everything that one call gives, or raises."""
    try:
        return repr(await call)
    except NomadError as error:
        return f"{error!r} {error} {getattr(error, 'lines', '')}"


async def outcomes(client):
    job = a_secret_job()
    sent: Any = {"base_index": 47, "source": "", "variables": "{}", "redactor": REDACTOR}
    rollout = a_rollout(job_version=4, job_modify_index=47)
    return {
        "observe": await outcome(observe.observe(client, "apps", "checkout", rollout, REDACTOR)),
        "plan": await outcome(plan.plan(client, "apps", job | {"ID": "checkout"}, LIVE, REDACTOR)),
        "register": await outcome(register.register(client, "apps", job_text(job | {"ID": "checkout"}), **sent)),
    }


def of(said, refusal=None):
    client = Saying(said, refusal)
    try:
        return asyncio.run(outcomes(client))
    finally:
        client.close()


def leaks(text):
    return [secret for secret in (ENV, ARGUMENT, *BY_FORM) if secret in text]


WORDS = st.sampled_from(["failed to download", "permission denied:", f"mode {SHOWN}", '"quoted"', "a\nb", "1 error:"])
TEXTS = st.lists(WORDS | st.sampled_from(SAID), min_size=1, max_size=6).map(" ".join)


@given(TEXTS)
def test_a_good_answer(said):
    found = of(said)
    assert {name: leaks(text) for name, text in found.items()} == {"observe": [], "plan": [], "register": []}
    # only these two have seen the job outside that has this value
    assert OLD not in found["observe"] + found["plan"]
    if f"mode {SHOWN}" in said:
        assert all(SHOWN in text for text in found.values())


KINDS = [(400, ""), (403, ""), (429, ""), (500, ""), (500, "text/html"), (404, ""), (200, "")]


@given(TEXTS, st.sampled_from(KINDS))
def test_a_bad_answer(said, kind):
    status, content = kind
    found = of(said, Reply(status, content, said.encode(), ADDRESS))
    assert {name: leaks(text) for name, text in found.items() if name != "observe"} == {"plan": [], "register": []}
    # a read that Nomad refuses has not seen the job, so only the form tells
    assert not {*leaks(found["observe"])} & {*BY_FORM}


@pytest.mark.parametrize("name", ["observe", "plan", "register"])
def test_the_words_around_a_secret_stay(name):
    assert "cannot fetch http://(hidden)@127.0.0.1:9/x?(hidden)" in of(f"cannot fetch {ADDRESS}")[name]


def test_a_redirect_names_its_target_without_its_secrets():
    for text in of("", Reply(307, "", b"", ADDRESS)).values():
        assert "http://(hidden)@127.0.0.1:9/x?(hidden)" in text
        assert leaks(text) == []


async def test_a_template_that_nomad_cannot_parse():
    client = Saying("", Reply(500, "", f"Failed to parse job: input.hcl:3,1-2: Bad; {ADDRESS} is bad".encode()))
    said = await outcome(parse.parse(client, "", {}, "apps"))
    client.close()
    assert leaks(said) == []
    assert "http://(hidden)@127.0.0.1:9/x?(hidden)" in said


def test_a_broken_connection():
    said = str(no_answer(OSError(f"cannot reach {ADDRESS}")))
    assert leaks(said) == []
    assert "cannot reach http://(hidden)@127.0.0.1:9/x?(hidden)" in said


async def test_an_answer_of_another_shape(simulated):
    """The text of Python's own error has the value that did not fit."""
    simulated.nomad._client = Saying("", Reply(200, "application/json", json.dumps([{"Version": ADDRESS}]).encode()))
    said = await outcome(simulated.nomad.observe("apps", "checkout", a_rollout()))
    simulated.nomad.close()
    assert leaks(said) == []


async def test_an_artifact_that_cannot_be_fetched(world):
    job = a_service(world.job_id, env={"DB_PASSWORD": ENV})
    job["TaskGroups"][0]["Tasks"][0]["Artifacts"] = [{"GetterSource": ADDRESS}]
    rollout = await world.rolling(job)
    seen = await world.observed(rollout, lambda seen: any(each.failure for each in seen.allocations))
    failure = next(each.failure for each in seen.allocations if each.failure)
    assert failure.event == "Failed Artifact Download"
    assert failure.message.startswith('failed to download artifact "http://(hidden)@127.0.0.1:9/x?(hidden)": ')
    assert leaks(repr(seen)) == []
