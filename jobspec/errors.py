"""The two errors for a jobspec: Nomad would refuse it, or the simulation cannot tell."""

from __future__ import annotations


class JobspecError(Exception):
    """Nomad would refuse this jobspec, with this text (HTTP 400)."""


class NotSimulated(Exception):
    """Nomad may accept this, but the simulation cannot compute Nomad's answer (HTTP 501); the text says why."""
