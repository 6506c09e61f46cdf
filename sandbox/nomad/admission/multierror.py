"""Formats several errors as one text, and durations, as Go programs print them."""

from __future__ import annotations

from jobspec.job.defaults import HOUR, MINUTE, SECOND


def multierror(found: list[str]) -> str:
    """One text for these errors; nested errors keep their line breaks."""
    count = "1 error" if len(found) == 1 else f"{len(found)} errors"
    return f"{count} occurred:\n" + "".join(f"\t* {each}\n" for each in found) + "\n"


def within(prefix: str, found: list[str]) -> list[str]:
    """One error that wraps these errors; none if there are none."""
    return [f"{prefix}: {multierror(found)}"] if found else []


def duration(nanoseconds: int) -> str:
    """A duration as Go prints it: `1h30m0s`, `5m0s`, `1.5s`, `20ms`."""
    if nanoseconds < 0:
        return "-" + duration(-nanoseconds)
    # below a second Go prints one unit with a fraction, above it hours, minutes and seconds
    if nanoseconds < SECOND:
        for unit, size in (("ms", 1_000_000), ("µs", 1_000)):
            if nanoseconds >= size:
                return f"{nanoseconds / size:g}{unit}"
        return f"{nanoseconds}ns" if nanoseconds else "0s"
    hours, minutes = nanoseconds // HOUR, nanoseconds % HOUR // MINUTE
    whole, fraction = divmod(nanoseconds % MINUTE, SECOND)
    seconds = f"{whole}" + (f".{fraction:09d}".rstrip("0") if fraction else "")
    return (f"{hours}h" if hours else "") + (f"{minutes}m" if hours or minutes else "") + f"{seconds}s"
