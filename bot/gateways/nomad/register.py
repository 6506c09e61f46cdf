"""Register with check-and-set, and what its answer means (``docs/engine.md``, Dispatch)."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from bot.domain.deploy.dispatch import Answer, accepted, classify
from bot.domain.multierror import one_line
from bot.errors import NomadForbidden, NomadUnavailable
from bot.gateways.nomad.errors import Unanswered, foreign
from bot.ports.nomad import Registered

if TYPE_CHECKING:
    from bot.gateways.nomad.client import Client
    from bot.gateways.nomad.reply import Reply

LARGEST_SOURCE: Final = 1_000_000
"""Bytes of source and variables from which Nomad drops a submission (docs/nomad.md, "Submissions")."""


def body(job: str, *, base_index: int, source: str, variables: str) -> bytes:
    """The request around the frozen JSON, which goes in byte for byte."""
    asked = {
        "EnforceIndex": True,
        "JobModifyIndex": base_index,
        "Submission": {"Source": kept_source(source, variables), "Format": "hcl2", "Variables": variables},
    }
    return f'{{"Job":{job},{json.dumps(asked)[1:]}'.encode()


def kept_source(source: str, variables: str) -> str:
    """The source, or only its first line, the stamp, where Nomad would drop the whole."""
    fits = len(source.encode()) + len(variables.encode()) < LARGEST_SOURCE
    return source if fits else source.split("\n", 1)[0] + "\n"


async def register(
    client: Client, namespace: str, job: str, *, base_index: int, source: str, variables: str
) -> Registered:
    """One attempt; never raises, and what is not certain is UNKNOWN."""
    asked = body(job, base_index=base_index, source=source, variables=variables)
    try:
        reply = await client.write("jobs", namespace=namespace, body=asked)
    except Unanswered as error:
        return Registered(Answer.UNKNOWN if error.sent else Answer.NOT_SENT, str(error))
    except NomadForbidden as error:
        # our own refusal to go without the token that the catalog names
        return Registered(Answer.NOT_SENT, str(error))
    return answered(reply)


def answered(reply: Reply) -> Registered:
    """What Nomad's answer says; a proxy's says nothing about Nomad."""
    if reply.foreign:
        return Registered(Answer.UNKNOWN, f"Nomad {foreign(reply)}")
    if reply.ok:
        return _accepted(reply)
    return Registered(classify(reply.status, reply.text), one_line(reply.text) or f"Nomad answers {reply.status}")


def _accepted(reply: Reply) -> Registered:
    try:
        said = reply.record()
        index, created = int(said["JobModifyIndex"]), int(said["EvalCreateIndex"])
    except (NomadUnavailable, KeyError, TypeError, ValueError):
        return Registered(Answer.UNKNOWN, "Nomad answers 200 without a JobModifyIndex")
    warnings = one_line(str(said.get("Warnings") or ""))
    return Registered(accepted(index, created), warnings, index, str(said.get("EvalID") or ""))
