"""Functions on lists, sets and maps."""

from __future__ import annotations

import itertools
from typing import Any, Final

from jobspec.errors import NotSimulated
from jobspec.evaluation.functions.calling import FunctionError, Implementation, taking
from jobspec.values import (
    ANY,
    NUMBER,
    PRECISE,
    STRING,
    ListOf,
    MapOf,
    SetOf,
    Type,
    kind_of,
    same,
    set_of,
    text_of,
    tidy,
)

_LIST: Final = Type("list", ANY)
_STRINGS: Final = Type("list", STRING)


def _unify_elements(values: list[Any]) -> list[Any]:
    """Convert all elements to one type, as in HCL's lists."""
    kinds = {kind_of(value) for value in values} - {"null"}
    if len(kinds) <= 1:
        return values
    if kinds <= {"string", "number", "bool"} and "string" in kinds:
        return [None if value is None else text_of(value) for value in values]
    raise NotSimulated("a list of elements of different types, as an argument of a function")


@taking(ANY)
def _length(value: Any) -> int:
    if isinstance(value, str):
        raise FunctionError("collection must be a list, a map or a tuple")
    return len(value)


@taking(rest=ANY)
def _concat(*lists: Any) -> Any:
    if not lists or not all(isinstance(each, list) for each in lists):
        raise FunctionError("all arguments must be lists or tuples")
    joined = list(itertools.chain(*lists))
    return ListOf(_unify_elements(joined)) if all(isinstance(each, ListOf) for each in lists) else joined


@taking(ANY, ANY)
def _contains(values: Any, wanted: Any) -> bool:
    if not isinstance(values, list):
        raise FunctionError("argument must be list, tuple, or set")
    return any(same(value, wanted) for value in values)


@taking(_LIST)
def _distinct(values: list[Any]) -> ListOf:
    found: list[Any] = []
    for value in _unify_elements(values):
        if not any(same(value, each) for each in found):
            found.append(value)
    return ListOf(found)


@taking(ANY, NUMBER)
def _element(values: Any, index: int) -> Any:
    if not isinstance(values, list):
        raise FunctionError("cannot read elements from this value")
    if not values:
        raise FunctionError("cannot use element function with an empty list")
    # the index wraps around, as HCL documents
    return values[index % len(values)]


def _flatten_list(values: Any) -> list[Any]:
    flat: list[Any] = []
    for value in values:
        flat += _flatten_list(value) if isinstance(value, list) else [value]
    return flat


@taking(ANY)
def _flatten(values: Any) -> list[Any]:
    if not isinstance(values, list):
        raise FunctionError("can only flatten lists, sets and tuples")
    return _flatten_list(values)


@taking(ANY, ANY)
def _index(value: Any, key: Any) -> Any:
    """The element of a value at a key, as in `value[key]`."""
    if isinstance(value, dict) and text_of(key) in value:
        return value[text_of(key)]
    if isinstance(value, list) and isinstance(key, int) and 0 <= key < len(value):
        return value[key]
    raise FunctionError("the given key does not identify an element in this collection value")


@taking(ANY)
def _keys(value: Any) -> ListOf:
    if not isinstance(value, dict):
        raise FunctionError("must have map or object type")
    return ListOf(sorted(value))


@taking(ANY)
def _values(value: Any) -> list[Any]:
    if not isinstance(value, dict):
        raise FunctionError("must have map or object type")
    return [value[key] for key in sorted(value)]


@taking(ANY, STRING, ANY, optional=1)
def _lookup(value: Any, key: str, *default: Any) -> Any:
    if not isinstance(value, dict):
        raise FunctionError("lookup() requires a map as the first argument")
    if key in value:
        return value[key]
    if default:
        return default[0]
    raise FunctionError(f'lookup failed to find key "{key}"')


def _merge(*maps: Any) -> Any:
    given = [each for each in maps if each is not None]
    if not all(isinstance(each, dict) for each in given):
        raise FunctionError("arguments must be maps or objects")
    merged = {key: value for each in given for key, value in each.items()}
    return MapOf(merged) if given and all(isinstance(each, MapOf) for each in given) else merged


@taking(NUMBER, NUMBER, NUMBER, optional=2)
def _range(*bounds: Any) -> ListOf:
    start, end = (0, bounds[0]) if len(bounds) == 1 else bounds[:2]
    # the default step is one towards the end
    step = bounds[2] if len(bounds) > 2 else 1 if end >= start else -1
    if step == 0 or (step > 0) != (end >= start):
        raise FunctionError("step must not be zero, and must lead from the start towards the end")
    found = []
    while (start < end) if step > 0 else (start > end):
        found.append(start)
        start = tidy(PRECISE.add(start, step))
        if len(found) > 1024:
            raise FunctionError("more than 1024 values were generated")
    return ListOf(found)


@taking(ANY, NUMBER, NUMBER)
def _slice(values: Any, start: int, end: int) -> Any:
    if not isinstance(values, list) or isinstance(values, SetOf):
        raise FunctionError("cannot slice this value: it must be a list or a tuple")
    if not 0 <= start <= end <= len(values):
        raise FunctionError("the indexes must be within the list, the start not after the end")
    return type(values)(values[start:end])


@taking(_STRINGS)
def _sort(values: list[str]) -> ListOf:
    return ListOf(sorted(values))


@taking(_STRINGS)
def _compact(values: list[str]) -> ListOf:
    return ListOf(value for value in values if value)


@taking(_STRINGS, ANY)
def _zipmap(keys: list[str], values: Any) -> dict[str, Any]:
    if not isinstance(values, list) or len(keys) != len(values):
        raise FunctionError("the number of keys must be the number of values")
    return dict(zip(keys, values, strict=True))


@taking(_LIST, NUMBER)
def _chunklist(values: list[Any], size: int) -> ListOf:
    if size < 0:
        raise FunctionError("the size argument must be positive")
    step = size or max(len(values), 1)
    return ListOf(ListOf(values[place : place + step]) for place in range(0, len(values), step))


def _coalesce(*values: Any) -> Any:
    given = _unify_elements([value for value in values if value is not None])
    if not given:
        raise FunctionError("no non-null arguments")
    return given[0]


def _coalescelist(*values: Any) -> Any:
    found = next((value for value in values if value), None)
    if found is None:
        raise FunctionError("no non-null arguments")
    return found


def _sets(*values: Any) -> list[list[Any]]:
    if not values or not all(isinstance(value, list) for value in values):
        raise FunctionError("all arguments must be sets or lists")
    return list(values)


def _of_one_kind(*values: Any) -> list[list[Any]]:
    sets = _sets(*values)
    if len({kind_of(each) for value in sets for each in value}) > 1:
        raise NotSimulated("sets of elements of different types")
    return sets


def _setunion(*values: Any) -> SetOf:
    return set_of([each for value in _of_one_kind(*values) for each in value])


def _setintersection(*values: Any) -> SetOf:
    first, *others = _of_one_kind(*values)
    return set_of([each for each in first if all(any(same(each, one) for one in other) for other in others)])


def _setproduct(*values: Any) -> list[Any]:
    return [list(each) for each in itertools.product(*_sets(*values))]


FUNCTIONS: Final[dict[str, Implementation]] = {
    "length": _length,
    "concat": _concat,
    "contains": _contains,
    "distinct": _distinct,
    "element": _element,
    "flatten": _flatten,
    "index": _index,
    "keys": _keys,
    "values": _values,
    "lookup": _lookup,
    "merge": _merge,
    "range": _range,
    "slice": _slice,
    "sort": _sort,
    "compact": _compact,
    "zipmap": _zipmap,
    "chunklist": _chunklist,
    "coalesce": _coalesce,
    "coalescelist": _coalescelist,
    "setunion": _setunion,
    "setintersection": _setintersection,
    "setproduct": _setproduct,
}
