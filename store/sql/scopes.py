"""How a digest's scope, and many numbers, are said in SQL."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import bindparam, func

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from sqlalchemy import ColumnElement

    from bot.domain.audit.events import EventType
    from bot.domain.digest.schedule import Scope

MOST_AT_ONCE: Final = 500
"""Numbers in one IN list; each engine takes about 32,000 values in a statement."""


def of_types(events: Any, types: Iterable[EventType], *, everywhere: bool) -> tuple[ColumnElement[bool], ...]:
    """Conditions on columns of audit events: those types within the scope that ``values_of`` fills in.

    The types are always said, all of them if need be: they lead the index that has the rest. ``everywhere`` leaves the
    environments out.
    """
    within = (
        events.type.in_(sorted(types)),
        events.at >= bindparam("begins"),
        events.at < bindparam("ends"),
    )
    if everywhere:
        return within
    # as one term, so that SQLite does not leave the index of types for one lookup in another for each environment
    return (*within, func.coalesce(events.environment, "").in_(bindparam("environments", expanding=True)))


def values_of(scope: Scope) -> dict[str, Any]:
    """What fills in the conditions of ``of_types``."""
    named = {} if scope.environments is None else {"environments": ["", *sorted(scope.environments)]}
    return {"begins": scope.span.begins, "ends": scope.span.ends, **named}


def chunks(numbers: Collection[int]) -> Iterator[list[int]]:
    """The numbers, each once and in order, in lists that fit a statement."""
    rest = iter(sorted(set(numbers)))
    while chunk := list(islice(rest, MOST_AT_ONCE)):
        yield chunk
