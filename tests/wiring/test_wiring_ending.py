from __future__ import annotations

import subprocess
import sys

from bot.wiring.ending import SECONDS, Ending
from bot.wiring.server import ANSWERS
from handlers.work import GRACE

HANGING = """
import threading
from bot.wiring.ending import Ending
threading.Thread(target=threading.Event().wait).start()
Ending(0.2).begin()
"""


def test_a_thread_that_hangs_does_not_keep_the_process() -> None:
    ended = subprocess.run([sys.executable, "-c", HANGING], check=False, timeout=60)

    assert ended.returncode == 0


def test_what_is_kept_for_the_others_is_not_left() -> None:
    ending = Ending(10.0)

    assert 9.0 < ending.left() <= 10.0
    assert 5.0 < ending.left(reserved=4.0) <= 6.0
    assert ending.left(reserved=11.0) == 0.0


def test_the_parts_of_the_end_fit_into_it() -> None:
    assert GRACE + ANSWERS <= SECONDS
