"""Reads and writes durations the way people do (``1h30m``); Nomad sends them as integers of nanoseconds."""

from __future__ import annotations

import re
from datetime import timedelta

_SECOND, _MINUTE, _HOUR, _DAY = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
_UNITS = (("d", 86_400_000_000_000), ("h", 3_600_000_000_000), ("m", 60_000_000_000), ("s", 1_000_000_000))
_TYPED = re.compile(r"(?:[0-9]{1,6}[dhms]){1,6}")
_PART = re.compile(r"([0-9]+)([dhms])")
_NAMED = {"d": _DAY, "h": _HOUR, "m": _MINUTE, "s": _SECOND}
_FINE_UNITS = (("ms", 1_000_000), ("µs", 1_000), ("ns", 1))


def duration_from(text: str) -> timedelta | None:
    """The duration that somebody typed, such as ``2h`` or ``1h30m``; None for any other text."""
    typed = text.casefold()
    if not _TYPED.fullmatch(typed):
        return None
    return sum((int(count) * _NAMED[unit] for count, unit in _PART.findall(typed)), timedelta())


def from_nanoseconds(nanoseconds: int) -> str:
    """A number of nanoseconds as ``10s``, ``1m30s``, ``1h`` or ``250ms``; ``0s`` for zero."""
    if nanoseconds < 0:
        return f"-{from_nanoseconds(-nanoseconds)}"
    parts = []
    rest = nanoseconds
    for unit, size in _UNITS:
        count, rest = divmod(rest, size)
        if count:
            parts.append(f"{count}{unit}")
    for unit, size in _FINE_UNITS:
        count, rest = divmod(rest, size)
        if count:
            parts.append(f"{count}{unit}")
    return "".join(parts) or "0s"


def short(duration: timedelta) -> str:
    """A duration rounded to its two largest units: ``45s``, ``3m12s``, ``2h5m``, ``1d4h``."""
    step = _SECOND if duration < _HOUR else _MINUTE if duration < _DAY else _HOUR
    return in_words(round(duration / step) * step)


def in_words(duration: timedelta) -> str:
    """A duration as ``10s`` or ``1h30m``, in whole seconds, rounded up so that no time to wait looks too short."""
    seconds = -(-duration // timedelta(seconds=1))
    return from_nanoseconds(seconds * 1_000_000_000)
