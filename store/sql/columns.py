"""Column types that give back what a record holds: enumerations, actors and documents, kept as text on both engines."""

from __future__ import annotations

import json
from datetime import date
from enum import StrEnum
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from sqlalchemy import Text
from sqlalchemy.types import TypeDecorator

from bot.domain.actor import Actor, actor_from_key
from bot.domain.documents import document_of, record_from

if TYPE_CHECKING:
    from sqlalchemy import Dialect

# these two signatures are SQLAlchemy's: a type here needs no dialect
# ruff: noqa: ARG002


class Word(TypeDecorator[StrEnum]):
    """A member of an enumeration by its value; ``ValueError`` where the database holds none of them."""

    impl = Text
    cache_ok = True

    def __init__(self, kind: type[StrEnum]) -> None:
        super().__init__()
        self.kind = kind

    def process_bind_param(self, value: StrEnum | None, dialect: Dialect) -> str | None:
        """Its value."""
        return None if value is None else self.kind(value).value

    def process_result_value(self, value: str | None, dialect: Dialect) -> StrEnum | None:
        """The member."""
        return None if value is None else self.kind(value)


# the same few people, thousands of times in a day
_actor = lru_cache(maxsize=1024)(actor_from_key)


class Who(TypeDecorator[Actor]):
    """An actor by its key (``slack:T0TEAM:U0USER``)."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Actor | None, dialect: Dialect) -> str | None:
        """The key."""
        return None if value is None else value.key

    def process_result_value(self, value: str | None, dialect: Dialect) -> Actor | None:
        """The actor."""
        return None if value is None else _actor(value)


class Day(TypeDecorator[date]):
    """A calendar date as ISO 8601 text, which sorts as dates do."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: date | None, dialect: Dialect) -> str | None:
        """``2026-11-22``."""
        return None if value is None else value.isoformat()

    def process_result_value(self, value: str | None, dialect: Dialect) -> date | None:
        """The date."""
        return None if value is None else date.fromisoformat(value)


class Json(TypeDecorator[Any]):
    """Plain JSON as text, in the order it came: the engines' own JSON types reorder keys or lose 64-bit numbers."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:
        """Its text."""
        return None if value is None else json.dumps(value, separators=(",", ":"))

    def process_result_value(self, value: str | None, dialect: Dialect) -> Any:
        """What the text says."""
        return None if value is None else json.loads(value)


class Document(TypeDecorator[Any]):
    """A record, or a tuple of records, as the JSON document that ``bot.domain.documents`` makes of it."""

    impl = Text
    cache_ok = True

    def __init__(self, kind: Any) -> None:
        super().__init__()
        self.kind = kind

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:
        """Its document's text."""
        return None if value is None else json.dumps(document_of(value), separators=(",", ":"))

    def process_result_value(self, value: str | None, dialect: Dialect) -> Any:
        """The record."""
        return None if value is None else record_from(self.kind, json.loads(value))
