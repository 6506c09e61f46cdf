"""HCL's values and types, and conversions between them.

A value is None, a bool, a str, a number (int, or Decimal with a fraction), a list (of any elements: HCL's tuple) or a
dict (HCL's object). `ListOf`, `SetOf` and `MapOf` are lists and dicts with a declared element type.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Context, Decimal, InvalidOperation
from typing import Any, Final

Number = int | Decimal
PRECISE: Final = Context(prec=150)
"""HCL computes with 512 bits; this is almost the same precision."""


class ListOf(list[Any]):
    """HCL's list: elements of one type."""


class SetOf(list[Any]):
    """HCL's set: distinct elements of one type, sorted."""


class MapOf(dict[str, Any]):
    """HCL's map: values of one type."""


class ConversionError(Exception):
    """A value does not fit a type; the message is HCL's."""


@dataclass(frozen=True)
class Type:
    """A type constraint: `kind` is string, number, bool, any, list, set, map, object or tuple."""

    kind: str
    element: Type | None = None
    attributes: tuple[tuple[str, Type], ...] = ()
    elements: tuple[Type, ...] = ()

    @property
    def name(self) -> str:
        """The type as HCL names it in messages."""
        return f"{self.kind} of {self.element.name}" if self.element and self.element.kind != "any" else self.kind


STRING: Final = Type("string")
NUMBER: Final = Type("number")
BOOL: Final = Type("bool")
ANY: Final = Type("any")


def kind_of(value: Any) -> str:
    """The kind of a value: null, bool, number, string, list (or tuple) or map (or object)."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, int | Decimal):
        return "number"
    if isinstance(value, str):
        return "string"
    return "list" if isinstance(value, list) else "map"


def friendly(value: Any) -> str:
    """The type of a value as HCL names it in messages."""
    kind = kind_of(value)
    if kind == "list":
        return "set" if isinstance(value, SetOf) else "list" if isinstance(value, ListOf) else "tuple"
    if kind == "map":
        return "map" if isinstance(value, MapOf) else "object"
    return "dynamic" if kind == "null" else kind


def same(one: Any, other: Any) -> bool:
    """HCL's `==`: values of different types differ."""
    if kind_of(one) != kind_of(other):
        return False
    if isinstance(one, list):
        return len(one) == len(other) and all(same(*pair) for pair in zip(one, other, strict=True))
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(value, other[key]) for key, value in one.items())
    # compare the kinds first, because True == 1 in Python
    return bool(one == other)


def tidy(number: Number) -> Number:
    """The number as an int if it is whole, otherwise unchanged."""
    if isinstance(number, Decimal) and number == number.to_integral_value():
        return int(number)
    return number


def number_text(number: Number) -> str:
    """A number as HCL writes it in a text: without exponent or trailing zeros."""
    whole = tidy(number)
    # Python may write an exponent, Go never does
    return str(whole) if isinstance(whole, int) else f"{whole.normalize(PRECISE):f}"


def convert(value: Any, to: Type) -> Any:
    """Convert the value to that type; raises `ConversionError`."""
    if value is None or to.kind == "any":
        return value
    if to.kind in {"string", "number", "bool"}:
        return _primitive(value, to)
    if to.kind in {"list", "set"} and to.element and isinstance(value, list):
        return _collection(value, to, to.element)
    if to.kind == "map" and to.element and isinstance(value, dict):
        element = to.element
        return MapOf({key: _element(f'element "{key}"', each, element) for key, each in value.items()})
    if to.kind == "object" and isinstance(value, dict):
        return _object(value, to)
    if to.kind == "tuple" and isinstance(value, list) and len(value) == len(to.elements):
        pairs = zip(value, to.elements, strict=True)
        return [_element(f"element {index}", each, kind) for index, (each, kind) in enumerate(pairs)]
    raise ConversionError(f"{to.name} required")


def _element(where: str, value: Any, to: Type) -> Any:
    try:
        return convert(value, to)
    except ConversionError as error:
        raise ConversionError(f"{where}: {error}") from error


def _collection(value: list[Any], to: Type, element: Type) -> Any:
    converted = [_element(f"element {index}", each, element) for index, each in enumerate(value)]
    return ListOf(converted) if to.kind == "list" else set_of(converted)


def _object(value: dict[str, Any], to: Type) -> dict[str, Any]:
    missing = sorted(name for name, _type in to.attributes if name not in value)
    if missing:
        names = " and ".join(f'"{name}"' for name in missing)
        raise ConversionError(
            f"attribute{'s' if len(missing) > 1 else ''} {names} {'are' if len(missing) > 1 else 'is'} required"
        )
    return {name: _element(f'attribute "{name}"', value[name], kind) for name, kind in to.attributes}


def _primitive(value: Any, to: Type) -> Any:
    kind = kind_of(value)
    if kind == to.kind:
        return value
    if to.kind == "string" and kind in {"number", "bool"}:
        return text_of(value)
    if to.kind == "number" and kind == "string":
        return _parse_number(value)
    if to.kind == "bool" and kind == "string":
        # HCL accepts only these four texts
        if value in {"true", "1", "false", "0"}:
            return value in {"true", "1"}
        hint = f'; to convert from string, use lowercase "{value.lower()}"'
        raise ConversionError("a bool is required" + (hint if value.lower() in {"true", "false"} else ""))
    raise ConversionError(f"{to.kind} required")


def _parse_number(text: str) -> Number:
    try:
        # Python allows spaces and underscores in numbers, HCL does not
        number = Decimal(text) if text.strip() == text and "_" not in text else Decimal("nan")
    except InvalidOperation:
        number = Decimal("nan")
    if not number.is_finite():
        raise ConversionError("a number is required")
    return tidy(number)


def text_of(value: Any) -> str:
    """The text of a string, number or boolean."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else number_text(value)


def set_of(values: list[Any]) -> SetOf:
    """The set of these values, in HCL's order."""
    unique: list[Any] = []
    for value in values:
        if not any(same(value, each) for each in unique):
            unique.append(value)
    return SetOf(sorted(unique, key=_order))


def _order(value: Any) -> Any:
    if isinstance(value, str | bool):
        return value
    return value if isinstance(value, int | Decimal) else repr(value)


def unify(one: Any, other: Any) -> tuple[Any, Any] | None:
    """Both values converted to one type, as for the branches of a conditional; None if HCL may have no such type."""
    kinds = {kind_of(one), kind_of(other)}
    if "null" in kinds or (len(kinds) == 1 and kinds <= {"string", "number", "bool"}):
        return one, other
    if kinds <= {"string", "number", "bool"}:
        # a number and a boolean have no common type but text
        return (text_of(one), text_of(other)) if "string" in kinds else None
    if len(kinds) > 1:
        return None
    parts = [*_parts(one), *_parts(other)]
    # elements of one kind need no conversion: the JSON of lists and tuples is the same
    alike = {kind_of(part) for part in parts} - {"null"}
    if (len(alike) <= 1 and alike <= {"string", "number", "bool"}) or _shape(one) == _shape(other):
        return one, other
    return None


def _parts(value: Any) -> list[Any]:
    return list(value.values()) if isinstance(value, dict) else list(value)


def _shape(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _shape(each) for key, each in value.items()}
    return [_shape(each) for each in value] if isinstance(value, list) else kind_of(value)


def to_json(value: Any) -> Any:
    """The value in Nomad's JSON: a number with a fraction becomes a float."""
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, list):
        return [to_json(each) for each in value]
    if isinstance(value, dict):
        return {key: to_json(each) for key, each in value.items()}
    return value
