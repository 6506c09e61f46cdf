"""From HCL text to Nomad's job."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.sandbox.nomad.jobspec.errors import JobspecError, NotSimulated

if TYPE_CHECKING:
    from bot.sandbox.nomad.jobspec.fields import Job


def parse(hcl: str, variables: str = "") -> Job:
    """The job as Nomad answers it with `Canonicalize: false`.

    `variables` is a JSON object in one line, or the text of a var-file. Raises `JobspecError` with Nomad's text where
    Nomad refuses, `NotSimulated` where the simulation cannot tell.
    """
    if not hcl:
        raise JobspecError("Job spec is empty")
    raise NotSimulated(f"reading {len(hcl)} characters of HCL with {variables!r}")


def warm() -> None:
    """Build the grammar (about two seconds), so that the first parse is as fast as the others."""
