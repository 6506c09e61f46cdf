"""``nomatron audit list`` and ``nomatron history``: the real command on a real file."""

from __future__ import annotations

import asyncio
import json
import os
import shlex
import subprocess
import sys
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from bot.__main__ import main
from bot.domain.actor import CiIdentity, Operator
from bot.domain.audit.events import EventType
from bot.operations.catalog import apply
from bot.ports import Limits
from store import open_store
from store.lockfile import alone
from tests.builders import a_catalog, a_service, an_event
from tests.clocks import NOON, FixedClock
from tests.fakes import HookedStore, World
from tests.operations.acts import asked, ready, succeeded
from tests.source import ROOT

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

PIPELINE = CiIdentity("https://ci.example", "repo", None)


async def a_day(world: World) -> None:
    """At noon of 21 November in Amsterdam one to staging, then one to production that is ready."""
    await apply(world.ports(), Operator("root"), a_catalog(timezone="Europe/Amsterdam"))
    world.clock.advance(minutes=1)
    await succeeded(world, reason="SHOP-981")
    world.clock.advance(minutes=1)
    await ready(world, version="v1.4.3")


class File:
    """A database file, and the command run on it."""

    def __init__(self, path: Path, url: str, capsys: pytest.CaptureFixture[str]) -> None:
        self.path = path
        self.url = url
        self._capsys = capsys

    def fill(self, act: Callable[[World], Awaitable[object]]) -> None:
        """Have something happen, at noon."""

        async def happen() -> None:
            limits = Limits(lease=timedelta(seconds=60), write_timeout=timedelta(seconds=20))
            async with open_store(self.url) as store:
                await act(World(store=HookedStore(store), clock=FixedClock(), limits=limits))

        asyncio.run(happen())

    def run(self, *words: str) -> tuple[int, str, str]:
        """Its exit status, and what it printed to either side."""
        try:
            status = main(words)
        except SystemExit as end:
            status = int(end.code or 0)
        out, err = self._capsys.readouterr()
        return status, out, err

    def table(self, *words: str) -> list[list[str]]:
        """The lines that it printed, split where two blanks are."""
        status, out, err = self.run(*words)
        assert (status, err) == (0, "")
        return [[cell.strip() for cell in line.split("  ") if cell.strip()] for line in out.splitlines()]

    def document(self, *words: str) -> Any:
        """The JSON that it printed."""
        status, out, err = self.run(*words, "--json")
        assert (status, err) == (0, "")
        return json.loads(out)


@pytest.fixture
def empty(
    migrated_sqlite: Callable[[Path], str],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> File:
    """A file with a catalog, and settings that name it; no Slack, no Nomad."""
    url = migrated_sqlite(tmp_path / "nomatron.db")
    monkeypatch.setenv("NOMATRON_DATABASE_URL", url)
    # nobody answers there: a look-up that asks Slack without need would hang or fail
    monkeypatch.setenv("SLACK_API_URL", "http://127.0.0.1:1/api/")
    monkeypatch.delenv("SLACK_BOT_TOKEN", raising=False)
    return File(tmp_path / "nomatron.db", url, capsys)


@pytest.fixture
def file(empty: File) -> File:
    """The same after ``a_day``."""
    empty.fill(a_day)
    return empty


# --- audit list ------------------------------------------------------------------------------------------------------


def test_the_audit_log_is_a_table_newest_first(file: File) -> None:
    header, *rows = file.table("audit", "list", "--all")

    assert header == ["TIME (Europe/Amsterdam)", "WHO", "DEPLOY", "SERVICE", "ENVIRONMENT", "WHAT"]
    noon = "2026-11-21 13:0"
    assert rows[0] == [f"{noon}2:00", "system:rules", "D-2", "checkout", "production", "D-2 is ready"]
    assert rows[1][1:] == ["U0SAM00001", "D-2", "checkout", "production", "approved D-2 (2 of 2 approvals)"]
    assert ["U0ALICE001", "D-1", "checkout", "staging", "requested checkout v1.4.2 to staging (D-1): SHOP-981"] in [
        row[1:] for row in rows
    ]
    first, made = rows[-1][:5], rows[-1][5]
    assert first == [f"{noon}0:00", "operator:root", "-", "-", "-"]
    assert made.startswith("made catalog ")


def test_json_has_the_events_as_they_are_stored(file: File) -> None:
    page = file.document("audit", "list", "checkout", "--in", "staging", "--limit", "1000")

    kinds = [event["type"] for event in page["events"]]
    assert (kinds[0], kinds[-1]) == ("deploy.succeeded", "deploy.requested")
    assert page["next"] is None
    requested = page["events"][-1]
    assert requested.keys() == {
        "index",
        "actor",
        "at",
        "catalog",
        "data",
        "deploy",
        "environment",
        "service",
        "type",
        "v",
    }
    assert (requested["at"], requested["data"]["reason"]) == ("2026-11-21T12:01:00.000000Z", "SHOP-981")
    assert [event["index"] for event in page["events"]] == sorted((e["index"] for e in page["events"]), reverse=True)


@pytest.mark.parametrize("json_too", [False, True])
def test_page_by_page_every_event_is_shown_once(file: File, *, json_too: bool) -> None:
    whole = file.document("audit", "list")["events"]
    shown: list[Any] = []
    words: tuple[str, ...] | None = ("audit", "list", "--all", "--limit", "4")

    while words is not None:
        if json_too:
            page = file.document(*words)
            shown += page["events"]
            words = ("audit", "list", "--limit", "4", "--before", page["next"]) if page["next"] else None
        else:
            _, *rows = file.run(*words)[1].splitlines()
            older = [row for row in rows if row.startswith("older: nomatron ")]
            shown += [row for row in rows if row not in older]
            words = tuple(shlex.split(older[0])[2:]) if older else None

    assert len(shown) == len(whole)
    assert shown == whole or not json_too


def test_the_command_for_older_ones_names_the_day_and_everything_else(file: File) -> None:
    out = file.run(
        "audit", "list", "2026-11-21", "checkout", "--in", "production", "--by", "system:rules", "--limit", "1"
    )[1]
    assert "older:" not in out

    out = file.run(
        "audit", "list", "2026-11-21", "checkout", "--in", "staging", "--by", "system:worker", "--limit", "1"
    )[1]
    older = out.splitlines()[-1]
    assert older.startswith(
        "older: nomatron audit list 2026-11-21 checkout --in staging --by system:worker --limit 1 --before 2026-11-21T"
    )
    status, out, _ = file.run(*shlex.split(older)[2:])
    assert (status, len(out.splitlines())) == (0, 3)


def test_the_steps_of_nomatron_are_counted(file: File) -> None:
    _, *rows, left, older = file.run("audit", "list", "D-2", "--limit", "2")[1].splitlines()
    *_, last = file.run("audit", "list", "D-2", "--limit", "2", "--all")[1].splitlines()

    assert ["approved D-2 (2 of 2 approvals)" in rows[0], "approved D-2 (1 of 2 approvals)" in rows[1]] == [True, True]
    assert left == "left out: 2 of Nomatron's own steps; --all prints them"
    assert older.startswith("older: nomatron audit list D-2 --limit 2 --before ")
    assert " --limit 2 --all --before " in last
    assert file.run("audit", "list", "--by", "system:rules")[1].count("is ready") == 2


def test_one_deploy_alone(file: File) -> None:
    whole = file.document("audit", "list")["events"]
    of_deploy = [event for event in whole if event.get("deploy") == 2]

    assert len(of_deploy) > 3
    for word in ("D-2", "d2", "2"):
        assert file.document("audit", "list", word)["events"] == of_deploy
    approved = file.document("audit", "list", "2026-11-21", "D-2", "checkout", "--by", "slack:T0NOMATRON:U0SAM00001")
    assert [event["type"] for event in approved["events"]] == ["deploy.approved"]
    older = file.run("audit", "list", "D-2", "--limit", "1", "--all")[1].splitlines()[-1]
    assert older.startswith("older: nomatron audit list D-2 --limit 1 --all --before 2026-11-21T")
    assert file.document(*shlex.split(older)[2:])["events"] == of_deploy[1:2]


def test_a_service_named_like_a_deploy_is_itself(empty: File) -> None:
    async def named(world: World) -> None:
        await apply(world.ports(), Operator("root"), a_catalog(services={"d1": a_service("d1")}))
        await asked(world, service="d1")
        await asked(world, service="d1", version="v1.4.3")

    empty.fill(named)

    assert {event["service"] for event in empty.document("audit", "list", "d1")["events"]} == {"d1"}
    assert len(empty.document("audit", "list", "d1", "--in", "staging")["events"]) == 2
    assert len(empty.document("history", "d1")["deploys"]) == 2


def test_words_and_options_stand_in_any_order(file: File) -> None:
    expected = file.document("audit", "list", "2026-11-21", "checkout", "--in", "production")

    assert expected["events"]
    assert file.document("audit", "list", "checkout", "--in", "production", "2026-11-21") == expected
    assert file.document("audit", "list", "--in", "production", "2026-11-21", "checkout") == expected


def test_a_day_and_an_actor_narrow(file: File) -> None:
    assert file.run("audit", "list", "2026-11-20") == (0, "No audit events match.\n", "")
    assert {event["actor"] for event in file.document("audit", "list", "--by", "operator:root")["events"]} == {
        "operator:root"
    }


def test_what_an_event_says_stays_on_its_line(empty: File) -> None:
    async def refused(world: World) -> None:
        await apply(world.ports(), Operator("root"), a_catalog())
        data = {"codes": ["version-form"], "version": "v1\x1b[2J"}
        fields = {"deploy_id": None, "service": "check\nout", "actor": PIPELINE, "at": NOON + timedelta(seconds=1)}
        async with world.store.begin() as tx:
            await tx.record(an_event(EventType.DEPLOY_REFUSED, data=data, **fields))

    empty.fill(refused)
    _, row, _ = empty.table("audit", "list")

    assert row[1:] == [
        "ci:https://ci.example|repo|", "-", "check out", "staging",
        "was not allowed to deploy check out v1 [2J to staging: version-form",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "the following arguments are required: COMMAND"),
        (("lst",), "invalid choice: 'lst' (choose from 'list')"),
        (("list", "2026-02-30"), "2026-02-30 isn't a day: write `today`, `yesterday` or a date such as `2026-11-21`"),
        (("list", "2026-1-2"), "2026-1-2 isn't a day"),
        (("list", "today", "yesterday"), "write one day, one service and one deploy at most"),
        (("list", "checkout", "mailer"), "write one day, one service and one deploy at most"),
        (("list", "D-1", "d2"), "write one day, one service and one deploy at most"),
        (("list", "--by", "Alice"), "`Alice` isn't an actor. Write a Slack user id such as `U0ALICE001`"),
        (("list", "--before", "now"), "now isn't a cursor: copy it from the last line of the page before"),
        (("list", "--limit", "0"), "`0` is out of range: write a number from 1 to 1000"),
        (("list", "--limit", "1001"), "`1001` is out of range: write a number from 1 to 1000"),
        (("list", "--limit", "many"), "`many` is out of range: write a number from 1 to 1000"),
        (("list", "--limit", "9" * 5000), "write a number from 1 to 1000"),
    ],
)
def test_words_that_nobody_understands_say_what_to_write(empty: File, words: tuple[str, ...], said: str) -> None:
    status, out, err = empty.run("audit", *words)

    assert (status, out) == (2, "")
    assert said in err


DEPLOY = "`d4` is a deploy, not a service. To see what happened to it: `nomatron audit list D-4`.\n"
SERVICES = "There is no service `chekout`. Did you mean `checkout`? The catalog has checkout.\n"
PLACES = "There is no environment `prod`. Did you mean `production`? The catalog has staging, production.\n"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("audit", "list", "chekout"), SERVICES),
        (("audit", "list", "--in", "prod"), PLACES),
        (("history", "chekout"), SERVICES),
        (("history", "checkout", "--in", "prod"), PLACES),
        (("audit", "list", "D-99"), "There is no deploy D-99. The history of its service lists the numbers.\n"),
        (
            ("audit", "list", "production", "today"),
            "`production` is an environment, not a service: write --in production.\n",
        ),
        (("history", "production"), "`production` is an environment, not a service: write --in production.\n"),
        (("history", "d4"), DEPLOY),
        (("audit", "list", "2027-01-01"), "That day hasn't begun yet. Name today or a day before.\n"),
    ],
)
def test_what_nobody_knows_is_said_with_the_names(file: File, words: tuple[str, ...], said: str) -> None:
    assert file.run(*words) == (1, "", said)


def test_a_slack_id_needs_slack_or_the_whole_key(file: File) -> None:
    status, _, err = file.run("audit", "list", "--by", "U0ALICE001")

    assert status == 1
    assert "Write the whole key: `slack:TEAM:U0ALICE001`." in err
    assert file.document("audit", "list", "--by", "slack:T0NOMATRON:U0ALICE001")["events"]


# --- history ---------------------------------------------------------------------------------------------------------


def test_history_is_a_table_newest_first(file: File) -> None:
    header, *rows = file.table("history", "checkout")

    assert header == [
        "DEPLOY", "REQUESTED (Europe/Amsterdam)", "BY", "ENVIRONMENT", "VERSION", "FROM", "STATE", "APPROVED BY",
        "TOOK", "REASON",
    ]  # fmt: skip
    asked_for = ["2026-11-21 13:02:00", "U0ALICE001", "production", "v1.4.3"]
    # the fake has one job for all namespaces, so what staging has is a version that nobody deployed to production
    assert rows[0][:7] == ["D-2", *asked_for, "job version 0, registered outside Nomatron", "Ready"]
    assert set(rows[0][7].split(", ")) == {"U0BOB00001", "U0SAM00001"}
    assert rows[0][8:] == ["-", "-"]
    assert rows[1][0] == "D-1"
    assert rows[1][6:] == ["Succeeded", "-", "0s", "SHOP-981"]


def test_history_as_json(file: File) -> None:
    page = file.document("history", "checkout", "--in", "staging")

    assert page["next"] is None
    (deploy,) = page["deploys"]
    at = "2026-11-21T12:01:00.000000Z"
    assert deploy == {
        "deploy": "D-1", "service": "checkout", "environment": "staging", "version": "v1.4.2", "revision": 1,
        "from_version": None, "status": "succeeded", "outcome": "deployed", "reason": "SHOP-981",
        "requester": "slack:T0NOMATRON:U0ALICE001", "approvers": [],
        "requested_at": at, "approved_at": None, "dispatched_at": at, "registered_at": at,
        "stuck_at": None, "ended_at": at, "seconds_to_approve": None, "seconds_to_succeed": 0,
        "detail": deploy["detail"], "nomad_revert": None,
        "resolved_by": None, "resolved_as": None, "landed_late_at": None,
        "base": {
            "state": "absent", "job_version": None, "deploy": None, "version": None, "revision": 1,
            "reverted": False, "first": False,
            "token": "", "at": None,
        },
    }  # fmt: skip


def test_history_page_by_page(file: File) -> None:
    out = file.run("history", "checkout", "--limit", "1")[1]

    assert out.splitlines()[-1] == "older: nomatron history checkout --limit 1 --before D-2"
    assert file.document("history", "checkout", "--limit", "1")["next"] == "D-2"
    older = file.run(*shlex.split(out.splitlines()[-1])[2:])[1].splitlines()
    assert [line.split()[0] for line in older] == ["DEPLOY", "D-1"]
    assert file.run("history", "checkout", "--before", "d1") == (0, "No deploys found.\n", "")


def test_what_failed_says_why_and_what_nomad_did(empty: File) -> None:
    async def fail(world: World) -> None:
        await apply(world.ports(), Operator("root"), a_catalog())
        deploy = await asked(world)
        fields = {"deploy_id": deploy.id, "at": NOON + timedelta(minutes=1)}
        async with world.store.begin() as tx:
            await tx.record(an_event(EventType.DEPLOY_DISPATCHING, deploy_id=deploy.id, at=NOON + timedelta(seconds=9)))
            await tx.record(an_event(EventType.DEPLOY_FAILED, data={"detail": "exit code 1", "seconds": 9}, **fields))
            await tx.record(
                an_event(EventType.DEPLOY_REVERTED, data={"status": "succeeded", "job_version": 3}, **fields)
            )

    empty.fill(fail)
    _, row = empty.table("history", "checkout")

    assert row[6] == "Failed, Nomad's revert: succeeded"
    assert row[-2:] == ["51s", "exit code 1"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "the following arguments are required: SERVICE"),
        (("checkout", "--before", "x"), "`x` is not a deploy: write a number such as D-12"),
        (("checkout", "--before", "D-0"), "`D-0` is not a deploy"),
        (("checkout", "--before", "9" * 19), "is not a deploy"),
        (("checkout", "--limit", "-1"), "-1"),
    ],
)
def test_history_says_what_to_write(empty: File, words: tuple[str, ...], said: str) -> None:
    status, out, err = empty.run("history", *words)

    assert (status, out) == (2, "")
    assert said in err


# --- both ------------------------------------------------------------------------------------------------------------

BOTH = [("audit", "list"), ("history", "checkout")]


@pytest.mark.parametrize("words", BOTH)
def test_without_a_catalog_there_is_a_sentence(empty: File, words: tuple[str, ...]) -> None:
    status, out, err = empty.run(*words)

    assert (status, out) == (1, "")
    assert err.startswith("nomatron: ")
    assert "nomatron apply" in err


@pytest.mark.parametrize("words", BOTH)
def test_they_work_beside_a_running_bot(file: File, words: tuple[str, ...]) -> None:
    with alone(file.path):
        assert file.run(*words)[0] == 0


@pytest.mark.parametrize("words", BOTH)
def test_a_pipe_that_is_closed_early_is_no_error(file: File, words: tuple[str, ...]) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    try:
        ended = subprocess.run(
            [sys.executable, "-m", "bot", *words], cwd=ROOT, stdout=writer, stderr=subprocess.PIPE, check=False
        )
    finally:
        os.close(writer)

    assert (ended.returncode, ended.stderr) == (0, b"")
