"""Records of the simulated Nomad in the form of Nomad's JSON, and helpers for ids and times.

Never change a stored record in place: a change is a new dict (`{**old, "Status": ...}`), because the event stream may
have buffered the old one.
"""

from __future__ import annotations

import re
import uuid
from datetime import UTC, datetime
from typing import Any, NamedTuple

Json = dict[str, Any]

SECOND = 1_000_000_000
UNITS = {"ns": 1, "us": 1_000, "µs": 1_000, "ms": 1_000_000, "s": SECOND, "m": 60 * SECOND, "h": 3600 * SECOND}
_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ns|us|µs|ms|s|m|h)")


class JobKey(NamedTuple):
    """The namespace and id that identify a job."""

    namespace: str
    id: str


def key_of(record: Json) -> JobKey:
    """The key of the job that an evaluation, a deployment or an allocation belongs to."""
    return JobKey(record["Namespace"], record["JobID"])


def new_id() -> str:
    """A fresh id for an evaluation, a deployment or an allocation."""
    return str(uuid.uuid4())


def rfc3339(instant_ns: int) -> str:
    """A time as Nomad writes it: RFC 3339 with nanoseconds."""
    whole, rest = divmod(instant_ns, SECOND)
    return f"{datetime.fromtimestamp(whole, UTC):%Y-%m-%dT%H:%M:%S}.{rest:09d}Z"


def instant(text: str) -> int:
    """The nanoseconds since 1970 of a text from `rfc3339`."""
    whole, _, rest = text.removesuffix("Z").partition(".")
    seconds = int(datetime.fromisoformat(f"{whole}+00:00").timestamp())
    return seconds * SECOND + int((rest or "0").ljust(9, "0"))


def duration(text: str) -> int | None:
    """A Go duration ("1m30s") in nanoseconds; None if the text is not a duration."""
    parts = _DURATION.findall(text)
    if not parts or "".join(number + unit for number, unit in parts) != text:
        return None
    return sum(int(float(number) * UNITS[unit]) for number, unit in parts)


def go_duration(nanoseconds: int) -> str:
    """A duration as Go prints it: 1m30s, 24h0m0s."""
    hours, rest = divmod(nanoseconds, UNITS["h"])
    minutes, rest = divmod(rest, UNITS["m"])
    seconds = f"{rest / SECOND:g}s"
    if hours:
        return f"{hours}h{minutes}m{seconds}"
    return f"{minutes}m{seconds}" if minutes else seconds


def find_group(job: Json, name: str) -> Json | None:
    """The task group with that name; None if there is none."""
    return next((group for group in job["TaskGroups"] or [] if group["Name"] == name), None)
