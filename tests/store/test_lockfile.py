"""One server for a SQLite file."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from bot.errors import StoreBusy, StoreUnavailable
from store.lockfile import alone

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
