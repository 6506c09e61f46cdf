"""Looking things up over the wire: the digest before it is posted, a service's deploys, who did what."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from tests.e2e.driver import ALICE, AUDIT, BOB, GENERAL, NORA, PRODUCTION, SAM, Sandbox


def looked_up(sandbox: Sandbox, user: str, text: str, channel: str = GENERAL) -> dict[str, Any]:
    """What that person alone is shown, in the acknowledgement or after it; Slack saw no time-out."""
    before = {each["id"] for each in sandbox.privately(user)}
    sandbox.type(user, text, channel)
    return sandbox.until(
        lambda: next((each for each in sandbox.privately(user) if each["id"] not in before), None), f"/deploy {text}"
    )


def turned(sandbox: Sandbox, user: str, shown: dict[str, Any], action: str) -> dict[str, Any]:
    """The same message once a button has put another page into it."""
    sent = sandbox.post("slack", "/sandbox/action", {"user": user, "ephemeral": shown["id"], "action_id": action})
    assert sent["status"] == 200, sent

    def changed() -> dict[str, Any] | None:
        (found,) = [each for each in sandbox.privately(user) if each["id"] == shown["id"]]
        return found if found["text"] != shown["text"] else None

    return sandbox.until(changed, f"{action} of {shown['text'][:60]}")


def offered(shown: dict[str, Any]) -> list[str]:
    return [each["text"]["text"] for block in shown["blocks"] for each in block.get("elements", []) if "value" in each]


def sections(shown: dict[str, Any]) -> str:
    """All that its sections say; its text alone is cut."""
    return "\n".join(block["text"]["text"] for block in shown["blocks"] if block["type"] == "section")


def kinds(shown: dict[str, Any]) -> list[str]:
    return [block["type"] for block in shown["blocks"]]


def a_day(sandbox: Sandbox) -> None:
    """One that succeeded, one that was rejected, one that still waits, one that was refused."""
    first = sandbox.ask(ALICE, "checkout v1.4.2 to production because SHOP-981")
    sandbox.approved(first)
    sandbox.reach(first, "Succeeded")
    second = sandbox.ask(ALICE, "checkout v1.4.3 to production because SHOP-982")
    sandbox.reach(second, "Approval needed")
    assert "rejected" in sandbox.type(SAM, f"reject {second} not <!channel> today")
    third = sandbox.ask(ALICE, "checkout v1.4.4 to production because SHOP-983")
    sandbox.reach(third, "Approval needed")
    assert "You need the `request` permission" in sandbox.type(NORA, "checkout v1.4.5 to production because SHOP-984")


@pytest.fixture(scope="module")
def lived(seeded: Sandbox) -> Sandbox:
    """A sandbox after that day, at whose end four more went to staging; the tests only look things up in it."""
    a_day(seeded)
    for version in range(6, 10):
        seeded.reach(seeded.ask(BOB, f"checkout v1.4.{version} to staging"), "Succeeded")
    return seeded


def test_a_day_is_looked_up_from_slack_as_from_the_host(lived: Sandbox):
    preview = looked_up(lived, ALICE, "digest preview")
    deploys = looked_up(lived, NORA, "history checkout in production")
    events = looked_up(lived, SAM, "audit today checkout in production by @sam")

    assert "9 requested, 7 deployed, 1 rejected, 1 still open" in preview["text"]
    assert "table" in kinds(preview)
    assert "Only you can see this preview." in str(preview["blocks"])
    assert lived.messages(AUDIT) == []
    heads = re.findall(r"\*(Succeeded|Rejected|Approval needed)\* — .*?\|(D-\d+)>\)", deploys["text"])
    assert heads == [
        ("Approval needed", "D-5"),
        ("Rejected", "D-4"),
        ("Succeeded", "D-3"),
        ("Succeeded", "D-2"),
    ]
    assert f"archives/{PRODUCTION}/p" in deploys["text"]
    assert [line.split(f"<@{SAM}> ")[1] for line in events["text"].splitlines()[1:]] == [
        f"rejected {linked(events, 'D-4')}: not &lt;!channel&gt; today",
        f"approved {linked(events, 'D-3')} (2 of 2 approvals)",
        f"approved {linked(events, 'D-2')} (2 of 2 approvals)",
    ]
    one = looked_up(lived, SAM, "audit D-4")
    assert one["text"].startswith(":scroll: *Audit events* of D-4\n")
    of_deploy = json.loads(lived.command("audit", "list", "D-4", "--json").stdout)["events"]
    assert (of_deploy[0]["type"], of_deploy[-1]["type"]) == ("deploy.rejected", "deploy.requested")
    assert {each["deploy"] for each in of_deploy} == {4}
    told = json.loads(lived.command("history", "checkout", "--in", "production", "--json").stdout)["deploys"]
    assert [each["deploy"] for each in told] == [number for _, number in heads]


def linked(shown: dict[str, Any], number: str) -> str:
    """The link to a deploy's message, as it is in the text."""
    found = re.search(rf"<https://[^|>]+\|{number}>", shown["text"])
    assert found, shown["text"]
    return found[0]


def test_older_pages_come_in_the_place_of_the_newest_and_lose_nothing(lived: Sandbox):
    printed = lived.command("audit", "list", "today", "checkout", "--limit", "500", "--json").stdout
    listed = json.loads(printed)["events"]

    page = looked_up(lived, ALICE, "audit today checkout all")
    pages = [page]
    while "Older" in offered(page):
        page = turned(lived, ALICE, page, "page.older")
        pages.append(page)
    back = turned(lived, ALICE, page, "page.newest")

    lines = [line for each in pages for line in sections(each).splitlines() if line.startswith("<!date^")]
    assert len(lines) == len(listed) > 40
    # a request that was refused has no number
    numbers = [re.findall(r"D-(\d+)", line)[:1] for line in lines]
    assert numbers == [[str(each["deploy"])] if each.get("deploy") else [] for each in listed]
    assert back["text"] == pages[0]["text"]
    assert [offered(each) for each in pages] == [["Older"], *[["Older", "Newest"]] * (len(pages) - 2), ["Newest"]]


def test_words_that_are_wrong_are_told_what_was_meant(lived: Sandbox):
    for text, says in (
        ("digest", "/deploy digest preview"),
        ("digest preview 2026-02-30", "isn't a day"),
        ("history chekout", "Did you mean `checkout`?"),
        ("audit yestreday", "Did you mean `yesterday`?"),
        ("audit by @stranger", "from the list that Slack offers"),
        ("audit 2999-01-01", "That day hasn't begun yet."),
        ("audit D-99", "There is no deploy D-99."),
    ):
        assert says in looked_up(lived, ALICE, text)["text"], text
