"""What Nomad refuses to register or plan, in its words."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bot.sandbox.nomad.jobspec.fields import Job


def problems(job: Job) -> list[str]:
    """Everything wrong with a job in stored form; empty where Nomad takes it. `refusal` joins them as Nomad does."""
    return [] if job["ID"] else ["Missing job ID"]


def refusal(found: list[str]) -> str:
    """The body of Nomad's 500: its multi-error of these problems."""
    count = "1 error" if len(found) == 1 else f"{len(found)} errors"
    return f"{count} occurred:\n" + "".join(f"\t* {each}\n" for each in found) + "\n"
