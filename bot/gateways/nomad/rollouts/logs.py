"""The end of a failed task's log, masked and bounded (docs/nomad.md, "Logs")."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from bot.errors import NomadError

if TYPE_CHECKING:
    from bot.domain.deploy.rollout import TaskFailure
    from bot.domain.jobdiff.hidden import Clean
    from bot.gateways.nomad.client import Client

LONGEST: Final = 4_000
"""The most characters of a log that are shown."""

_READ: Final = 16 * 1024
_CONTROL: Final = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]|[\x00-\x08\x0b-\x1f\x7f]")
"""Colours and other control characters, which a terminal would act on."""


async def log_tail(client: Client, namespace: str, failure: TaskFailure, lines: int, clean: Clean) -> str:
    """The last lines that the failed task wrote to stderr, or else to stdout; empty if there are none, or no right."""
    for stream in ("stderr", "stdout"):
        try:
            reply = await client.get(
                "logs",
                failure.allocation,
                namespace=namespace,
                task=failure.task,
                type=stream,
                plain="true",
                origin="end",
                offset=_READ,
            )
        except NomadError:
            # a log is a courtesy: nothing waits for it
            return ""
        if found := tail(reply.body if reply.ok else b"", lines, clean):
            return found
    return ""


def tail(body: bytes, lines: int, clean: Clean) -> str:
    """The last lines of what was read from a log's end; whole lines as long as there is room."""
    text = body.decode("utf-8", errors="replace")
    if len(body) >= _READ:
        # half a line may be half a secret, which nothing recognizes
        text = text.partition("\n")[2]
    said = [line.rstrip() for line in clean(_CONTROL.sub("", text)).splitlines()]
    shown = "\n".join([line for line in said if line][-lines:])
    if len(shown) <= LONGEST:
        return shown
    end = shown[-LONGEST:]
    return end.partition("\n")[2] or f"…{end[1:]}"
