"""The diff in a plan: Nomad's structural diff of two jobs in stored form."""

from sandbox.nomad.diffs.annotate import annotate
from sandbox.nomad.diffs.destructive import is_destructive
from sandbox.nomad.diffs.job import diff

__all__ = ["annotate", "diff", "is_destructive"]
