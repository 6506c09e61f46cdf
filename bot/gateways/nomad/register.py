"""Registers a job with check-and-set, and interprets Nomad's answer (docs/engine.md, Dispatch)."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from bot.domain.deploy.dispatch import Answer, classify, classify_success
from bot.domain.jobdiff.hidden import cleaner
from bot.domain.masking import scrub
from bot.domain.multierror import one_line
from bot.domain.refusals import names_other_region
from bot.errors import NomadForbidden, NomadUnavailable
from bot.gateways.nomad.errors import Unanswered, foreign
from bot.ports.nomad import Registered

if TYPE_CHECKING:
    from bot.domain.jobdiff.hidden import Clean
    from bot.domain.jobdiff.redaction import Redactor
    from bot.gateways.nomad.client import Client
    from bot.gateways.nomad.reply import Reply

LARGEST_SOURCE: Final = 1_000_000
"""Bytes of source and variables from which Nomad drops a submission (docs/nomad.md, "Submissions")."""


def body(job: str, *, base_index: int, source: str, variables: str) -> bytes:
    """The request body, with the frozen JSON of the job in it byte for byte."""
    asked = {"EnforceIndex": True, "JobModifyIndex": base_index, "Submission": submission(source, variables)}
    return f'{{"Job":{job},{json.dumps(asked)[1:]}'.encode()


def submission(source: str, variables: str) -> dict[str, str]:
    """What Nomad keeps beside the version; the stamp (the source's first line) alone if it would drop the whole."""
    if len(source.encode()) + len(variables.encode()) >= LARGEST_SOURCE:
        source, variables = source.split("\n", 1)[0] + "\n", ""
    return {"Source": source, "Format": "hcl2", "Variables": variables}


async def register(
    client: Client, namespace: str, job: str, *, base_index: int, source: str, variables: str, redactor: Redactor
) -> Registered:
    """Register once. Never raises; the answer is UNKNOWN if it is not certain what happened.

    Nomad's texts come without what ``redactor`` hides.
    """
    asked = body(job, base_index=base_index, source=source, variables=variables)
    try:
        reply = await client.write("jobs", namespace=namespace, body=asked)
    except Unanswered as error:
        return Registered(Answer.UNKNOWN if error.sent else Answer.NOT_SENT, str(error))
    except NomadForbidden as error:
        # the client refuses to call without the token that the catalog names
        return Registered(Answer.NOT_SENT, str(error))
    frozen = json.loads(job)
    names_region = names_other_region(frozen.get("Region"), client.cluster.region)
    return interpret(reply, cleaner([frozen], redactor), base_index=base_index, names_region=names_region)


def interpret(reply: Reply, clean: Clean = scrub, *, base_index: int = 0, names_region: bool = False) -> Registered:
    """The meaning of Nomad's answer; UNKNOWN if a proxy answered, which says nothing about Nomad."""
    if reply.foreign:
        return Registered(Answer.UNKNOWN, f"Nomad {foreign(reply)}")
    if reply.ok:
        return _read_success(reply, clean, base_index)
    answer = classify(reply.status, reply.text, names_region=names_region)
    return Registered(answer, one_line(clean(reply.text)) or f"Nomad answered {reply.status}")


def _read_success(reply: Reply, clean: Clean, base_index: int) -> Registered:
    try:
        said = reply.record()
        index, created = int(said["JobModifyIndex"]), int(said["EvalCreateIndex"])
    except (NomadUnavailable, KeyError, TypeError, ValueError):
        return Registered(Answer.UNKNOWN, "Nomad answered 200 without a JobModifyIndex")
    warnings = one_line(clean(str(said.get("Warnings") or "")))
    answer = classify_success(index, created, base_index)
    return Registered(answer, warnings, index, str(said.get("EvalID") or ""))
