"""A daily digest as the catalog asks for it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Digest:
    """A daily message: its Slack channel, ``at`` as ``HH:MM`` of local time, and what it tells of.

    ``environments`` None: all of them. ``timezone`` is an IANA name; empty: the catalog's.
    """

    channel: str
    at: str
    environments: tuple[str, ...] | None = None
    timezone: str = ""
