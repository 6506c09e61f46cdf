"""The daily digest over the wire: at its minute, once, however often the bot is killed around it."""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import pytest
import requests

from tests.e2e.driver import AUDIT, OPS, Message, Sandbox, edit, straight

if TYPE_CHECKING:
    from collections.abc import Iterator

ZONE = ZoneInfo("Europe/Amsterdam")
SECOND_COPY = "This may be a duplicate"
POST, FILE = "chat.postMessage", "files.completeUploadExternal"
SETTLED = 16
"""Seconds after its time that a digest is drawn, and a little more."""


def put_at(sandbox: Sandbox, minute: datetime) -> None:
    """Give the digest of the shipped catalog that time of day."""
    edit(sandbox.catalog / "nomatron.yaml", r'at: "\d\d:\d\d"', f'at: "{minute.astimezone(ZONE):%H:%M}"')
    assert f"digest for {AUDIT}: next on " in sandbox.apply()


def files(message: Message) -> list[dict[str, Any]]:
    return [file for reply in message.raw["replies"] for file in reply["files"]]


def posts(sandbox: Sandbox) -> int:
    """How many times Slack was asked to post to #audit, whatever became of it."""
    calls = sandbox.get("slack", "/sandbox/calls")
    return sum(each["method"] == POST and each["args"].get("channel") == AUDIT for each in calls)


def sql(sandbox: Sandbox, statement: str, *values: str) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(sandbox.database, timeout=10)) as connection, connection:
        return connection.execute(statement, values).fetchall()


def done(sandbox: Sandbox) -> bool:
    """Whether dates fell due, and all of them and their files are in Slack."""
    rows = sql(sandbox, "SELECT ts != '' FROM editions")
    return bool(rows) and all(row[0] for row in rows) and not sql(sandbox, "SELECT 1 FROM outbox WHERE kind = 'digest'")


def age(sandbox: Sandbox) -> float:
    lines = requests.get(f"{sandbox.about['bot']}/metrics", timeout=10).text.splitlines()
    (line,) = [each for each in lines if each.startswith(f'nomatron_digest_age_seconds{{channel="{AUDIT}"}}')]
    return float(line.split()[1])


@dataclass(frozen=True)
class Morning:
    """A sandbox whose digest came at its minute; all its deploys had ended before that. ``early``: what was there then.

    ``restarted`` is how often it stood there and Slack was asked for it after the bot had been killed twice.
    """

    sandbox: Sandbox
    minute: datetime
    early: list[Message]
    message: Message
    restarted: tuple[int, int]
    age: float


@pytest.fixture(scope="module")
def morning(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Morning]:
    with Sandbox(tmp_path_factory.mktemp("digest"), change=straight) as running:
        running.seeded()
        minute = (datetime.now(ZONE) + timedelta(seconds=80)).replace(second=0, microsecond=0)
        put_at(running, minute)
        # the one wait for a real minute: nobody can set the clock of a running bot
        time.sleep(max(0.0, (minute - datetime.now(ZONE)).total_seconds()))
        early = running.messages(AUDIT)
        running.until(lambda: done(running), "the digest")
        (message,) = running.messages(AUDIT)
        for _ in range(2):
            running.kill()
            running.start()
        restarted = len(running.messages(AUDIT)), posts(running)
        yield Morning(running, minute, early, message, restarted, age(running))


def test_it_comes_at_its_minute_and_once(morning: Morning):
    assert morning.early == []
    assert "2 deployed" in morning.message.text
    assert "Posted late" not in morning.message.whole
    assert SECOND_COPY not in morning.message.whole
    assert morning.restarted == (1, 1)
    assert 0 < morning.age < 300


def test_its_csv_lies_under_it(morning: Morning):
    (file,) = files(morning.message)

    assert file["name"] == f"deployments-{morning.minute.date()}.csv"


# --- kill -9, and answers that are lost ------------------------------------------------------------------------------


@dataclass(frozen=True)
class Due:
    """A sandbox whose bot is dead, and whose digest fell due a moment ago; ``before`` stood in #audit already."""

    sandbox: Sandbox
    before: int
    posted: int

    @property
    def messages(self) -> list[Message]:
        return self.sandbox.messages(AUDIT)[self.before :]

    @property
    def posts(self) -> int:
        return posts(self.sandbox) - self.posted

    def marks(self) -> list[bool]:
        """For each message that stands there: whether it says that it may be a second one."""
        return [SECOND_COPY in message.whole for message in self.messages]

    def killed_at(self, method: str) -> None:
        """Start the bot, and kill it while Slack has that call of it in hand."""
        self.sandbox.start()
        self.sandbox.until(lambda: method not in self._faults(), f"{method} to be under way")
        self.sandbox.kill()

    def _faults(self) -> list[str]:
        return [each["method"] for each in self.sandbox.get("slack", "/sandbox/state")["switches"]["faults"]]

    def goes_on(self) -> None:
        """Start the bot, and wait until it has nothing left to send."""
        self.sandbox.start()
        self.sandbox.until(lambda: done(self.sandbox), "the digest")


@pytest.fixture
def due(morning: Morning) -> Iterator[Due]:
    sandbox = morning.sandbox
    sandbox.kill()
    sql(sandbox, "DELETE FROM editions")
    put_at(sandbox, datetime.now(UTC) - timedelta(seconds=SETTLED))
    configured_for(sandbox, timedelta(minutes=10))
    scopes = sandbox.post("slack", "/sandbox/workspace", {})["scopes"]
    yield Due(sandbox, len(sandbox.messages(AUDIT)), posts(sandbox))
    sandbox.fault("*", "none")
    sandbox.post("slack", "/sandbox/workspace", {"scopes": scopes})
    sandbox.post("slack", "/sandbox/channels", {"channel": AUDIT, "archived": False})


def configured_for(sandbox: Sandbox, how_long: timedelta) -> None:
    """As if the catalog had had its digest for so long: days pass in no test."""
    moment = (datetime.now(UTC) - how_long).replace(tzinfo=None).isoformat(timespec="microseconds")
    sql(sandbox, "UPDATE digests SET since = ?", f"{moment}Z")


def test_killed_before_anything_reached_slack_it_is_one(due: Due):
    due.sandbox.fault(POST, "429", seconds=1, times=1)
    due.killed_at(POST)
    due.goes_on()

    assert len(due.messages) == 1


def test_killed_while_slack_is_silent_it_is_one_that_cannot_know(due: Due):
    due.sandbox.fault(POST, "silent", times=1)
    due.killed_at(POST)
    due.goes_on()

    assert due.marks() == [True]
    assert len(files(due.messages[0])) == 1


def test_killed_when_it_stands_and_nobody_heard_of_it_the_second_copy_is_marked(due: Due):
    due.sandbox.fault(POST, "lost", times=1)
    due.killed_at(POST)
    due.goes_on()

    assert due.marks() == [False, True]
    assert [len(files(each)) for each in due.messages] == [0, 1]


def test_an_answer_that_is_lost_costs_one_marked_copy(due: Due):
    due.sandbox.fault(POST, "lost", times=1)
    due.goes_on()

    assert due.marks() == [False, True]
    assert due.posts == 2


def test_killed_between_the_message_and_its_file_there_is_one_of_each(due: Due):
    due.sandbox.fault(FILE, "silent", times=1)
    due.killed_at(FILE)
    due.goes_on()

    assert due.marks() == [False]
    assert len(files(due.messages[0])) == 1


def test_killed_again_and_again_each_date_is_there_and_every_further_copy_is_marked(due: Due):
    configured_for(due.sandbox, timedelta(days=4, minutes=10))
    due.sandbox.fault(POST, "slow", seconds=0.3)
    for moment in (0.0, 0.2, 0.5, 1.0, 2.0):
        due.sandbox.start()
        time.sleep(moment)
        due.sandbox.kill()
    due.goes_on()

    assert len(sql(due.sandbox, "SELECT day FROM editions")) == 5
    assert due.marks().count(False) <= 5 <= len(due.messages) == due.posts
    assert all(len(files(each)) <= 2 for each in due.messages)


# --- what Slack refuses ----------------------------------------------------------------------------------------------


def test_without_the_files_scope_the_digest_stands_and_the_operators_are_told_once(due: Due):
    scopes = due.sandbox.post("slack", "/sandbox/workspace", {})["scopes"]
    few = [each for each in scopes if each != "files:write"]
    due.sandbox.post("slack", "/sandbox/workspace", {"scopes": few})
    before = len(due.sandbox.messages(OPS))
    due.sandbox.start()
    told = due.sandbox.until(lambda: due.sandbox.messages(OPS)[before:], "a word to the operators")

    assert [each.text.split(": ")[0] for each in told] == [f"The digest of {today(due)} in {AUDIT} has no CSV"]
    assert "nomatron manifest" in told[0].whole
    assert due.marks() == [False]


def test_in_a_dead_channel_it_is_posted_to_the_operators_who_are_told_why(due: Due):
    due.sandbox.post("slack", "/sandbox/channels", {"channel": AUDIT, "archived": True})
    before = len(due.sandbox.messages(OPS))
    due.goes_on()

    due.sandbox.until(lambda: len(due.sandbox.messages(OPS)) == before + 2, "a word to the operators")
    digest, told = due.sandbox.messages(OPS)[before:]
    assert "2 deployed" in digest.text
    assert "could not be posted to its channel (is_archived), so it is here." in told.text
    assert due.messages == []


def today(due: Due) -> str:
    ((day,),) = sql(due.sandbox, "SELECT day FROM editions")
    return str(day)
