"""A block as a flat list of named values, and the changes between two of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

Flat = dict[str, str]
Change = dict[str, Any]
"""Nomad's FieldDiff or ObjectDiff, as its JSON."""

_MAPS: Final = frozenset(
    ["Meta", "Env", "CanaryMeta", "TaggedAddresses", "GetterOptions", "GetterHeaders", "Target", "Add", "Set", "Args"]
)
_RANK: Final = {"Edited": 0, "Added": 1, "Deleted": 2, "None": 3}


def text(value: Any) -> str:
    """A single value as Nomad prints it."""
    if value is None:
        return "nil"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return f"{value:.17g}" if value.is_integer() else repr(value)
    return str(value)


def primitives(block: Mapping[str, Any] | None, hidden: Iterable[str] = ()) -> Flat:
    """The block's own values and its maps of strings (`Meta[k]`), without nested blocks, lists or unset values."""
    flat: Flat = {}
    for name, value in (block or {}).items():
        if name in hidden or value is None or isinstance(value, list):
            continue
        if isinstance(value, dict):
            flat |= {f"{name}[{key}]": text(each) for key, each in value.items()} if name in _MAPS else {}
        else:
            flat[name] = text(value)
    # filter again, for single keys of maps: `Target[Job]`
    return {name: value for name, value in flat.items() if name not in hidden}


def everything(value: Any, prefix: str = "") -> Flat:
    """All values in a nested value, with their paths as names: `args[0]`, `labels[0][a]`."""
    if isinstance(value, dict):
        parts = [(f"{prefix}[{key}]" if prefix else key, each) for key, each in value.items()]
    elif isinstance(value, list):
        parts = [(f"{prefix}[{index}]", each) for index, each in enumerate(value)]
    else:
        return {prefix: text(value)}
    flat: Flat = {}
    for name, each in parts:
        flat |= everything(each, name)
    return flat


def field(name: str, old: str, new: str) -> Change:
    """One changed (or unchanged) field; an empty text counts as absent."""
    kind = "None" if old == new else "Added" if not old else "Deleted" if not new else "Edited"
    return {"Type": kind, "Name": name, "Old": old, "New": new, "Annotations": None}


def fields(old: Flat, new: Flat, *, contextual: bool) -> list[Change]:
    """The fields that differ, sorted by name; with `contextual`, all fields."""
    found = [field(name, old.get(name, ""), new.get(name, "")) for name in old.keys() | new.keys()]
    return sorted((each for each in found if contextual or each["Type"] != "None"), key=_field_key)


def words(name: str, old: list[Any] | None, new: list[Any] | None, *, contextual: bool) -> Change | None:
    """The change between two lists of strings, compared as sets."""
    before, after = {str(each) for each in old or ()}, {str(each) for each in new or ()}
    found = [field(name, each, "") for each in before - after] + [field(name, "", each) for each in after - before]
    if contextual:
        found += [field(name, each, each) for each in before & after]
    if not found:
        return None
    kind = {(True, True): "Edited", (True, False): "Deleted", (False, True): "Added", (False, False): "None"}
    changed = kind[bool(before - after), bool(after - before)]
    return object_diff(name, changed, sorted(found, key=_field_key))


def object_diff(name: str, kind: str, own: list[Change], nested: list[Change] | None = None) -> Change:
    """An ObjectDiff; empty lists become null."""
    return {"Type": kind, "Name": name, "Fields": own or None, "Objects": nested or None}


def by_fields(name: str, old: Flat, new: Flat, *, contextual: bool) -> Change | None:
    """The change of a block that has only fields; its type follows from the types of their changes."""
    own = fields(old, new, contextual=contextual)
    kinds = {each["Type"] for each in own} - {"None"}
    if not kinds:
        return None
    return object_diff(name, kinds.pop() if len(kinds) == 1 else "Edited", own)


def sort_changes(changes: list[Change]) -> list[Change]:
    """The objects in Nomad's order: by name, kind and size, and then field by field."""
    placed: list[Change] = []
    for change in changes:
        place = len(placed)
        # Nomad's comparison is not a strict order, so only the same sort algorithm gives the same result
        while place and _less(change, placed[place - 1]):
            place -= 1
        placed.insert(place, change)
    return placed


def _field_key(change: Change) -> tuple[str, str, str]:
    return change["Name"], change["Old"], change["New"]


def _less(one: Change, other: Change) -> bool:
    if one == other:
        return False
    mine, theirs = _rank(one), _rank(other)
    if mine != theirs:
        return mine < theirs
    pairs = zip(one["Fields"] or (), other["Fields"] or (), strict=True)
    if any(_field_key(mine) < _field_key(theirs) for mine, theirs in pairs):
        return True
    return any(_less(*pair) for pair in zip(one["Objects"] or (), other["Objects"] or (), strict=True))


def _rank(change: Change) -> tuple[str, int, int, int]:
    return change["Name"], _RANK[change["Type"]], len(change["Fields"] or ()), len(change["Objects"] or ())
