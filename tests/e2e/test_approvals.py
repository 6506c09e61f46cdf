"""An approval is of a change, whatever number its plan has: by button and typed, over the wire."""

from __future__ import annotations

import json

from tests.e2e.driver import ALICE, BOB, SAM, Message, Sandbox


def planned_again(sandbox: Sandbox, deploy: str, message: Message) -> None:
    """Have Alice ask for a new plan, and wait until the message is of that."""
    sandbox.click(ALICE, message, "deploy.menu", selected_option=f"replan {deploy}:1")
    sandbox.until(lambda: "plan 2" in sandbox.card(deploy).whole, "plan 2")


def test_a_click_on_an_older_message_counts_if_it_was_for_the_same_change(seeded: Sandbox):
    deploy = seeded.ask(ALICE, "checkout v1.5.1 to production because SHOP-981")
    message = seeded.reach(deploy, "Approval needed")
    planned_again(seeded, deploy, message)

    assert "(plan 2) counts: 1 of 2" in seeded.click(BOB, message, stale=True, value=f"{deploy}:1")
    assert "(plan 2) counts: 2 of 2" in seeded.click(SAM, message, stale=True, value=f"{deploy}:1")
    seeded.reach(deploy, "Succeeded")


def test_a_typed_approval_after_the_change_moved_shows_it_first(seeded: Sandbox):
    deploy = seeded.ask(ALICE, "checkout v1.5.2 to production because SHOP-982")
    message = seeded.reach(deploy, "Approval needed")
    seeded.post("nomad", "/sandbox/change", {"namespace": "apps", "job": "checkout", "env": {"LOG_LEVEL": "debug"}})
    planned_again(seeded, deploy, message)

    told = seeded.type(BOB, f"Approve {deploy}")
    assert "Nothing is approved yet" in told
    assert f'"{deploy}:2"' in told
    assert "0 of 2" in seeded.card(deploy).whole
    assert "Plan 1" in seeded.type(BOB, f"approve {deploy}:1")
    assert "(plan 2) counts: 1 of 2" in seeded.type(BOB, f"approve {deploy}:2 looks right")
    assert "plan 2" in seeded.type(SAM, f"plan {deploy}")
    seeded.until(lambda: (SAM, 2) in looks(seeded, deploy), "the record of Sam's look")
    assert "(plan 2) counts: 2 of 2" in seeded.type(SAM, f"approve {deploy}")

    seeded.reach(deploy, "Succeeded")
    assert sorted(looks(seeded, deploy)) == sorted([(SAM, 2), (BOB, 2)])


def looks(sandbox: Sandbox, deploy: str) -> list[tuple[str, int]]:
    """Who was shown which plan of the deploy, by the audit log."""
    events = json.loads(sandbox.command("audit", "list", deploy, "--json").stdout)["events"]
    return [(each["actor"].split(":")[-1], each["data"]["plan"]) for each in events if each["type"] == "deploy.shown"]
