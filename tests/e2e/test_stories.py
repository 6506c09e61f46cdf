"""The stories that must always work, as far as they are there: 1, 2.1-2.3, 3.1, 3.5 and 6."""

from __future__ import annotations

import json
import re
from contextlib import contextmanager
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import requests

from tests.e2e.driver import ALICE, BOB, CAROL, GUS, NORA, PRODUCTION, SAM, STAGING, Message, Sandbox, edit

if TYPE_CHECKING:
    from collections.abc import Iterator


def test_the_first_deploy(shipped: Sandbox):
    told = shipped.type(ALICE, "checkout v1.4.2 to production because SHOP-981")
    assert "checkout v1.4.2 has not succeeded in staging." in told
    assert "`/deploy checkout v1.4.2 to staging`" in told

    staging = shipped.ask(ALICE, "checkout v1.4.2 to staging")
    message = shipped.reach(staging, "Succeeded")
    assert message.channel == STAGING
    assert message.text == f"Succeeded: checkout v1.4.2 to staging, asked by <@{ALICE}> ({staging})"
    assert "1/1 healthy" in message.whole

    production = shipped.promoted(ALICE, staging, "SHOP-981")
    message = shipped.reach(production, "Approval needed")
    assert message.channel == PRODUCTION
    assert [each.text for each in shipped.messages(PRODUCTION)].count(message.text) == 1
    for words in ("count 1 → 6", "promoted from *staging*", "SHOP-981", "canary"):
        assert words in message.whole
    assert "1 more from sre — <!subteam^S0SRE00001>" in message.whole
    assert f"1 more from owners of checkout — <@{BOB}>" in message.whole
    assert message.whole.count("S0SRE00001") == 1
    shipped.until(lambda: "deploy.promote" not in shipped.card(staging).actions, "the button to go")

    refusals = [shipped.click(who, message) for who in (ALICE, GUS, NORA)]
    assert len(set(refusals)) == 3
    assert all(BOB in refusal and "S0SRE00001" in refusal for refusal in refusals)
    assert "1 of 2" in shipped.click(BOB, message)
    assert "already" in shipped.click(BOB, message)
    assert "2 of 2" in shipped.click(SAM, message)

    message = shipped.reach(production, "Succeeded")
    assert not {"deploy.approve", "deploy.promote"} & message.actions
    assert "6/6 healthy" in message.whole
    assert f"approved by <@{BOB}>, <@{SAM}>" in message.whole
    assert f"<@{SAM}> approved for sre" in message.thread
    newest, before = shipped.versions("apps", "checkout")
    assert (newest["version"], before["version"]) == (1, 0)
    assert newest["submission_first_line"].startswith(f"# nomatron {production} plan 1 fingerprint ")
    assert shipped.made_by(production) == [1]


def test_approved_is_what_runs(seeded: Sandbox):
    deploy = seeded.ask(ALICE, "checkout v1.4.2 to production because SHOP-981")
    message = seeded.reach(deploy, "Approval needed")
    assert "1 of 2" in seeded.click(BOB, message)

    seeded.post("nomad", "/sandbox/change", {"namespace": "apps", "job": "checkout", "env": {"LOG_LEVEL": "trace"}})
    assert "2 of 2" in seeded.click(SAM, message)

    seeded.until(lambda: "LOG_LEVEL" in seeded.card(deploy).thread, "what moved")
    # the thread may be ahead of the message
    seeded.until(lambda: "0 of 2" in seeded.card(deploy).whole, "the message of plan 2")
    message = seeded.reach(deploy, "Approval needed")
    assert "its approvals no longer count" in message.thread
    assert "plan 2" in message.whole
    assert seeded.made_by(deploy) == []
    stale = seeded.click(BOB, message, stale=True, value=f"{deploy}:1")
    assert "Plan 1" in stale
    seeded.approved(deploy)
    seeded.reach(deploy, "Succeeded")
    assert len(seeded.made_by(deploy)) == 1


def test_a_bad_night(seeded: Sandbox):
    running = seeded.versions("apps", "checkout")[0]["image"]
    seeded.post("nomad", "/sandbox/fail", {"namespace": "apps", "job": "checkout", "match": "v1.4.3", "fail": True})

    deploy = seeded.ask(ALICE, "checkout v1.4.3 to production because SHOP-982")
    seeded.approved(deploy)

    message = seeded.reach(deploy, "Failed")
    assert "reverted to" in message.whole
    assert "Exit Code: 1" in message.whole or "exit code 1" in message.whole.lower()
    seeded.until(lambda: seeded.versions("apps", "checkout")[0]["image"] == running, "Nomad's revert")


def test_an_applied_register_whose_answer_is_lost_is_one_version_and_one_success(seeded: Sandbox):
    before = seeded.versions("apps", "checkout")[0]["version"]
    seeded.post("nomad", "/sandbox/next-register", {"apply": True, "when": "before", "answer": "reset", "times": 1})

    deploy = seeded.ask(ALICE, "checkout v1.4.4 to production because SHOP-983")
    seeded.approved(deploy)

    seeded.reach(deploy, "Succeeded")
    assert len(seeded.made_by(deploy)) == 1
    assert seeded.versions("apps", "checkout")[0]["version"] == before + 1


# --- the approver sees it --------------------------------------------------------------------------------------------

BY_HAND = {
    "ID": "report",
    "Name": "report",
    "Type": "batch",
    "Datacenters": ["*"],
    "TaskGroups": [
        {
            "Name": "batch",
            "Count": 1,
            "Tasks": [
                {
                    "Name": "batch",
                    "Driver": "docker",
                    "Config": {"image": "registry.example/finance/report:v2"},
                    "Env": {"DB_URL": "postgres://report@db.example/shop"},
                    "Resources": {"CPU": 500, "MemoryMB": 2048},
                }
            ],
        }
    ],
}
"""The job of the switch *Register report by hand*."""


@contextmanager
def changed(sandbox: Sandbox, **changes: tuple[str, str]) -> Iterator[None]:
    """The catalog with these changes (a template's or team's name: what, by what) applied; as it was afterwards."""
    files = [next(sandbox.catalog.glob(f"*/{name}.*")) for name in changes]
    before = [file.read_text("utf-8") for file in files]
    for file, (pattern, by) in zip(files, changes.values(), strict=True):
        edit(file, pattern, by)
    sandbox.apply()
    try:
        yield
    finally:
        for file, text in zip(files, before, strict=True):
            file.write_text(text, "utf-8")
        sandbox.apply()


def task(sandbox: Sandbox, namespace: str, job: str) -> dict[str, Any]:
    """The only task of a job, as Nomad has it now."""
    found = sandbox.get("nomad", f"/v1/job/{job}", namespace=namespace)
    return found["TaskGroups"][0]["Tasks"][0]


def plan_of(sandbox: Sandbox, message: Message) -> str:
    """Everything that can be read in a deploy's thread, in the files there too."""
    files = [file for reply in message.raw["replies"] for file in reply["files"]]
    address = f"{sandbox.about['slack']}/sandbox/files"
    return "\n".join([message.thread, *(requests.get(f"{address}/{file['id']}", timeout=30).text for file in files)])


def test_a_job_registered_by_hand_is_replaced_with_every_loss_flagged(seeded: Sandbox):
    seeded.post("nomad", "/sandbox/register", {"namespace": "apps", "job": BY_HAND})

    deploy = seeded.ask(ALICE, "report v3 to production because first")
    message = seeded.reach(deploy, "Approval needed")

    assert "job version 0, registered outside Nomatron" in message.whole
    for line in ("memory MB `2048` → `512`", "cpu `500` → `100`", "env DB_URL removed"):
        assert f":warning: {line}" in message.whole
    for words in ("memory MB 2048 → 512", "cpu 500 → 100", "env DB_URL removed"):
        assert words in message.confirmation
    assert "postgres://" not in message.whole + plan_of(seeded, message)
    seeded.approved(deploy, CAROL, SAM)
    seeded.reach(deploy, "Succeeded")
    assert "DB_URL" not in task(seeded, "apps", "report")["Env"]


def test_what_was_added_outside_nomatron_is_flagged_where_a_deploy_takes_it_away(seeded: Sandbox):
    seeded.post("nomad", "/sandbox/change", {"namespace": "apps", "job": "checkout", "env": {"HOTFIX": "1"}})
    outside = seeded.versions("apps", "checkout")[0]["version"]

    deploy = seeded.ask(ALICE, "checkout v1.4.5 to production because SHOP-985")
    message = seeded.reach(deploy, "Approval needed")

    assert f"job version {outside}, registered outside Nomatron" in message.whole
    (line,) = [each for each in message.lines if "HOTFIX" in each and each.startswith(":warning:")]
    assert "env HOTFIX removed" in line
    assert f"added outside Nomatron, version {outside}" in line
    seeded.approved(deploy)
    seeded.reach(deploy, "Succeeded")
    assert "HOTFIX" not in task(seeded, "apps", "checkout")["Env"]


def test_three_within_a_second_run_in_the_order_asked_and_all_pages_agree_on_what_each_replaced(seeded: Sandbox):
    ran = [seeded.versions("staging", "checkout")[0]["image"].rpartition(":")[2], "v1.5.1", "v1.5.2", "v1.5.3"]

    asked = [seeded.ask(ALICE, f"checkout {version} to staging") for version in ran[1:]]
    cards = [seeded.reach(deploy, "Succeeded") for deploy in asked]

    newest = seeded.versions("staging", "checkout")[:4]
    assert [each["image"].rpartition(":")[2] for each in newest] == ran[::-1]
    for card, before in zip(cards, ran, strict=False):
        assert re.search(rf"from `{re.escape(before)}( r\d+)?`", card.whole)
    printed = json.loads(seeded.command("history", "checkout", "--in", "staging", "--json").stdout)["deploys"]
    replaced = {each["deploy"]: each["from_version"] for each in printed}
    assert [replaced[deploy] for deploy in asked] == ran[:3]
    seeded.type(ALICE, "digest preview")
    preview = "Only you can see this preview."
    digest = seeded.until(lambda: [each for each in seeded.privately(ALICE) if preview in str(each)], "the digest")[-1]
    for before, after in pairwise(ran):
        assert re.search(rf"{re.escape(before)}( r\d+)? → {re.escape(after)}", str(digest))


def test_what_could_run_as_code_or_is_a_secret_is_refused_before_it_is_recorded(seeded: Sandbox):
    declared = (r"\Z", '\nvariable "greeting" { default = "hello" }\n')
    with changed(seeded, web=declared, checkout=(r"settable: \[count\]", "settable: [count, greeting]")):
        seeded.delivered()
        before = seeded.rows("deploys", "releases", "outbox")

        code = seeded.type(ALICE, 'checkout v1.6.1 to staging with greeting="{{ with secret }}"')
        secret = seeded.type(ALICE, "checkout v1.6.1 to staging with token=s.abcdefghijklmnopqrstuvwx")

        assert "`greeting` takes" in code
        assert "looks like a secret" in secret
        assert "Nomad Variables" in secret
        assert seeded.rows("deploys", "releases", "outbox") == before
        assert seeded.value("SELECT count(*) FROM audit_events WHERE body LIKE '%s.abcdef%'") == 0


def test_a_changed_template_makes_a_revision_of_the_same_version(seeded: Sandbox):
    first = seeded.ask(ALICE, "checkout v1.7.0 to staging")
    seeded.reach(first, "Succeeded")

    with changed(seeded, web=(r"cpu( +)= 100", r"cpu\1= 150")):
        told = seeded.type(ALICE, "checkout v1.7.0 to staging")
        second = f"D-{int(first.removeprefix('D-')) + 1}"
        message = seeded.reach(second, "Succeeded")

        assert "r2" in told
        assert re.search(r"v1\.7\.0`? r2", message.whole)
        seeded.delivered()
        plan = plan_of(seeded, seeded.card(second))
        assert re.search(r"- +cpu += 100", plan)
        assert re.search(r"\+ +cpu += 150", plan)
        assert task(seeded, "staging", "checkout")["Resources"]["CPU"] == 150
