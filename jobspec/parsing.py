"""Parses HCL text into Nomad's job."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jobspec.errors import JobspecError, NotSimulated
from jobspec.evaluation.settings import UnreadableVariablesError, is_json, settings
from jobspec.evaluation.variables import Variables
from jobspec.job import complaints
from jobspec.job.normal import normalize
from jobspec.job.special import JobDecoder
from jobspec.syntax.bodies import read
from jobspec.syntax.grammar import syntax_tree
from jobspec.syntax.source import InvalidHclError, Source

if TYPE_CHECKING:
    from jobspec.evaluation.evaluate import Scope
    from jobspec.job.fields import Job
    from jobspec.syntax.nodes import Body

_FAILED = "Failed to parse job: "
_TOP = {"variable": 1, "variables": 0, "locals": 0, "job": 1}


def parse(hcl: str, variables: str = "") -> Job:
    """The job as Nomad returns it with `Canonicalize: false`.

    `variables` is a JSON object in one line, or the text of a var-file. Raises `JobspecError` with Nomad's text if
    Nomad would refuse the jobspec, `NotSimulated` if the simulation cannot compute Nomad's answer.
    """
    if not hcl:
        raise JobspecError("Job spec is empty")
    if is_json(hcl):
        raise NotSimulated("a jobspec in JSON: write it in HCL")
    try:
        return _parse_source(Source(hcl), variables)
    except UnreadableVariablesError as error:
        raise JobspecError(f"{_FAILED}unable to parse var content: {error}") from error
    except InvalidHclError as error:
        raise JobspecError(f"{_FAILED}{error}") from error


def warm() -> None:
    """Build the grammar (about two seconds), so that the first parse is as fast as the others."""
    syntax_tree("a = 1\n", Source("a = 1\n"))


def _parse_source(source: Source, variables: str) -> Job:
    try:
        body = read(source)
    except InvalidHclError as error:
        # Nomad shows only the first syntax error, and counts the others
        raise InvalidHclError(error.brief()) from error
    # read the values before evaluating anything: a bad value hides all other errors
    given = settings(variables)
    _top(body, source)
    declared = Variables(source)
    declared.declare(body)
    declared.set(given)
    return _job(body, source, declared.scope())


def _top(body: Body, source: Source) -> None:
    """Check the top level of the file."""
    problems = [complaints.unexpected_argument(each, (), _TOP, source) for each in body.attributes.values()]
    for block in body.blocks:
        if block.kind not in _TOP:
            problems.append(complaints.unexpected_block(block, (), _TOP, source))
        elif len(block.labels) != _TOP[block.kind]:
            problems.append(complaints.labels(block, _TOP[block.kind], source))
    if problems:
        raise InvalidHclError(*problems)


def _job(body: Body, source: Source, scope: Scope) -> Job:
    jobs = [block for block in body.blocks if block.kind == "job"]
    if not jobs:
        raise InvalidHclError("<nil>: Missing job block; A job block is required")
    decoder = JobDecoder()
    found = decoder.job(jobs[0], scope)
    for again in jobs[1:]:
        where = source.span(jobs[0].start, jobs[0].header_end)
        detail = f'Only one block of type "job" is allowed. Previous definition was at {where}.'
        decoder.problems.append(source.problem(again.start, again.header_end, "Duplicate job block", detail))
    if decoder.problems:
        raise InvalidHclError(*decoder.problems)
    late: list[Any] = [problem for fill in decoder.later for problem in fill()]
    if late:
        raise InvalidHclError(InvalidHclError(*late).brief())
    return normalize(found, jobs[0].labels[0])
