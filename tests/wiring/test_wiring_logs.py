from __future__ import annotations

import subprocess
import sys

import pytest

SECRET = "xoxb-1234567890-abcdef"
SPEAKERS = {
    "logging": "logging.getLogger('bot.part').warning('it is away', extra={'why': text})",
    "structlog": "structlog.get_logger('bot.part').warning('it is away', why=text)",
}


@pytest.mark.parametrize("speaker", SPEAKERS)
def test_every_line_goes_to_standard_error_without_its_secrets(speaker: str) -> None:
    # a process of its own: what is set up holds for all of it
    program = f"import logging, structlog; from bot.wiring import logs; logs.set_up(); text = '{SECRET}'; "

    ended = subprocess.run(
        [sys.executable, "-c", program + SPEAKERS[speaker]], capture_output=True, text=True, check=True
    )

    assert ended.stdout == ""
    assert "level=warning" in ended.stderr
    assert 'event="it is away"' in ended.stderr
    assert "why=[secret]" in ended.stderr
    assert SECRET not in ended.stderr


def test_a_library_is_heard_where_it_warns() -> None:
    program = (
        "import logging; from bot.wiring import logs; logs.set_up(); "
        "logging.getLogger('alembic').info('quiet'); logging.getLogger('alembic').warning('loud')"
    )

    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert "loud" in ended.stderr
    assert "quiet" not in ended.stderr
