"""Plays the sandbox's stories and writes what a person sees into ``docs/pictures``.

Run it as ``python -m docs.screenshots.make``; it needs Debian's chromium and chromium-driver (``make test-deps``), and
takes three minutes or so (``docs.screenshots.digests`` has the digests of large days). Look at each picture before it
is committed: it shows what the bot said, not what it should.
"""

from __future__ import annotations

from functools import partial

from docs.screenshots.pictures import keep, save
from docs.screenshots.screen import Screen, sandbox, screen, tell

ALICE, BOB, SAM = "U0ALICE001", "U0BOB00001", "U0SAM00001"
GUS, NORA = "U0GUS00001", "U0NORA0001"
APPROVE, REJECT, MENU, PROMOTE = "deploy.approve", "deploy.reject", "deploy.menu", "deploy.promote"


def main() -> int:
    """Plays everything, in an order in which nothing has to be undone."""
    with sandbox() as at, screen(at["page"]) as seen:
        seen.ready()
        # tall enough that no message is cut off by what is around it
        seen.size(1366, 1080)
        _answers(seen)
        _first_deploy(seen)
        _failure(seen, at["nomad"])
        _people(seen)
        _moved(seen)
        _troubles(seen)
        _digest(seen)
    return 0


def _answers(seen: Screen) -> None:
    """What is said to one person alone."""
    seen.be(ALICE, "general")
    for name, command, holds in (
        ("help", "/deploy help", "/deploy whoami"),
        ("status", "/deploy status", "production: v1.4.1"),
        ("whoami", "/deploy whoami", "Can approve"),
        ("did-you-mean", "/deploy chekout v1.4.2 to staging", "Did you mean"),
    ):
        seen.type(command)
        keep(seen, f"answer-{name}", partial(seen.whisper, holds))


def _first_deploy(seen: Screen) -> None:
    """Staging, production, a refusal, both approvals, the rollout; and the page in the middle of it."""
    _promotable(seen, "v1.4.2")
    keep(seen, "message-promotable", lambda: seen.message("Succeeded: checkout v1.4.2", "Promote…"))
    seen.press("Succeeded: checkout v1.4.2", PROMOTE)
    seen.one(".modal textarea").send_keys("SHOP-981")
    keep(seen, "modal-promote", lambda: seen.hook("modal"))
    seen.hook("modal-submit").click()
    seen.be(ALICE, "production")
    seen.message("Approval needed: checkout v1.4.2")
    seen.settle()
    keep(seen, "message-approval-needed", lambda: seen.message("Approval needed: checkout v1.4.2"))
    for person in (ALICE, GUS, NORA):
        seen.be(person, "production")
        seen.press("Approval needed: checkout v1.4.2", APPROVE)
        seen.whisper("" if person == GUS else "Who can")
    keep(seen, "answer-refused", lambda: seen.whisper("Who can"))
    _approve(seen, BOB, "v1.4.2")
    keep(seen, "message-one-of-two", lambda: seen.message("Approval needed: checkout v1.4.2", "1 of 2"))
    _pages(seen)
    _approve(seen, SAM, "v1.4.2")
    keep(seen, "message-rolling-out", lambda: seen.message("Rolling out: checkout v1.4.2", "/6 healthy"))
    keep(seen, "message-succeeded", lambda: seen.message("Succeeded: checkout v1.4.2", "6/6 healthy"))
    seen.press("Succeeded: checkout v1.4.2", testid="open-thread")
    keep(seen, "thread", lambda: seen.hook("thread"))
    seen.hook("thread-close").click()


def _pages(seen: Screen) -> None:
    """The whole page as most people's screens show it, in both colours."""
    seen.size(1366, 768)
    seen.scroll_to_end()
    save("page", seen.page())
    seen.dark(on=True)
    save("page-dark", seen.page())
    seen.dark(on=False)
    seen.size(1366, 1080)


def _failure(seen: Screen, nomad: str) -> None:
    """A version that fails in production, and Nomad's own revert."""
    tell(f"{nomad}/sandbox/fail", {"namespace": "apps", "job": "checkout", "match": "v1.4.3", "fail": True})
    _ask(seen, "v1.4.3")
    _approve(seen, BOB, "v1.4.3")
    _approve(seen, SAM, "v1.4.3")
    keep(seen, "message-failed", lambda: seen.message("Failed: checkout v1.4.3", "revert is complete"))


def _people(seen: Screen) -> None:
    """A no with its reason."""
    _ask(seen, "v1.4.4")
    seen.be(SAM, "production")
    seen.press("Approval needed: checkout v1.4.4", REJECT)
    seen.one(".modal textarea").send_keys("The migration is not in this version; add it and ask again.")
    keep(seen, "modal-reject", lambda: seen.hook("modal"))
    seen.hook("modal-submit").click()
    keep(seen, "message-rejected", lambda: seen.message("Rejected: checkout v1.4.4"))


def _moved(seen: Screen) -> None:
    """Somebody changes the job between two approvals; then the request is taken back."""
    _ask(seen, "v1.4.5")
    _approve(seen, BOB, "v1.4.5")
    seen.hook("tab-switches").click()
    keep(seen, "switches", lambda: seen.one("#nomad"))
    seen.hook("change").click()
    _approve(seen, SAM, "v1.4.5")
    keep(seen, "message-moved", lambda: seen.message("Approval needed: checkout v1.4.5", "Changed since"))
    seen.be(ALICE, "production")
    seen.press("Approval needed: checkout v1.4.5", MENU)
    seen.one('[data-testid="menu-item"]')
    keep(seen, "menu", lambda: seen.message("Approval needed: checkout v1.4.5"))
    seen.one('[data-option^="withdraw"]').click()
    keep(seen, "message-withdrawn", lambda: seen.message("Withdrawn: checkout v1.4.5"))


def _troubles(seen: Screen) -> None:
    """Nomad away, nothing to do, no room."""
    seen.be(ALICE, "staging")
    seen.choose("outage", "refuse")
    seen.type("/deploy checkout v1.4.6 to staging")
    keep(seen, "message-planning", lambda: seen.message("Planning: checkout v1.4.6", "cannot be reached"))
    seen.choose("outage", "none")
    seen.message("Succeeded: checkout v1.4.6")
    seen.type("/deploy checkout v1.4.6 to staging")
    keep(seen, "answer-nothing-to-do", lambda: seen.whisper("Nothing to do"))
    seen.choose("room", "full")
    seen.type("/deploy mailer v2.0.0 to staging")
    keep(seen, "message-no-capacity", lambda: seen.message("Rolling out: mailer v2.0.0", "No capacity"))
    seen.choose("room", "none")
    seen.message("Succeeded: mailer v2.0.0")


def _digest(seen: Screen) -> None:
    """The digest of all that, as far as it has got."""
    # as wide as on a desk, so that its table is whole
    seen.size(1900, 1600)
    seen.be(NORA, "audit")
    seen.type("/deploy digest preview")
    keep(seen, "digest", lambda: seen.whisper("What to look at"))


def _promotable(seen: Screen, version: str) -> None:
    """The version in staging, for as long as production wants it to."""
    seen.be(ALICE, "staging")
    seen.type(f"/deploy checkout {version} to staging")
    seen.message(f"Succeeded: checkout {version}", "Promote…")
    seen.settle()


def _ask(seen: Screen, version: str) -> None:
    _promotable(seen, version)
    seen.be(ALICE, "production")
    seen.type(f"/deploy checkout {version} to production because SHOP-981")
    seen.message(f"Approval needed: checkout {version}")
    seen.settle()


def _approve(seen: Screen, person: str, version: str) -> None:
    seen.be(person, "production")
    seen.press(f"Approval needed: checkout {version}", APPROVE)
    seen.whisper("counts")


if __name__ == "__main__":
    raise SystemExit(main())
