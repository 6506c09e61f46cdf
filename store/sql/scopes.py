"""SQL conditions for a digest's scope, and chunks of numbers that fit in one statement."""

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
"""The most numbers in one IN list; each engine allows about 32,000 values in a statement."""


def of_types(events: Any, types: Iterable[EventType], *, everywhere: bool) -> tuple[ColumnElement[bool], ...]:
    """Conditions that select audit events of those types in a scope; ``values_of`` has the values.

    The conditions always name the types, if need be all of them, because the type is the first column of the index.
    ``everywhere`` leaves the environments out.
    """
    within = (
        events.type.in_(sorted(types)),
        events.at >= bindparam("begins"),
        events.at < bindparam("ends"),
    )
    if everywhere:
        return within
    # one term, so that SQLite stays with the index of types and does not look up each environment in another index
    return (*within, func.coalesce(events.environment, "").in_(bindparam("environments", expanding=True)))


def values_of(scope: Scope) -> dict[str, Any]:
    """The parameter values for the conditions of ``of_types``."""
    named = {} if scope.environments is None else {"environments": ["", *sorted(scope.environments)]}
    return {"begins": scope.span.begins, "ends": scope.span.ends, **named}


def chunks(numbers: Collection[int]) -> Iterator[list[int]]:
    """The numbers in lists that fit in a statement, sorted and without duplicates."""
    rest = iter(sorted(set(numbers)))
    while chunk := list(islice(rest, MOST_AT_ONCE)):
        yield chunk
