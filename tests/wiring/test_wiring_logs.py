from __future__ import annotations

import os
import subprocess
import sys

import pytest

from bot.wiring import logs

SECRET = "xoxb-1234567890-abcdef"


def test_every_line_goes_to_standard_error_without_its_secrets() -> None:
    # a process of its own: what is set up holds for all of it
    program = (
        "import logging; from bot.wiring import logs; logs.set_up(); "
        f"logging.getLogger('bot.part').warning('it is away', extra={{'why': '{SECRET}'}})"
    )

    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert ended.stdout == ""
    assert "level=warning logger=bot.part" in ended.stderr
    assert 'event="it is away"' in ended.stderr
    assert "why=(hidden)" in ended.stderr
    assert SECRET not in ended.stderr


NOMAD_TOKEN = "0c8a4f2e-aaaa-bbbb-cccc-444455556666"


class Odd(Exception):
    """Something that is told by its text."""


@pytest.mark.parametrize(
    "value",
    [
        NOMAD_TOKEN,
        f"the token {NOMAD_TOKEN.upper()} is no good",
        {"headers": {"X-Nomad-Token": NOMAD_TOKEN}, NOMAD_TOKEN: 1},
        [("a", SECRET), {SECRET}, frozenset({NOMAD_TOKEN})],
        Odd(f"refused {NOMAD_TOKEN} and {SECRET}"),
    ],
)
def test_secrets_are_found_however_deep_they_lie(value: object) -> None:
    told = repr(logs._without_secrets(None, "info", {"event": "it is away", "why": value}))

    assert "(hidden)" in told
    assert NOMAD_TOKEN not in told.lower()
    assert SECRET not in told


PASSWORD = "Sup3rHidden"
ADDRESS = f"http://deployer:{PASSWORD}@127.0.0.1:1/v1/jobs?token={PASSWORD}"


@pytest.mark.parametrize(
    "failing",
    [
        "logging.error('it failed', exc_info=OSError(ADDRESS))",
        "logging.error('it failed: %s', OSError(ADDRESS))",
        "t = threading.Thread(target=lambda: fail()); t.start(); t.join()",
        "fail()",
    ],
)
def test_no_traceback_has_a_password(failing: str) -> None:
    program = (
        "import logging, os, threading; from bot.wiring import logs; logs.set_up()\n"
        "ADDRESS = os.environ['ADDRESS']\n"
        "def fail():\n try: raise OSError(ADDRESS)\n except OSError as e: raise ValueError('it failed') from e\n"
        f"{failing}\n"
    )

    ended = subprocess.run(  # noqa: PLW1510 - the last one is to fail
        [sys.executable, "-c", program], capture_output=True, text=True, env={**os.environ, "ADDRESS": ADDRESS}
    )

    assert "it failed" in ended.stderr
    assert "http://(hidden)@127.0.0.1:1/v1/jobs?(hidden)" in ended.stderr
    assert PASSWORD not in ended.stderr + ended.stdout


def test_what_is_no_secret_is_told_as_it_is() -> None:
    event = {"event": "D-1", "number": 7, "share": 0.5, "yes": True, "none": None, "list": ["eval-1", 2]}

    assert logs._without_secrets(None, "info", dict(event)) == event


def test_a_library_is_heard_where_it_warns() -> None:
    program = (
        "import logging; from bot.wiring import logs; logs.set_up(); "
        "logging.getLogger('alembic').info('quiet'); logging.getLogger('alembic').warning('loud')"
    )

    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert "loud" in ended.stderr
    assert "quiet" not in ended.stderr
