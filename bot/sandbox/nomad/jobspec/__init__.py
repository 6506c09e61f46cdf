"""Jobspecs in HCL2, read as `POST /v1/jobs/parse` reads them."""

from bot.sandbox.nomad.jobspec.errors import JobspecError, NotSimulated
from bot.sandbox.nomad.jobspec.parsing import parse, warm

__all__ = ["JobspecError", "NotSimulated", "parse", "warm"]
