"""What a plan says will change: Nomad's structural diff of two stored jobs."""

from sandbox.nomad.diffs.annotate import annotate
from sandbox.nomad.diffs.destructive import is_destructive
from sandbox.nomad.diffs.job import diff

__all__ = ["annotate", "diff", "is_destructive"]
