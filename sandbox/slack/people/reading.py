"""Reads the fields of a control call; raises ControlError for a wrong type, before anything is done."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, Any

from sandbox.slack.refusals import ControlError

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

    from sandbox.slack.state import Json


def mapping(asked: Json, name: str) -> Json:
    """A JSON object; empty if it is missing."""
    value = asked.get(name)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise ControlError(f"{name} must be a JSON object, not {value!r}.", 400)
    return value


def number(asked: Json, name: str, default: float) -> float:
    """A number that is not negative."""
    value = asked.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int | float) or value < 0:
        raise ControlError(f"{name} must be a number of 0 or more, not {value!r}.", 400)
    return value


def signed_number(asked: Json, name: str, default: float) -> float:
    """Any number."""
    value = asked.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ControlError(f"{name} must be a number, not {value!r}.", 400)
    return value


def whole(asked: Json, name: str) -> int | None:
    """An integer; None if it is missing."""
    value: Any = asked.get(name)
    if value is not None and (isinstance(value, bool) or not isinstance(value, int)):
        raise ControlError(f"{name} must be a whole number, not {value!r}.", 400)
    return value


def strings(asked: Json, name: str, default: list[str]) -> list[str]:
    """A list of strings."""
    value = asked.get(name, default)
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise ControlError(f"{name} must be a list of ids, not {value!r}.", 400)
    return value


def change(record: DataclassInstance, values: Json) -> None:
    """Set fields of a record, all of them or none. Each keeps its type; a field that may be None is text."""
    defaults = {one.name: one.default for one in fields(record)}
    for name, value in values.items():
        if name not in defaults or name == "id":
            raise ControlError(f"There is no {name} to change. Known: {', '.join(sorted(defaults))}.", 400)
        kind = str if defaults[name] is None else type(getattr(record, name))
        if not isinstance(value, kind) and (value is not None or defaults[name] is not None):
            raise ControlError(f"{name} must be a {kind.__name__}, not {value!r}.", 400)
    for name, value in values.items():
        setattr(record, name, value)
