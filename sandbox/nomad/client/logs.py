"""A few plausible lines of a task's output."""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING

from sandbox.nomad.client.behaviour import image_of

if TYPE_CHECKING:
    from sandbox.nomad.records import Json


_ECHO = re.compile(r"\becho (.+?) *>&2")


def output_of(allocation: Json, task: Json, stream: str) -> str:
    """The task's output on `stdout` or `stderr` so far."""
    config = task["Config"] or {}
    command = posixpath.basename(str(config.get("command") or ""))
    if command == "echo":
        said = " ".join(str(one) for one in config.get("args") or []) + "\n"
        return said if stream == "stdout" else ""
    # commands that print nothing in real life print nothing here
    state = (allocation["TaskStates"] or {}).get(task["Name"])
    if state is None or command in {"sleep", "false", "true"}:
        return ""
    return "".join(f"{line}\n" for line in lines_of(allocation, task, state, stream))


def lines_of(allocation: Json, task: Json, state: Json, stream: str) -> list[str]:
    """The log lines of a task."""
    name, what, at = task["Name"], image_of(task), state["StartedAt"]
    if stream == "stderr":
        # enough to let a shell one-liner say something before it fails
        arguments = " ".join(str(one) for one in (task["Config"] or {}).get("args") or [])
        if told := _ECHO.findall(arguments):
            return [one.strip("'\"") for one in told]
        return [f"{state['FinishedAt']} fatal: {name}: cannot go on, exit status 1"] if state["Failed"] else []
    lines = [f"{at} {name}: starting {what}", f"{at} {name}: allocation {allocation['Name']}"]
    if state["State"] == "running":
        lines.append(f"{at} {name}: ready")
    return lines
