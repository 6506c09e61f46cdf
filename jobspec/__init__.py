"""Jobspecs in HCL2, read as `POST /v1/jobs/parse` reads them."""

from jobspec.errors import JobspecError, NotSimulated
from jobspec.parsing import parse, warm

__all__ = ["JobspecError", "NotSimulated", "parse", "warm"]
