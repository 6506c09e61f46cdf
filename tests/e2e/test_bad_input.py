"""Bad input and bad days: the text that people read, the rows as they were before, and the work taken up again."""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import itertools
import os
import shutil
import signal
import sqlite3
import subprocess
import time
from typing import TYPE_CHECKING
from urllib.parse import urlencode

import pytest
import requests

from tests.e2e.driver import ALICE, BOB, CAROL, GENERAL, GUS, NORA, OPS, SAM, STAGING, Sandbox, straight

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

KEPT = ("deploys", "plans", "approvals", "attempts", "rollouts", "releases", "outbox", "messages")
SECRET = "a-signing-secret-of-the-tests"
_MINORS = itertools.count(1)


@pytest.fixture(scope="module")
def quiet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """One sandbox for everything that must leave no trace in it, with one deploy that waits for approvals."""
    secret = {"SLACK_SIGNING_SECRET": SECRET}
    with Sandbox(tmp_path_factory.mktemp("quiet"), "--no-seed", environment=secret, change=straight) as sandbox:
        sandbox.post("slack", "/sandbox/people", {"user": CAROL, "deleted": True})
        sandbox.reach(sandbox.ask(ALICE, "mailer v1.0.0 to production because first"), "Approval needed")
        sandbox.until(lambda: not _unsent(sandbox), "everything to be sent")
        yield sandbox


def _unsent(sandbox: Sandbox) -> bool:
    metrics = requests.get(f"{sandbox.about['bot']}/metrics", timeout=10).text
    line = next(each for each in metrics.splitlines() if each.startswith("nomatron_oldest_unsent_message_age_seconds"))
    return float(line.split()[-1]) > 0


@pytest.fixture(scope="module")
def practice(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """One sandbox for all the bad days."""
    with Sandbox(tmp_path_factory.mktemp("practice"), "--no-seed", change=straight) as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(practice: Sandbox) -> Iterator[Sandbox]:
    """A sandbox in which Slack and Nomad answer, before and after; other tests may have deployed in it."""
    yield practice
    practice.fault("*", "none")
    practice.post("nomad", "/sandbox/outage", {"mode": "none"})


@pytest.fixture
def version() -> str:
    """A version of mailer that no other test asks for."""
    return f"v1.{next(_MINORS)}.0"


@pytest.fixture
def unchanged(quiet: Sandbox) -> Iterator[Sandbox]:
    """Finds the rows afterwards as they were before."""
    before = quiet.rows(*KEPT)
    yield quiet
    assert quiet.rows(*KEPT) == before


# --- what a person can get wrong -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("who", "typed", "told"),
    [
        (ALICE, "chekout v1.4.2 to staging", "Did you mean `checkout`"),
        (ALICE, "checkout v1.4.2 to stagin", "staging"),
        (ALICE, "checkout v1.4.2", "`to staging` or `to production`"),
        (ALICE, "checkout v1/4:2 to staging", "isn't a version"),
        (ALICE, "checkout v1.4.2 to production", "because"),
        (ALICE, "checkout v1.4.2 to staging with memory=4000", "memory"),
        (ALICE, "stauts", "Did you mean `status`"),
        (ALICE, "approve D-99", "no deploy D-99"),
        (ALICE, "reject D-1 no", "3 to 1000"),
        (NORA, "checkout v1.4.2 to staging", "permission"),
        (GUS, "checkout v1.4.2 to staging", "Guests"),
        (SAM, "checkout v1.4.2 to production because mine", "you are the only member of sre"),
        (NORA, "approve D-1", "S0SRE00001"),
        (ALICE, "approve D-1", "somebody else"),
        (NORA, "withdraw D-1", "permission"),
        (CAROL, "approve D-1", "deactivated"),
    ],
)
def test_it_is_refused_in_words_and_nothing_is_written(unchanged: Sandbox, who: str, typed: str, told: str):
    assert told in unchanged.type(who, typed)


# --- signatures ------------------------------------------------------------------------------------------------------


def _signed(body: bytes, *, secret: str = SECRET, at: float | None = None) -> dict[str, str]:
    stamp = str(int(time.time() if at is None else at))
    mac = hmac.new(secret.encode(), f"v0:{stamp}:".encode() + body, hashlib.sha256).hexdigest()
    kind = "application/x-www-form-urlencoded"
    return {"X-Slack-Request-Timestamp": stamp, "X-Slack-Signature": f"v0={mac}", "Content-Type": kind}


def _command(text: str, **more: str) -> bytes:
    fields = {
        "command": "/deploy", "text": text, "team_id": "T0NOMATRON", "user_id": ALICE, "channel_id": GENERAL,
        "api_app_id": "A0NOMATRON", "trigger_id": "1.2.3", "response_url": "",
    }  # fmt: skip
    return urlencode({**fields, **more}).encode()


def _sent(sandbox: Sandbox, body: bytes, headers: dict[str, str]) -> requests.Response:
    return requests.post(f"{sandbox.about['bot']}/slack/events", data=body, headers=headers, timeout=10)


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        (lambda body: _signed(body, secret="another"), 401),
        (lambda body: _signed(body, at=time.time() - 301), 401),
        (lambda body: _signed(body, at=time.time() + 310), 401),
        (lambda body: {**_signed(body), "X-Slack-Signature": "v0=é"}, 401),
        (lambda body: {**_signed(body), "X-Slack-Request-Timestamp": "abc"}, 401),
        (lambda _: {}, 401),
        (lambda body: {**_signed(body), "Content-Encoding": "gzip"}, 415),
        (lambda body: {**_signed(body), "Content-Type": "text/plain"}, 415),
    ],
)
def test_what_is_not_signed_as_slack_signs_goes_nowhere(unchanged: Sandbox, headers, status: int):
    body = _command("checkout v9 to staging")
    given = {name: value.encode() for name, value in headers(body).items()}

    assert _sent(unchanged, body, given).status_code == status


def test_another_teams_payload_is_refused_and_a_foreign_persons_gets_words(unchanged: Sandbox):
    other = _command("checkout v9 to staging", team_id="T0OTHER")
    malformed = b"payload=%7Bnot+json"
    large = b"text=" + b"x" * 1_100_000

    assert _sent(unchanged, other, _signed(other)).status_code == 403
    assert _sent(unchanged, malformed, _signed(malformed)).status_code == 400
    assert _sent(unchanged, large, _signed(large)).status_code == 413


def test_an_exact_replay_is_answered_and_does_nothing(quiet: Sandbox):
    body = _command("mailer v7.0.0 to staging")
    headers = _signed(body)
    first = _sent(quiet, body, headers)
    assert first.status_code == 200
    assert "D-" in first.text
    quiet.reach(f"D-{first.text.split('D-')[1].split('`')[0]}", "Succeeded")
    quiet.until(lambda: not _unsent(quiet), "everything to be sent")
    before = quiet.rows("deploys", "audit_events")

    again = _sent(quiet, body, headers)

    assert (again.status_code, again.text) == (200, "")
    assert len(quiet.rows("deploys")["deploys"]) == len(before["deploys"])


# --- the catalog -----------------------------------------------------------------------------------------------------


def test_every_error_of_a_catalog_is_printed_and_nothing_changes(quiet: Sandbox, tmp_path: Path):
    before = quiet.rows("catalogs", *KEPT)
    broken = tmp_path / "catalog"
    shutil.copytree(quiet.catalog, broken)
    file = broken / "nomatron.yaml"
    file.write_text(file.read_text().replace("timezone:", "timezon:").replace("self_approval: false", "freezes: []"))

    done = quiet.command("apply", NOMATRON_CATALOG=str(broken))

    assert done.returncode == 1
    assert "timezon" in done.stderr
    assert "does not enforce it yet" in done.stderr
    assert "the active catalog has not changed" in done.stderr
    assert quiet.rows("catalogs", *KEPT) == before


def test_a_catalog_that_breaks_while_it_runs_is_not_applied(quiet: Sandbox):
    file = quiet.catalog / "nomatron.yaml"
    good = file.read_text()
    before = quiet.rows("catalogs")
    file.write_text("services: [")
    try:
        os.kill(quiet.get("page", "/sandbox/bot")["pid"], signal.SIGHUP)
        quiet.until(
            lambda: any("was not applied" in str(line) for line in quiet.get("page", "/sandbox/bot")["log"]), "it"
        )
    finally:
        file.write_text(good)
    assert quiet.rows("catalogs") == before
    assert quiet.is_ready()


# --- Nomad -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["refuse", "hang", "html", "error500", "forbidden"])
def test_while_nomad_is_away_it_is_recorded_said_and_taken_up_again(sandbox: Sandbox, version: str, mode: str):
    sandbox.post("nomad", "/sandbox/outage", {"mode": mode})

    deploy = sandbox.ask(ALICE, f"mailer {version} to staging")
    message = sandbox.reach(deploy, "Planning")
    sandbox.until(lambda: "Nomad" in sandbox.card(deploy).whole, "the reason on the message")
    sandbox.post("nomad", "/sandbox/outage", {"mode": "none"})

    assert message.channel == STAGING
    sandbox.reach(deploy, "Succeeded")
    assert len(sandbox.made_by(deploy)) == 1


@pytest.mark.parametrize(
    ("good_text", "bad_text", "words"),
    [
        ("driver = var.driver", 'driver = ""', "Missing task driver"),
        ("  group ", '  region = "elsewhere"\n  group ', "No path to region"),
    ],
)
def test_a_job_that_nomad_refuses_is_told_to_its_requester_alone(
    sandbox: Sandbox, version: str, good_text: str, bad_text: str, words: str
):
    template = sandbox.catalog / "templates" / "worker.nomad.hcl"
    good = template.read_text()
    template.write_text(good.replace(good_text, bad_text, 1))
    sandbox.apply()
    try:
        deploy = sandbox.ask(ALICE, f"mailer {version} to staging")

        sandbox.until(lambda: words in str(sandbox.privately(ALICE)), "the private answer")
        assert sandbox.message(deploy) is None
    finally:
        template.write_text(good)
        sandbox.apply()


def test_nothing_to_do_is_told_alone_and_offers_to_deploy_again_anyway(sandbox: Sandbox, version: str):
    sandbox.reach(sandbox.ask(ALICE, f"mailer {version} to staging"), "Succeeded")
    deploy = sandbox.ask(BOB, f"mailer {version} to staging")
    told = sandbox.until(
        lambda: next((each for each in sandbox.privately(BOB) if "Nothing to do" in each["text"]), None), "the answer"
    )
    assert sandbox.message(deploy) is None

    click = {"user": BOB, "channel": told["channel"], "ephemeral": told["id"], "action_id": "deploy.again"}
    sandbox.post("slack", "/sandbox/action", click)

    number = f"D-{int(deploy.removeprefix('D-')) + 1}"
    sandbox.reach(number, "Succeeded")
    assert len(sandbox.made_by(number)) == 1


def test_no_room_is_said_in_words_and_the_rollout_ends_when_there_is_some(sandbox: Sandbox, version: str):
    sandbox.post("nomad", "/sandbox/capacity", {"memory_mb": 16})
    deploy = sandbox.ask(ALICE, f"mailer {version} to staging")
    sandbox.reach(deploy, "Rolling out")
    sandbox.until(lambda: "memory" in sandbox.card(deploy).whole, "the reason")

    sandbox.post("nomad", "/sandbox/capacity", {"memory_mb": 8192})

    sandbox.reach(deploy, "Succeeded")


# --- Slack -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "mode"),
    [
        ("chat.postMessage", "silent"),
        ("chat.postMessage", "429"),
        ("chat.postMessage", "500"),
        ("chat.postMessage", "error:invalid_auth"),
        ("chat.postMessage", "html"),
    ],
)
def test_while_slack_is_away_deploys_go_on_and_every_final_state_is_told_afterwards(
    sandbox: Sandbox, version: str, method: str, mode: str
):
    deploy = sandbox.ask(ALICE, f"mailer {version} to staging")
    sandbox.fault(method, mode, seconds=1)
    sandbox.until(lambda: sandbox.made_by(deploy), "Nomad to have it")

    sandbox.fault(method, "none")

    assert version in sandbox.reach(deploy, "Succeeded").whole
    assert len([each for each in sandbox.messages(STAGING) if f"({deploy})" in each.text]) == 1


def test_while_slack_does_not_say_who_is_who_a_deploy_waits_and_goes_on_afterwards(sandbox: Sandbox, version: str):
    time.sleep(5.2)  # groups are remembered for 5 s, which is the promise
    deploy = sandbox.ask(ALICE, f"mailer {version} to staging")
    sandbox.fault("*", "html")
    row = f"SELECT blocked LIKE '%membership-unknown%' OR status = 'succeeded' FROM deploys WHERE id = {deploy[2:]}"
    sandbox.until(lambda: sandbox.value(row), "the deploy to wait for Slack, or to be done before it had to ask")

    sandbox.fault("*", "none")

    assert version in sandbox.reach(deploy, "Succeeded").whole
    assert len([each for each in sandbox.messages(STAGING) if f"({deploy})" in each.text]) == 1


def fail_next_post(sandbox: Sandbox, mode: str) -> None:
    """The next message that is posted fails like this; what the test before still had to send is out by then."""
    unsent = "SELECT count(*) FROM outbox WHERE deploy_id IS NOT NULL"
    sandbox.until(lambda: sandbox.value(unsent) == 0, "every message to be sent")
    sandbox.fault("chat.postMessage", mode, times=1)


def test_blocks_that_slack_refuses_are_said_plainly(sandbox: Sandbox, version: str):
    fail_next_post(sandbox, "error:invalid_blocks")

    deploy = sandbox.ask(ALICE, f"mailer {version} to staging")

    sandbox.reach(deploy, "Succeeded")


def test_a_dead_channel_blocks_nothing_and_the_operators_are_told(sandbox: Sandbox, version: str):
    fail_next_post(sandbox, "error:is_archived")

    deploy = sandbox.ask(ALICE, f"mailer {version} to staging")

    assert sandbox.reach(deploy, "Succeeded").channel == OPS
    sandbox.until(lambda: any("is_archived" in each.text for each in sandbox.messages(OPS)), "the operators to be told")


def test_a_post_whose_answer_is_lost_is_made_again_and_says_so(sandbox: Sandbox, version: str):
    fail_next_post(sandbox, "lost")
    deploy = sandbox.ask(ALICE, f"mailer {version} to production because lost")
    sandbox.until(lambda: len([m for m in sandbox.messages("C0PROD0001") if deploy in m.text]) == 2, "two messages")
    first, second = [each for each in sandbox.messages("C0PROD0001") if deploy in each.text]
    assert "reposted" in second.whole

    assert "counts" in sandbox.click(BOB, first)

    def stripped() -> bool:
        return "deploy.approve" not in next(
            each.actions for each in sandbox.messages("C0PROD0001") if each.ts == first.ts
        )

    sandbox.until(stripped, "the other message to lose its buttons")


def test_while_slack_does_not_say_who_is_who_no_click_counts(sandbox: Sandbox, version: str):
    deploy = sandbox.ask(ALICE, f"mailer {version} to production because closed")
    message = sandbox.reach(deploy, "Approval needed")
    before = sandbox.rows("approvals")
    sandbox.fault("usergroups.users.list", "silent")
    sandbox.fault("usergroups.list", "silent")
    # groups are remembered for 5 s, which is the promise; what the bot knows now it may have asked a moment ago
    time.sleep(5.2)

    assert "nothing was counted" in sandbox.click(SAM, message)
    assert sandbox.rows("approvals") == before
    for method in ("usergroups.users.list", "usergroups.list"):
        sandbox.fault(method, "none")
    sandbox.until(lambda: "counts" in sandbox.click(SAM, message), "Sam's approval")


# --- the database ----------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def _locked(sandbox: Sandbox) -> Iterator[None]:
    with sqlite3.connect(sandbox.database, isolation_level=None) as connection:
        connection.execute("BEGIN IMMEDIATE")
        yield
        connection.execute("ROLLBACK")
    connection.close()


def test_a_locked_database_is_said_and_nothing_is_half_done(sandbox: Sandbox, version: str):
    deploy = sandbox.ask(ALICE, f"mailer {version} to production because locked")
    message = sandbox.reach(deploy, "Approval needed")
    before = sandbox.rows("approvals")
    with _locked(sandbox):
        told = sandbox.click(SAM, message)
        asked = sandbox.type(ALICE, "checkout v1.0.0 to staging")

    assert "database" in told
    assert "database" in asked
    assert sandbox.rows("approvals") == before
    sandbox.approved(deploy)
    sandbox.reach(deploy, "Succeeded")


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of a few MiB; only root can mount one."""
    folder = tmp_path / "small"
    folder.mkdir()
    mounted = os.geteuid() == 0 and shutil.which("mount")
    done = mounted and subprocess.run(["mount", "-t", "tmpfs", "-o", "size=12m", "tmpfs", folder], check=False)
    if not done or done.returncode:
        pytest.skip("a small tmpfs cannot be mounted here")
    yield folder
    subprocess.run(["umount", "-l", folder], check=True)


def test_a_full_disk_is_said_and_the_work_is_taken_up_when_there_is_room(small_disk: Path):
    with Sandbox(small_disk, "--no-seed", change=straight) as sandbox:
        deploy = sandbox.ask(ALICE, "mailer v1.0.0 to production because full")
        sandbox.reach(deploy, "Approval needed")
        ballast = small_disk / "ballast"
        with contextlib.suppress(OSError), ballast.open("wb", buffering=0) as file:
            while True:
                file.write(b"x" * 4096)
        before = sandbox.rows("approvals")

        # what the database has already taken from the disk is used up first
        versions = itertools.count()
        told = sandbox.until(lambda: _full(sandbox, next(versions)), "the database to be full")
        ballast.unlink()

        assert "nothing was recorded" in told or "nothing was written" in told
        assert sandbox.rows("approvals") == before
        sandbox.approved(deploy)
        sandbox.reach(deploy, "Succeeded")


def _full(sandbox: Sandbox, number: int) -> str:
    told = sandbox.type(ALICE, f"checkout v1.0.{number} to staging")
    return told if "The database is full" in told else ""


def test_kill_9_while_dispatching_ends_in_one_version_and_the_same_message(sandbox: Sandbox, version: str):
    deploy = sandbox.ask(ALICE, f"mailer {version} to production because 3am")
    sandbox.post("nomad", "/sandbox/next-register", {"apply": True, "when": "before", "answer": "never", "times": 1})
    message = sandbox.reach(deploy, "Approval needed")
    sandbox.approved(deploy)
    sandbox.until(lambda: sandbox.made_by(deploy), "the register to have landed")

    sandbox.kill()
    sandbox.start()

    assert sandbox.reach(deploy, "Succeeded").ts == message.ts
    assert len(sandbox.made_by(deploy)) == 1
