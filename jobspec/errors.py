"""The two ways a jobspec is turned down."""

from __future__ import annotations


class JobspecError(Exception):
    """Nomad would refuse this jobspec, with this text (HTTP 400)."""


class NotSimulated(Exception):
    """Nomad may well accept this, but the simulation cannot say what it would answer (HTTP 501); the text says why."""
