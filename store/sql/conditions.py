"""Conditions of partial indexes, as literal text.

An engine uses such an index only if the query has the same text, and not a parameter in it.
"""

from __future__ import annotations

from typing import Final

HELD: Final = "held_until IS NOT NULL AND kind IN ('card', 'thread')"
PENDING_CARD: Final = "held_until IS NULL AND kind = 'card'"
REPLY: Final = "kind = 'thread'"
REQUESTED: Final = "type = 'deploy.requested'"
TABLE_REFUSED: Final = "refused_table IS NOT NULL"
UNJUDGED: Final = "unjudged"
