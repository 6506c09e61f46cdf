"""Parses Nomad jobspecs in HCL2, with the same results as `POST /v1/jobs/parse`."""

from jobspec.errors import JobspecError, NotSimulated
from jobspec.parsing import parse, warm

__all__ = ["JobspecError", "NotSimulated", "parse", "warm"]
