"""One server for a SQLite file."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from bot.errors import StoreBusy, StoreUnavailable
from store.lockfile import alone
from store.sql.connect import database_url, sqlite_file

HOLD = """
import sys
from pathlib import Path
from store.lockfile import alone
with alone(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_a_second_server_is_refused_with_the_way_out(tmp_path):
    with alone(tmp_path / "nomatron.db"), pytest.raises(StoreBusy) as refusal, alone(tmp_path / "nomatron.db"):
        raise AssertionError
    assert str(os.getpid()) in str(refusal.value)
    assert "PostgreSQL" in str(refusal.value)


def test_the_next_one_may_when_the_first_is_done(tmp_path):
    for _ in range(2):
        with alone(tmp_path / "nomatron.db"):
            pass


def test_files_are_locked_one_by_one(tmp_path):
    with alone(tmp_path / "one.db"), alone(tmp_path / "two.db"):
        pass


def test_a_kill_frees_the_file(tmp_path):
    file = tmp_path / "nomatron.db"
    command = [sys.executable, "-c", HOLD, str(file)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(StoreBusy, match=f"pid {holder.pid}"), alone(file):
            raise AssertionError
        holder.kill()
        holder.wait()
    with alone(file):
        pass


def test_a_folder_that_is_not_there_is_named(tmp_path):
    with pytest.raises(StoreUnavailable, match="missing"), alone(tmp_path / "missing" / "nomatron.db"):
        raise AssertionError


@pytest.mark.parametrize("name", ["link.db", "folder/nomatron.db", "link-to-link.db", "real/../link.db"])
def test_a_symlink_is_the_file_it_leads_to(tmp_path, name):
    (tmp_path / "real").mkdir()
    (tmp_path / "link.db").symlink_to(Path("real") / "nomatron.db")
    (tmp_path / "link-to-link.db").symlink_to(tmp_path / "link.db")
    (tmp_path / "folder").symlink_to("real")
    # the same before the database is made and after
    for _ in range(2):
        with alone(tmp_path / name), pytest.raises(StoreBusy), alone(tmp_path / "real" / "nomatron.db"):
            raise AssertionError
        (tmp_path / "real" / "nomatron.db").touch()
    assert not list(tmp_path.glob("*.lock"))


def test_a_relative_path_is_the_file_it_means(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with alone(Path("nomatron.db")), pytest.raises(StoreBusy), alone(tmp_path / "nomatron.db"):
        raise AssertionError


def test_the_lock_leaves_sqlites_own_locks_alone(tmp_path):
    """The system drops a process's locks on a file when the process closes any descriptor of that file."""
    file = tmp_path / "nomatron.db"
    write = "import sqlite3, sys; sqlite3.connect(sys.argv[1], timeout=0).execute('BEGIN IMMEDIATE')"
    other = [sys.executable, "-c", write, str(file)]
    connection = sqlite3.connect(file, isolation_level=None)
    connection.execute("PRAGMA journal_mode = wal")
    connection.execute("CREATE TABLE t (n INTEGER)")
    connection.execute("BEGIN IMMEDIATE")
    with alone(file):
        assert sqlite_file(database_url(f"sqlite:///{file}")) == file
    refused = subprocess.run(other, capture_output=True, text=True, check=False)
    connection.execute("ROLLBACK")

    assert "database is locked" in refused.stderr
    assert subprocess.run(other, check=False).returncode == 0
    connection.close()
