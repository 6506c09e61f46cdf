"""What a plan says will change: Nomad's structural diff of two stored jobs."""

from bot.sandbox.nomad.diffs.annotate import annotate
from bot.sandbox.nomad.diffs.destructive import is_destructive
from bot.sandbox.nomad.diffs.job import diff

__all__ = ["annotate", "diff", "is_destructive"]
