"""Short commands import only what they need: they start as fast as they can."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

SERVER = (
    "aiohttp",
    "alembic",
    "apscheduler",
    "asyncpg",
    "hcl2",
    "lark",
    "nomad",
    "requests",
    "slack_bolt",
    "slack_sdk",
)
ASKED = "import json, sys; from bot.__main__ import main; main(json.loads(sys.argv[1]))"
LOADED = "print(sorted(set(json.loads(sys.argv[2])) & set(sys.modules)))"


def imported(url: str, words: list[str], which: tuple[str, ...]) -> str:
    """Those of the modules that the command has imported when it ends."""
    program = f"import atexit, json, sys; atexit.register(lambda: {LOADED}); {ASKED}"
    done = subprocess.run(
        [sys.executable, "-c", program, json.dumps(words), json.dumps(which)],
        env={"NOMATRON_DATABASE_URL": url, "PATH": ""}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert "Traceback" not in done.stderr, done.stderr
    return done.stdout.splitlines()[-1]


@pytest.mark.parametrize(
    "words", [["status"], ["history", "checkout"], ["audit", "list"], ["lock", "production", "--reason", "a test"]]
)
def test_what_only_the_bot_needs_is_not_imported(
    migrated_sqlite: Callable[[Path], str], tmp_path: Path, words: list[str]
) -> None:
    assert imported(migrated_sqlite(tmp_path / "nomatron.db"), words, SERVER) == "[]"


@pytest.mark.parametrize("words", [["--help"], ["--version"], ["check", "--help"]])
def test_to_explain_a_verb_takes_no_database(words: list[str]) -> None:
    assert imported("sqlite:///nowhere.db", words, ("aiosqlite", "store.sql_store")) == "[]"
