"""Has Nomad parse a template with its variables into a job."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Final

from bot.domain.deploy.plan import without_server_fields
from bot.domain.refusals import NO_REGION, names_other_region
from bot.errors import NomadRefused, NomadUnavailable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bot.domain.catalog.environment import Value
    from bot.domain.deploy.plan import Job
    from bot.gateways.nomad.client import Client

_PREFIX: Final = "Failed to parse job: "
_PLACE: Final = re.compile(r"^(?:input\.hcl:(?P<line>\d+),(?P<column>\d+)-[\d,]+|<nil>): (?P<said>.*)$")
_RULE: Final = re.compile(r"\bat input\.hcl:(\d+),[\d,-]+")
# Nomad calls the file with the variables input.hcl as well; only these complaints are about a value in it
_OF_A_VALUE: Final = re.compile(r"Invalid value for (?:\w+ )?variable;")
_OF_A_DECLARATION: Final = re.compile(r"Invalid (?:default value for variable|(?:variable )?validation|.* in variable)")
_DECLARATION: Final = re.compile(r'^[ \t]*variable[ \t]+"?([^"\s{]+)"?', re.MULTILINE)
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
        raise NomadRefused(*diagnostics("\n".join(error.lines), jobspec, variables)) from None
    job = without_server_fields(reply.record())
    if names_other_region(job.get("Region"), client.cluster.region):
        await _require_own_region(client, job["Region"])
    return job


async def _require_own_region(client: Client, region: str) -> None:
    """Raise ``NomadRefused`` if the jobspec names another region than that of the cluster's address.

    Nomad would hand the job on to that region, and we would look for it in ours.
    """
    fix = "Remove `region` from the template, or add a cluster with that `region` to the catalog"
    try:
        # every region has a leader of its own, and its address needs no right
        there = await client.get("status", namespace="default", region=region)
        here = await client.get("status", namespace="default")
    except NomadUnavailable as error:
        if NO_REGION not in str(error):
            raise
        raise NomadRefused(f"{NO_REGION} `{region}`, which the jobspec names. {fix}") from None
    if there.json() != here.json():
        said = f"The jobspec names region `{region}`, which is not the one of cluster {client.cluster.name}. {fix}"
        raise NomadRefused(said, by="Nomatron")


def variables_text(variables: Mapping[str, Value]) -> str:
    """The variables in the form that Nomad reads: one line of JSON that begins with a brace."""
    return "{" + ", ".join(_pairs(variables)) + "}"


def _pairs(variables: Mapping[str, Value]) -> list[str]:
    # ASCII alone: then a column of Nomad's is a place in this text
    return [f"{json.dumps(name)}: {json.dumps(value)}" for name, value in variables.items()]


def diagnostics(text: str, jobspec: str = "", variables: Mapping[str, Value] | None = None) -> tuple[str, ...]:
    """The parser's errors, one text per diagnostic: first the jobspec's line, or the variable whose value is wrong."""
    found: list[str] = []
    for line in text.removeprefix(_PREFIX).splitlines():
        if match := _PLACE.match(line):
            found.append(_place(match, jobspec, variables or {}) + _sentence(match["said"]))
        elif line.strip():
            # more paragraphs belong to the diagnostic before them
            more = _RULE.sub(r"at line \1", line.strip())
            found[-1:] = [f"{found[-1]} {more}" if found else more]
    return tuple(found) or ("Nomad refused the jobspec and gave no reason",)


def _sentence(said: str) -> str:
    sentence = _LINK.sub("", said).replace("; ", ": ", 1)
    if _DISK_FUNCTION in said:
        sentence += ". Nomad's server cannot read files; pass the content in a variable instead"
    return sentence


def _place(match: re.Match[str], jobspec: str, variables: Mapping[str, Value]) -> str:
    """Where a diagnostic points to, with a colon; empty if Nomad did not say."""
    if match["line"] is None:
        return ""
    line, said = int(match["line"]), match["said"]
    if _OF_A_VALUE.match(said):
        name = _variable_at(int(match["column"]), variables)
        return f'variable "{name}": ' if name else "a variable: "
    names = _DECLARATION.findall("\n".join(jobspec.splitlines()[:line])) if _OF_A_DECLARATION.match(said) else []
    return f'line {line} (variable "{names[-1]}"): ' if names else f"line {line}: "


def _variable_at(column: int, variables: Mapping[str, Value]) -> str:
    """The variable whose pair has this column (from 1) of the variables' text; empty if none has."""
    end = len("{")
    for name, pair in zip(variables, _pairs(variables), strict=True):
        end += len(pair)
        if column <= end:
            return name
        end += len(", ")
    return ""
