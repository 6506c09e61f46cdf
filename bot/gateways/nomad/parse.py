"""Has Nomad parse a template with its variables into a job."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Final

from bot.domain.deploy.plan import without_server_fields
from bot.errors import NomadRefused

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bot.domain.catalog.environment import Value
    from bot.domain.deploy.plan import Job
    from bot.gateways.nomad.client import Client

_PREFIX: Final = "Failed to parse job: "
_PLACE: Final = re.compile(r"^(?:input\.hcl:(?P<line>\d+),[\d,-]+|<nil>): (?P<said>.*)$")
_LINK: Final = re.compile(r"; see https?://\S+\s+for details\.?$")
_DISK_FUNCTION: Final = "filesystem function disabled"


async def parse(client: Client, jobspec: str, variables: Mapping[str, Value], namespace: str) -> Job:
    """The job, with Nomad's defaults and without the server's fields; ``NomadRefused`` has a line per error.

    The variables are sent as one JSON object, because Nomad takes the strings in it literally (docs/nomad.md,
    "Variables of a parse").
    """
    asked = {"JobHCL": jobspec, "Variables": variables_text(variables), "Canonicalize": True}
    try:
        reply = await client.post("jobs", "parse", namespace=namespace, body=json.dumps(asked).encode())
    except NomadRefused as error:
        raise NomadRefused(*diagnostics("\n".join(error.lines))) from None
    return without_server_fields(reply.record())


def variables_text(variables: Mapping[str, Value]) -> str:
    """The variables in the form that Nomad reads: one line of JSON that begins with a brace."""
    return json.dumps(dict(variables), ensure_ascii=False)


def diagnostics(text: str) -> tuple[str, ...]:
    """The parser's errors, one text per diagnostic, each starting with the jobspec's line if it names one."""
    found: list[str] = []
    for line in text.removeprefix(_PREFIX).splitlines():
        if match := _PLACE.match(line):
            found.append(_diagnostic(match["line"], match["said"]))
        elif line.strip():
            # more paragraphs belong to the diagnostic before them
            found[-1:] = [f"{found[-1]} {line.strip()}" if found else line.strip()]
    return tuple(found) or ("Nomad refused the jobspec and gave no reason",)


def _diagnostic(line: str | None, said: str) -> str:
    sentence = _LINK.sub("", said).replace("; ", ": ", 1)
    if _DISK_FUNCTION in said:
        sentence += ". Nomad's server cannot read files; pass the content in a variable instead"
    return f"line {line}: {sentence}" if line else sentence
