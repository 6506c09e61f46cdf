"""A daily digest, as the catalog configures it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Digest:
    """A daily message: its Slack channel, its local time ``at`` (``HH:MM``), and its environments.

    ``environments`` None: all of them. ``timezone`` is an IANA name; empty: the catalog's.
    """

    channel: str
    at: str
    environments: tuple[str, ...] | None = None
    timezone: str = ""
