"""Converts records to JSON documents and back, by their type annotations; the database stores them in this form."""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from enum import Enum
from functools import cache
from typing import Any, TypeVar

Record = TypeVar("Record")


def document_of(value: Any) -> Any:
    """The JSON document of a record: times in RFC 3339 (UTC), durations in seconds, floats as text, sets sorted."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: document_of(getattr(value, field.name)) for field in dataclasses.fields(value)}
    match value:
        case Enum():
            return value.value
        case datetime():
            return value.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
        case timedelta():
            return int(value.total_seconds())
        case float():
            return {"$float": repr(value)}
        case Mapping():
            return {str(key): document_of(each) for key, each in value.items()}
        case frozenset() | set():
            return sorted(document_of(each) for each in value)
        case list() | tuple():
            return [document_of(each) for each in value]
        case _:
            return value


def record_from(kind: type[Record], document: Any) -> Record:
    """The record of ``kind`` with this document; ``KeyError``, ``TypeError`` or ``ValueError`` if it does not fit.

    A field that the document lacks gets its default, so that old documents stay readable when a record gains a field.
    """
    read: Record = _read(kind, document)
    return read


def _read(kind: Any, document: Any) -> Any:
    origin = typing.get_origin(kind)
    if origin in {typing.Union, types.UnionType}:
        return _read_union(typing.get_args(kind), document)
    if dataclasses.is_dataclass(kind):
        return _read_record(kind, document)
    if origin is not None:
        return _read_collection(origin, typing.get_args(kind), document)
    if kind is datetime:
        return datetime.fromisoformat(document)
    if kind is timedelta:
        return timedelta(seconds=document)
    if isinstance(kind, type) and issubclass(kind, Enum):
        return kind(document)
    return _plain(document)


def _read_union(kinds: tuple[Any, ...], document: Any) -> Any:
    """Reads ``X | None`` as X; any other union is plain JSON."""
    others = [kind for kind in kinds if kind is not type(None)]
    if document is None and len(others) < len(kinds):
        return None
    return _read(others[0], document) if len(others) == 1 else _plain(document)


def _read_record(kind: Any, document: Any) -> Any:
    hints = _hints(kind)
    present = (field.name for field in dataclasses.fields(kind) if field.name in document)
    return kind(**{name: _read(hints[name], document[name]) for name in present})


def _read_collection(origin: Any, kinds: tuple[Any, ...], document: Any) -> Any:
    if issubclass(origin, Mapping):
        return {key: _read(kinds[1], each) for key, each in document.items()}
    return origin(_read(kinds[0], each) for each in document)


@cache
def _hints(kind: type) -> dict[str, Any]:
    return typing.get_type_hints(kind)


def _plain(document: Any) -> Any:
    match document:
        case {"$float": str(text)} if len(document) == 1:
            return float(text)
        case dict():
            return {key: _plain(each) for key, each in document.items()}
        case list():
            return [_plain(each) for each in document]
        case _:
            return document
