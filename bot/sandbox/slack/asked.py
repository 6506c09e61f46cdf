"""Reading what a control call asks for; a wrong type is refused in words, before anything is done."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bot.sandbox.slack.refusals import ControlError

if TYPE_CHECKING:
    from bot.sandbox.slack.state import Json


def mapping(asked: Json, name: str) -> Json:
    """A JSON object; an empty one where it is absent."""
    value = asked.get(name)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise ControlError(f"{name} is a JSON object, not {value!r}.", 400)
    return value


def number(asked: Json, name: str, default: float) -> float:
    """A number that is not negative."""
    value = asked.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int | float) or value < 0:
        raise ControlError(f"{name} is a number of 0 or more, not {value!r}.", 400)
    return value


def whole(asked: Json, name: str) -> int | None:
    """A whole number, None where it is absent."""
    value: Any = asked.get(name)
    if value is not None and (isinstance(value, bool) or not isinstance(value, int)):
        raise ControlError(f"{name} is a whole number, not {value!r}.", 400)
    return value
