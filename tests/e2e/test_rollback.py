"""Back to what ran before, over the wire: by command, by button, from the host, and to a job of before Nomatron."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tests.e2e.driver import ALICE, BOB, CAROL, NORA, PRODUCTION, SAM
from tests.e2e.test_stories import BY_HAND

if TYPE_CHECKING:
    from tests.e2e.driver import Sandbox

LIFT = "unlock checkout in production because fixed"


def image(sandbox: Sandbox, job: str = "checkout") -> str:
    """The image of the newest version in production."""
    found: str = sandbox.versions("apps", job)[0]["image"]
    return found


def shipped(sandbox: Sandbox, version: str) -> str:
    """A deploy of checkout that succeeded in production."""
    deploy = sandbox.ask(ALICE, f"checkout {version} to production because SHOP-984")
    sandbox.approved(deploy)
    sandbox.reach(deploy, "Succeeded")
    return deploy


def test_a_rollback_runs_without_new_approvals_and_locks_the_service(seeded: Sandbox):
    before = image(seeded)
    bad = shipped(seeded, "v1.4.4")
    assert image(seeded) != before

    deploy = seeded.ask(SAM, "rollback checkout in production because 5xx since noon")
    message = seeded.reach(deploy, "Succeeded")

    assert message.channel == PRODUCTION
    assert image(seeded) == before
    assert len(seeded.made_by(deploy)) == 1
    assert f"{bad} was approved by <@{BOB}>, <@{SAM}>" in message.whole
    seeded.until(lambda: f"Rolls back v1.4.4 ({bad})" in seeded.card(deploy).thread, "what it goes back to")

    # a new deploy is taken, says that the lock holds it, and does not run
    other = seeded.ask(ALICE, "checkout v1.4.5 to production because SHOP-985")
    seeded.approved(other)
    seeded.until(lambda: "checkout in production is locked: 5xx since noon" in seeded.card(other).whole, "the lock")
    assert seeded.made_by(other) == []
    # whoever rolled back may lift it
    assert "was lifted" in seeded.type(SAM, LIFT)
    seeded.reach(other, "Succeeded")
    # nothing is left of the button of what was rolled back, and a click on what Slack still shows is answered
    told = seeded.click(SAM, seeded.card(bad), action="deploy.rollback", stale=True, value=f"{bad}:1")
    assert f"{bad} is no longer what runs: {other} (v1.4.5) replaced it." in told


def test_the_button_asks_why_and_rolls_back(seeded: Sandbox):
    for version in ("v2.1.0", "v2.1.1"):
        deploy = seeded.ask(ALICE, f"mailer {version} to production because SHOP-986")
        seeded.approved(deploy)
        seeded.reach(deploy, "Succeeded")
    seeded.until(lambda: "deploy.rollback" in seeded.card(deploy).actions, "the button")

    answer = seeded.fill(SAM, seeded.card(deploy), "deploy.rollback", reason="mails are late")

    assert "response_action" not in str(answer["body"]), answer
    back = f"D-{int(deploy.removeprefix('D-')) + 1}"
    seeded.reach(back, "Succeeded")
    assert image(seeded, "mailer").endswith("mailer:v2.1.0")
    nobody = seeded.type(NORA, "rollback mailer in production because of me")
    assert "You need the `rollback` permission for mailer in production." in nobody


def test_the_host_rolls_back_to_a_job_of_before_nomatron(seeded: Sandbox):
    seeded.post("nomad", "/sandbox/register", {"namespace": "apps", "job": BY_HAND})
    first = seeded.ask(ALICE, "report v3 to production because first")
    seeded.approved(first, CAROL, SAM)
    seeded.reach(first, "Succeeded")
    assert image(seeded, "report").endswith("report:v3")

    done = seeded.command("rollback", "report", "--in", "production", "--because", "numbers are wrong")

    assert done.returncode == 0, done.stderr
    message = seeded.reach(done.stdout.split(":", 1)[0], "Succeeded")
    assert "report baseline to production" in message.text
    assert image(seeded, "report").endswith("report:v2")
    again = seeded.command("rollback", "report", "--in", "production", "--because", "numbers are wrong")
    assert again.returncode == 1
    assert "Nothing succeeded in report in production before" in again.stderr
    assert "no changes" not in message.whole.casefold()


def test_what_nomad_reverted_is_not_rolled_back_twice(seeded: Sandbox):
    seeded.type(SAM, LIFT)
    seeded.post("nomad", "/sandbox/fail", {"namespace": "apps", "job": "checkout", "match": "v1.4.3", "fail": True})
    deploy = seeded.ask(ALICE, "checkout v1.4.3 to production because SHOP-982")
    seeded.approved(deploy)
    message = seeded.reach(deploy, "Failed")
    assert "deploy.rollback" not in message.actions

    told = seeded.type(SAM, "rollback checkout in production because 5xx")

    assert re.search(rf"Nomad (is reverting|has already reverted) checkout in production from {deploy} to v1\.", told)
