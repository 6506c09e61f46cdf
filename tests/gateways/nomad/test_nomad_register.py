"""Register: check-and-set, the submission, and each row of the answer table made over HTTP."""

from __future__ import annotations

import asyncio
import json
import socket

import pytest
from requests.adapters import HTTPAdapter

from bot.domain.catalog.environment import Cluster
from bot.domain.deploy.dispatch import Answer
from bot.domain.deploy.plan import job_text
from bot.gateways.nomad.cluster import PythonNomads
from bot.gateways.nomad.register import LARGEST_SOURCE, body, interpret
from bot.gateways.nomad.register import submission as submission_of
from bot.gateways.nomad.reply import Reply
from tests.gateways.nomad.worlds import a_batch, a_service

STAMP = "# nomatron D-1 plan 1 fingerprint 3f9a"


async def submission(world, version=0):
    return await world.call("GET", f"job/{world.job_id}/submission", version=str(version))


async def test_a_new_job_lands(world):
    answer = await world.register(a_service(world.job_id))
    live = await world.live()
    assert answer.answer is Answer.LANDED
    assert answer.job_modify_index == live["JobModifyIndex"]
    assert answer.evaluation


async def test_the_frozen_json_is_what_nomad_gets(world):
    job = a_service(world.job_id, env={"A": '"ключ" ${x} \\ \n'})
    job["TaskGroups"][0]["Tasks"][0]["Config"]["nice"] = 1.5
    job["TaskGroups"][0]["Tasks"][0]["Config"]["big"] = 2**60
    sent = json.loads(body(job_text(job), base_index=0, source="x", variables="{}"))
    assert sent["Job"] == job
    await world.register(job)
    task = (await world.live())["TaskGroups"][0]["Tasks"][0]
    assert task["Env"] == {"A": '"ключ" ${x} \\ \n'}


async def test_the_submission_has_the_stamp_the_template_and_the_variables(world):
    variables = json.dumps({"tag": "v1"})
    await world.nomad.register(
        world.namespace,
        job_text(a_service(world.job_id)),
        base_index=0,
        source=f"{STAMP}\njob {{}}\n",
        variables=variables,
    )
    kept = await submission(world)
    assert (kept["Source"], kept["Format"]) == (f"{STAMP}\njob {{}}\n", "hcl2")
    assert json.loads(kept["Variables"]) == {"tag": "v1"}


async def test_of_a_source_that_nomad_would_drop_the_stamp_is_kept(world):
    await world.register(a_service(world.job_id), source=f"{STAMP}\n" + "#" * LARGEST_SOURCE)
    assert (await submission(world))["Source"].strip() == STAMP


def test_the_largest_source_that_goes_whole():
    whole = STAMP + "\n" + "x" * (LARGEST_SOURCE - len(STAMP) - 4)
    assert len(whole) + len("{}") == LARGEST_SOURCE - 1
    assert submission_of(whole, "{}")["Source"] == whole
    assert submission_of(whole + "x", "{}")["Source"] == STAMP + "\n"
    assert submission_of("é" * (LARGEST_SOURCE // 2), "{}")["Source"] != "é" * (LARGEST_SOURCE // 2)


async def test_with_variables_that_nomad_would_drop_the_stamp_goes_alone(world):
    variables = json.dumps({"tag": "x" * LARGEST_SOURCE})
    job = job_text(a_service(world.job_id))
    await world.nomad.register(world.namespace, job, base_index=0, source=f"{STAMP}\njob {{}}\n", variables=variables)
    kept = await submission(world)
    assert (kept["Source"].strip(), kept["Variables"]) == (STAMP, "")


async def test_a_second_version_on_the_right_base(world):
    first = await world.register(a_service(world.job_id))
    second = await world.register(a_service(world.job_id, env={"A": "1"}), first.job_modify_index)
    live = await world.live()
    assert second.answer is Answer.LANDED
    assert (live["Version"], live["JobModifyIndex"]) == (1, second.job_modify_index)


async def test_another_base_is_a_conflict_and_changes_nothing(world):
    await world.register(a_service(world.job_id))
    live = await world.live()
    for base in (0, live["JobModifyIndex"] - 1):
        answer = await world.register(a_service(world.job_id, env={"A": "1"}), base)
        assert answer.answer is Answer.CONFLICT
        assert "Enforcing job modify index" in answer.text
    assert (await world.live())["Version"] == live["Version"]


async def test_a_base_of_a_job_that_is_gone_is_a_conflict(world):
    answer = await world.register(a_service(world.job_id), 5)
    assert answer.answer is Answer.CONFLICT


async def test_the_same_specification_again_is_a_no_op(world):
    rollout = await world.rolling(a_service(world.job_id))
    await world.observed(rollout, lambda seen: seen.stable)
    answer = await world.register(a_service(world.job_id), (await world.live())["JobModifyIndex"])
    assert answer.answer is Answer.NO_OP
    assert (await world.live())["Version"] == 0


async def test_a_job_that_makes_no_evaluation_lands(world):
    cron = {"Enabled": True, "SpecType": "cron", "Spec": "0 0 1 1 *", "ProhibitOverlap": True}
    answer = await world.register(a_batch(world.job_id, Periodic=cron))
    assert (answer.answer, answer.evaluation) == (Answer.LANDED, "")


async def test_a_second_register_of_a_job_without_evaluations_proves_itself_only_by_a_look(world):
    cron = {"Enabled": True, "SpecType": "cron", "Spec": "0 0 1 1 *", "ProhibitOverlap": True}
    first = await world.register(a_batch(world.job_id, Periodic=cron), source=STAMP)
    again = await world.register(a_batch(world.job_id, Periodic=cron), first.job_modify_index, source=STAMP)
    changed = await world.register(a_batch(world.job_id, good=False, Periodic=cron), first.job_modify_index)
    assert (again.answer, changed.answer) == (Answer.NO_OP, Answer.ACCEPTED)
    assert (await world.live())["Version"] == 1


async def test_an_invalid_job_is_denied_in_nomads_words(world):
    job = a_service(world.job_id)
    job["TaskGroups"][0]["Tasks"][0]["Driver"] = ""
    answer = await world.register(job)
    assert answer.answer is Answer.DENIED
    assert "Missing task driver" in answer.text
    assert "\n" not in answer.text
    assert await world.nomad.job(world.namespace, world.job_id) is None


async def test_a_changed_type_is_denied(world):
    first = await world.register(a_service(world.job_id))
    answer = await world.register(a_batch(world.job_id), first.job_modify_index)
    assert answer.answer is Answer.DENIED


async def test_eight_at_once_one_lands(world):
    base = (await world.register(a_service(world.job_id))).job_modify_index
    answers = await asyncio.gather(
        *(world.register(a_service(world.job_id, env={"A": str(number)}), base) for number in range(8))
    )
    assert sorted(each.answer for each in answers) == [*[Answer.CONFLICT] * 7, Answer.LANDED]


# --- the rows of the answer table that only a simulated Nomad gives at will ------------------------------------------


@pytest.mark.parametrize(
    ("status", "text", "answer"),
    [
        (500, "rpc error: Enforcing job modify index 5: job does not exist", Answer.CONFLICT),
        (500, 'job "x" is in nonexistent namespace "nope"', Answer.DENIED),
        (400, "Job must be specified", Answer.DENIED),
        (403, "Permission denied", Answer.FORBIDDEN),
        (429, "too many connections", Answer.NOT_SENT),
        (500, "leadership lost while committing log", Answer.UNKNOWN),
        (500, "rpc error: EOF", Answer.UNKNOWN),
        (500, "something nobody has ever seen", Answer.UNKNOWN),
        (502, "bad gateway", Answer.UNKNOWN),
        (503, "", Answer.UNKNOWN),
        (504, "gateway timeout", Answer.UNKNOWN),
    ],
)
async def test_answers(simulated, status, text, answer):
    await simulated.control("next-register", {"apply": False, "answer": {"status": status, "text": text}})
    said = await simulated.register(a_service(simulated.job_id))
    assert said.answer is answer
    assert said.text
    assert await simulated.nomad.job(simulated.namespace, simulated.job_id) is None


async def test_a_region_that_the_job_names_and_nobody_knows_is_a_definite_no(simulated):
    answer = {"status": 500, "text": "No path to region"}
    await simulated.control("next-register", {"apply": False, "answer": answer})
    said = await simulated.register({**a_service(simulated.job_id), "Region": "elsewhere"})
    assert (said.answer, said.text) == (Answer.DENIED, "No path to region")


@pytest.mark.parametrize("applied", [True, False])
@pytest.mark.parametrize("how", ["reset", "never"])
async def test_a_lost_answer_is_unknown(simulated, how, applied):
    await simulated.control("next-register", {"apply": applied, "answer": how})
    said = await simulated.register(a_service(simulated.job_id))
    assert said.answer is Answer.UNKNOWN
    assert ("took too long to answer" in said.text) == (how == "never")
    assert (await simulated.nomad.job(simulated.namespace, simulated.job_id) is not None) == applied


async def test_a_late_answer_is_unknown_though_it_landed(simulated):
    await simulated.control("next-register", {"answer": "late", "seconds": 20})
    assert (await simulated.register(a_service(simulated.job_id))).answer is Answer.UNKNOWN
    assert (await simulated.live())["Version"] == 0


@pytest.mark.parametrize(
    ("mode", "answer"),
    [
        ("refuse", Answer.UNKNOWN),
        ("hang", Answer.UNKNOWN),
        ("html", Answer.UNKNOWN),
        ("error500", Answer.UNKNOWN),
        ("forbidden", Answer.FORBIDDEN),
    ],
)
async def test_outages(simulated, mode, answer):
    await simulated.control("outage", {"mode": mode})
    assert (await simulated.register(a_service(simulated.job_id))).answer is answer
    await simulated.control("outage", {"mode": "none"})
    assert await simulated.nomad.job(simulated.namespace, simulated.job_id) is None


@pytest.mark.parametrize("host", ["127.0.0.1", "no-such-host.invalid"])
async def test_nobody_listens_is_not_sent(host):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    nomads = PythonNomads(lambda _: None)
    nomad = nomads.of(Cluster(name="gone", address=f"http://{host}:{port}"))
    said = await nomad.register("default", "{}", base_index=0, source="", variables="{}")
    nomads.close()
    assert said.answer is Answer.NOT_SENT
    assert said.text.startswith("cluster gone ")


async def test_after_closing_nothing_is_sent():
    nomads = PythonNomads(lambda _: None)
    nomad = nomads.of(Cluster(name="main", address="http://127.0.0.1:1"))
    nomads.close()
    said = await nomad.register("default", "{}", base_index=0, source="", variables="{}")
    assert said.answer is Answer.NOT_SENT


class Breaking(HTTPAdapter):
    """Raises in the thread of the call, before or after the request went out."""

    def __init__(self, error, *, after):
        super().__init__()
        self.error, self.after = error, after

    def send(self, *given, **how):
        if self.after:
            super().send(*given, **how).close()
        raise self.error


@pytest.mark.parametrize("error", [RuntimeError("can't start new thread"), ValueError("odd"), OSError(113, "No route")])
@pytest.mark.parametrize("after", [True, False])
async def test_an_error_in_the_thread_of_the_call_is_unknown(simulated, error, after):
    client = simulated.nomad._client
    client._session.mount("http://", Breaking(error, after=after))
    said = await simulated.register(a_service(simulated.job_id))
    client._session.mount("http://", HTTPAdapter())
    assert (await simulated.nomad.job(simulated.namespace, simulated.job_id) is not None) == after
    assert said.answer is Answer.UNKNOWN
    assert said.text.startswith("cluster main ")


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("application/json", '{"EvalID": "e"}'),
        ("application/json", '{"JobModifyIndex": null, "EvalCreateIndex": 3}'),
        ("application/json", '{"JobModifyIndex": 0, "EvalCreateIndex": 0, "EvalID": ""}'),
        ("application/json", "[]"),
        ("application/json", "not JSON"),
        ("text/html", "<html>fine</html>"),
    ],
)
def test_a_200_that_is_not_nomads_is_unknown(kind, text):
    assert interpret(Reply(200, kind, text.encode())).answer is Answer.UNKNOWN


def test_a_redirect_is_unknown_and_names_its_target():
    said = interpret(Reply(307, "", b"", "https://other.example/"))
    assert said.answer is Answer.UNKNOWN
    assert "https://other.example/" in said.text


def test_a_web_pages_403_is_not_nomads_no():
    assert interpret(Reply(403, "text/html", b"<html>blocked</html>")).answer is Answer.UNKNOWN


def test_a_warning_is_kept():
    text = b'{"JobModifyIndex": 7, "EvalCreateIndex": 7, "EvalID": "e", "Warnings": "1 warning:\\n\\n* no delay"}'
    assert interpret(Reply(200, "application/json", text)).text == "no delay"
