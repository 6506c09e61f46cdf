"""Decides how a task behaves after it has started."""

from __future__ import annotations

import posixpath
import re
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sandbox.nomad.records import Json

ENDS_AT_ONCE = frozenset({"echo", "true", "printf", "date", "hostname"})
FAILS_AT_ONCE = frozenset({"false"})
RUNS = frozenset({"sleep", "tail"})
_EXIT = re.compile(r"\bexit\s+[1-9]")


class Course(Enum):
    """How a task behaves: it keeps running, ends well or fails."""

    RUN = "run"
    COMPLETE = "complete"
    COMPLETE_SOON = "complete soon"
    FAIL = "fail"


def image_of(task: Json) -> str:
    """A task's image, or its command."""
    config = task["Config"] or {}
    return str(config.get("image") or config.get("command") or config.get("jar_path") or "")


def course_of(task: Json, job_type: str, *, told_to_fail: bool) -> Course:
    """How this task will behave: some commands are known by name, images keep running, batch work ends by itself."""
    config = task["Config"] or {}
    command = posixpath.basename(str(config.get("command") or ""))
    # enough to let a shell one-liner fail deliberately
    arguments = " ".join(str(one) for one in config.get("args") or [])
    if told_to_fail or command in FAILS_AT_ONCE or _EXIT.search(arguments):
        return Course.FAIL
    if command in ENDS_AT_ONCE:
        return Course.COMPLETE
    lifecycle = task["Lifecycle"] or {}
    ends = job_type in {"batch", "sysbatch"} or (lifecycle.get("Hook") and not lifecycle.get("Sidecar"))
    # a sleeping command stands in for a service, and runs until it is stopped
    return Course.COMPLETE_SOON if ends and command not in RUNS else Course.RUN
