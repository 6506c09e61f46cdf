"""An approval is of a change, whatever number its plan has, and it counts under a lock, too: over the wire."""

from __future__ import annotations

import json

from tests.e2e.driver import ALICE, BOB, PRODUCTION, SAM, Message, Sandbox


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


def test_what_everybody_approved_waits_for_a_lock_says_so_and_goes_when_it_is_lifted(seeded: Sandbox):
    locked = ":lock: production is locked: the database moves"
    assert "You need the `lock` permission" in seeded.type(ALICE, "lock production because I can")
    assert locked in seeded.type(SAM, "lock production for 2h because the database moves")
    seeded.until(lambda: any(locked in each.whole for each in seeded.messages(PRODUCTION)), "a note in the channel")

    deploy = seeded.ask(ALICE, "checkout v1.5.3 to production because SHOP-983")
    assert locked in seeded.reach(deploy, "Approval needed").whole
    seeded.approved(deploy, BOB)
    assert locked in seeded.click(SAM, seeded.card(deploy))
    held = seeded.reach(deploy, "Ready").whole
    assert locked in held
    assert f"by <@{SAM}>._ Until <!date^" in held
    assert "Who can lift it: " in held
    assert locked in seeded.type(BOB, "status in production")
    assert seeded.made_by(deploy) == []

    done = seeded.command("unlock", "production", "--because", "it has moved")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"unlocked: production; {SAM} had locked it")
    assert locked not in seeded.reach(deploy, "Succeeded").whole
    assert len(seeded.made_by(deploy)) == 1
