"""What a deploy replaces, as mrkdwn: the version, or the job version and who registered it when."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.domain.deploy.sentences import is_dated, replaced
from bot.gateways.blocks.text import code, moment, words

if TYPE_CHECKING:
    from bot.domain.deploy.plan import Base


def replaced_of(base: Base | None, version: str | None) -> str:
    """At most 300 characters; empty if nothing was replaced, or nobody knows.

    ``version`` is for a plan that is older than ``base``.
    """
    known = base.release_name if base is not None else version
    if known:
        return code(known, 140)
    if base is None:
        return ""
    at = f", {moment(base.at)}" if base.at is not None and is_dated(base) else ""
    return f"{words(replaced(base), 160)}{at}"


def versions_of(base: Base | None, before: str | None, new: str) -> str:
    """``v1.4.1 → v1.4.2``, or ``v1.4.2 again``; the new version alone for a new job, or if nobody knows which ran."""
    if before == new:
        return f"{code(new, 140)} again"
    old = replaced_of(base, before)
    return f"{old} → {code(new, 140)}" if old else code(new, 140)
