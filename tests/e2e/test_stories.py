"""The stories that must always work, as far as they are there: 1, 2.1-2.3, 3.1 and 3.5."""

from __future__ import annotations

from tests.e2e.driver import ALICE, BOB, GUS, NORA, PRODUCTION, SAM, STAGING, Sandbox


def test_the_first_deploy(shipped: Sandbox):
    told = shipped.type(ALICE, "checkout v1.4.2 to production because SHOP-981")
    assert "checkout v1.4.2 has not succeeded in staging." in told
    assert "`/deploy checkout v1.4.2 to staging`" in told

    staging = shipped.ask(ALICE, "checkout v1.4.2 to staging")
    message = shipped.reach(staging, "Succeeded")
    assert message.channel == STAGING
    assert message.text == f"Succeeded: checkout v1.4.2 to staging, asked by <@{ALICE}> ({staging})"
    assert "1/1 healthy" in message.whole
    assert "deploy.promote" not in message.actions

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
    message = seeded.reach(deploy, "Approval needed")
    assert "its approvals no longer count" in message.thread
    assert "0 of 2" in message.whole
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
    before = len(seeded.versions("apps", "checkout"))
    seeded.post("nomad", "/sandbox/next-register", {"apply": True, "when": "before", "answer": "reset", "times": 1})

    deploy = seeded.ask(ALICE, "checkout v1.4.4 to production because SHOP-983")
    seeded.approved(deploy)

    seeded.reach(deploy, "Succeeded")
    assert len(seeded.made_by(deploy)) == 1
    assert len(seeded.versions("apps", "checkout")) == before + 1
