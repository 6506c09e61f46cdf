"""Functions on times, and Go's durations."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from jobspec.evaluation.functions.calling import FunctionError, Implementation, not_simulated, taking
from jobspec.values import STRING

_UNITS: Final = {
    "ns": 1, "us": 1_000, "µs": 1_000, "μs": 1_000, "ms": 1_000_000, "s": 1_000_000_000, "m": 60_000_000_000,
    "h": 3_600_000_000_000,
}  # fmt: skip
_PART: Final = re.compile(r"(\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h)")


class DurationError(Exception):
    """The text is not a Go duration; the message is Go's."""


def nanoseconds(text: str) -> int:
    """A duration as Go writes it (`1h30m`, `1.5s`) in nanoseconds; raises `DurationError`."""
    sign, body = (-1 if text.startswith("-") else 1), text[1:] if text[:1] in {"-", "+"} else text
    if body == "0":
        return 0
    parts = _PART.findall(body)
    if not parts or "".join(number + unit for number, unit in parts) != body:
        raise DurationError(_complaint(text, body))
    total = sum(Decimal(number) * _UNITS[unit] for number, unit in parts)
    if total >= 2**63:
        raise DurationError(f'time: invalid duration "{text}"')
    return sign * int(total)


def _complaint(text: str, body: str) -> str:
    if re.fullmatch(r"(?:(?:\d+\.?\d*|\.\d+)(?:ns|us|µs|μs|ms|s|m|h))*(?:\d+\.?\d*|\.\d+)", body):
        return f'time: missing unit in duration "{text}"'
    unknown = re.match(r"(?:(?:\d+\.?\d*|\.\d+)(?:ns|us|µs|μs|ms|s|m|h)(?=[\d.]))*(?:\d+\.?\d*|\.\d+)([^\d.]+)", body)
    if unknown:
        return f'time: unknown unit "{unknown[1]}" in duration "{text}"'
    return f'time: invalid duration "{text}"'


@taking(STRING, STRING)
def _timeadd(moment: str, duration: str) -> str:
    try:
        start = datetime.fromisoformat(moment)
        added = start + timedelta(microseconds=nanoseconds(duration) / 1000)
    except (ValueError, DurationError) as error:
        raise FunctionError(f'not a valid RFC3339 timestamp or duration: "{moment}", "{duration}"') from error
    if start.tzinfo is None:
        raise FunctionError(f'not a valid RFC3339 timestamp: "{moment}"')
    return added.isoformat().replace("+00:00", "Z")


FUNCTIONS: Final[dict[str, Implementation]] = {
    "timeadd": _timeadd,
    "formatdate": not_simulated("formatdate", "its patterns are not supported"),
}
