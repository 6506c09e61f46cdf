"""A start while another process has the database: real processes on one file."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING

import pytest

from bot.errors import StoreBusy, StoreFull
from bot.wiring.patience import Patience

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

# each line that it reads ends one of its locks: first that of the only server, then SQLite's own
HOLDER = """
import sqlite3, sys
from pathlib import Path
from store.lockfile import alone
file = Path(sys.argv[1])
connection = sqlite3.connect(file, isolation_level=None)
connection.execute("BEGIN IMMEDIATE")
with alone(file):
    print("held", flush=True)
    sys.stdin.readline()
sys.stdin.readline()
connection.execute("ROLLBACK")
sys.stdin.readline()
"""


@contextmanager
def process(*words: str, **environment: str) -> Iterator[subprocess.Popen[str]]:
    """A process that is killed if the test fails before its end."""
    given = {**os.environ, **environment}
    pipe = subprocess.PIPE
    with subprocess.Popen([sys.executable, *words], stdin=pipe, stdout=pipe, stderr=pipe, text=True, env=given) as one:
        try:
            yield one
        finally:
            one.kill()


def line_with(stream: IO[str] | None, words: str) -> str:
    """The next line that has the words in it."""
    assert stream is not None
    read = []
    for line in stream:
        read.append(line)
        if words in line:
            return line
    raise AssertionError("".join(read))


def release(holder: subprocess.Popen[str]) -> None:
    assert holder.stdin is not None
    holder.stdin.write("\n")
    holder.stdin.flush()


def test_a_start_waits_for_both_locks_and_says_so(migrated_sqlite: Callable[[Path], str], tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    migrated_sqlite(tmp_path / "real" / "nomatron.db")
    (tmp_path / "link").symlink_to("real")
    settings = {
        "SLACK_BOT_TOKEN": "xoxb-1",
        "SLACK_SIGNING_SECRET": "0" * 32,
        "SLACK_API_URL": "http://127.0.0.1:1/api/",
        "NOMATRON_CATALOG": "examples/catalog",
        "NOMATRON_DATABASE_URL": f"sqlite:///{tmp_path / 'link' / 'nomatron.db'}",
        "PORT": "0",
    }
    with process("-c", HOLDER, str(tmp_path / "real" / "nomatron.db")) as holder:
        line_with(holder.stdout, "held")
        with process("-m", "bot", "run", **settings) as server:
            assert f"pid {holder.pid}" in line_with(server.stderr, "waiting up to")
            release(holder)
            assert "busy" in line_with(server.stderr, "waiting up to")
            release(holder)
            # the first line after it can be stopped: a start goes on without Slack
            line_with(server.stderr, "Slack is unreachable")
            server.send_signal(signal.SIGTERM)
            assert server.wait(30) == 0


def test_a_migration_waits_for_sqlites_lock_and_says_so(tmp_path: Path) -> None:
    file = tmp_path / "nomatron.db"
    with process("-c", HOLDER, str(file)) as holder:
        line_with(holder.stdout, "held")
        with process("-m", "bot", "migrate", NOMATRON_DATABASE_URL=f"sqlite:///{file}") as migrating:
            line_with(migrating.stderr, "waiting up to")
            release(holder)
            release(holder)
            line_with(migrating.stdout, "up to date")
            assert migrating.wait(30) == 0


async def test_patience_ends_with_the_cause_and_the_time() -> None:
    async def busy() -> None:
        raise StoreBusy("Another process has it.")

    with pytest.raises(StoreBusy, match=r"Another process has it\. \(Waited 0 s\.\)"):
        await Patience(0).until_free(busy)


async def test_no_other_error_is_waited_for() -> None:
    async def full() -> None:
        raise StoreFull("no room")

    with pytest.raises(StoreFull):
        await Patience().until_free(full)


async def test_a_cause_is_logged_once_however_long_it_lasts(caplog: pytest.LogCaptureFixture) -> None:
    left = iter([StoreBusy("Another process has it."), StoreBusy("Another process has it.")])

    async def busy_twice() -> str:
        for busy in left:
            raise busy
        return "free"

    assert await Patience().until_free(busy_twice) == "free"
    assert len([record for record in caplog.records if "Another process has it." in record.getMessage()]) == 1
