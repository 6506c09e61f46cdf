"""Column types for a record's fields: enumerations, actors, dates and documents, stored as text on both engines."""

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

# SQLAlchemy prescribes both signatures; the types here need no dialect
# ruff: noqa: ARG002


class Word(TypeDecorator[StrEnum]):
    """A member of an enumeration, stored as its value; reading raises ``ValueError`` for any other value."""

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


# cached, because a digest reads the same few people thousands of times
_actor = lru_cache(maxsize=1024)(actor_from_key)


class Who(TypeDecorator[Actor]):
    """An actor, stored as its key (``slack:T0TEAM:U0USER``)."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Actor | None, dialect: Dialect) -> str | None:
        """The key."""
        return None if value is None else value.key

    def process_result_value(self, value: str | None, dialect: Dialect) -> Actor | None:
        """The actor."""
        return None if value is None else _actor(value)


class Day(TypeDecorator[date]):
    """A calendar date, stored as ISO 8601 text, which sorts in the order of dates."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: date | None, dialect: Dialect) -> str | None:
        """``2026-11-22``."""
        return None if value is None else value.isoformat()

    def process_result_value(self, value: str | None, dialect: Dialect) -> date | None:
        """The date."""
        return None if value is None else date.fromisoformat(value)


class Json(TypeDecorator[Any]):
    """JSON, stored as text in its order: the engines' own JSON types reorder keys or lose 64-bit numbers."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:
        """Its text."""
        return None if value is None else json.dumps(value, separators=(",", ":"))

    def process_result_value(self, value: str | None, dialect: Dialect) -> Any:
        """The parsed JSON."""
        return None if value is None else json.loads(value)


class Document(TypeDecorator[Any]):
    """A record, or a tuple of records, stored as the JSON document that ``bot.domain.documents`` makes."""

    impl = Text
    cache_ok = True

    def __init__(self, kind: Any) -> None:
        super().__init__()
        self.kind = kind

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:
        """The text of the record's document."""
        return None if value is None else json.dumps(document_of(value), separators=(",", ":"))

    def process_result_value(self, value: str | None, dialect: Dialect) -> Any:
        """The record."""
        return None if value is None else record_from(self.kind, json.loads(value))
