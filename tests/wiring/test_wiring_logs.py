from __future__ import annotations

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
    assert "why=[secret]" in ended.stderr
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

    assert "[secret]" in told
    assert NOMAD_TOKEN not in told.lower()
    assert SECRET not in told


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
