"""Pairs the elements of two lists of a job: by content, then by name or key, and only then by position."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Sequence
from itertools import pairwise
from typing import Any

Pair = tuple[Any, Any]

KEYS: dict[str, tuple[tuple[str, ...], ...]] = {
    "Affinities": (("LTarget", "Operand", "RTarget"), ("LTarget", "Operand")),
    "Artifacts": (("GetterSource", "RelativeDest"), ("GetterSource",), ("RelativeDest",)),
    # two unnamed tcp checks of a service have everything in common but their port or path
    "Checks": (
        ("Name", "Type", "PortLabel", "Path"), ("Name", "Type", "Path"), ("Name", "Type", "PortLabel"),
        ("Name", "Type"), ("Name",), ("Type", "PortLabel", "Path"),
    ),
    # a rule is what it says: another value is another rule
    "Constraints": (("LTarget", "Operand", "RTarget"),),
    "DynamicPorts": (("Label",),),
    "Listeners": (("Port",),),
    "Paths": (("ListenerPort", "Path"), ("Path",)),
    "ReservedPorts": (("Label",),),
    "ScalingPolicies": (("Type",),),
    "Services": (("Name", "PortLabel"), ("Name",)),
    "SpreadTarget": (("Value",),),
    "Spreads": (("Attribute",),),
    "Templates": (("DestPath",), ("EmbeddedTmpl", "SourcePath")),
    "Upstreams": (
        ("DestinationName", "DestinationNamespace", "DestinationPeer", "Datacenter"), ("DestinationName",),
        ("LocalBindPort",),
    ),
    "VolumeMounts": (("Destination", "Volume"), ("Destination",), ("Volume",)),
}  # fmt: skip
"""The fields that identify an element of a list, by the list's name, the strictest first."""

_NAMES = (("Name",), ("Label",))
"""Fields that identify the elements of a list which is not in ``KEYS``."""

_NEVER_BY_POSITION = frozenset(
    {"Affinities", "Checks", "Constraints", "DynamicPorts", "Identities", "ReservedPorts", "Secrets", "Services",
     "TaskGroups", "Tasks", "Templates", "VolumeMounts"}
)  # fmt: skip
"""Lists in which another name is another thing: one is removed and one is added."""


def pair(name: str, old: Sequence[Any], new: Sequence[Any]) -> tuple[list[Pair], bool]:
    """The elements in pairs (None: there is no such element), and whether those in both lists changed their order.

    Pairs come in the new order; elements that only the old list has come last.
    """
    found = {at: at for at, (one, two) in enumerate(zip(old, new, strict=False)) if one == two}
    left = {at: each for at, each in enumerate(old) if at not in found}
    for here, each in enumerate(new):
        if here not in found and (at := next((at for at, one in left.items() if one == each), None)) is not None:
            found[here] = at
            del left[at]
    for names in KEYS.get(name, _NAMES):
        _match(_fields(names), left, new, found)
    alone = [here for here, each in enumerate(new) if here not in found and _has_position(name, each)]
    for here, at in zip(alone, [at for at, each in left.items() if _has_position(name, each)], strict=False):
        found[here] = at
        del left[at]
    pairs = [(old[found[at]] if at in found else None, each) for at, each in enumerate(new)]
    pairs += [(old[at], None) for at in sorted(left)]
    places = [found[at] for at in sorted(found)]
    return pairs, any(one > two for one, two in pairwise(places))


def _match(key: Callable[[Any], Hashable], left: dict[int, Any], new: Sequence[Any], found: dict[int, int]) -> None:
    """Pair the elements that are still alone and have the same key, in order."""
    places: defaultdict[Hashable, list[int]] = defaultdict(list)
    for at, each in reversed(left.items()):
        places[key(each)].append(at)
    for at, each in enumerate(new):
        if at not in found and (what := key(each)) is not None and places.get(what):
            found[at] = places[what].pop()
            del left[found[at]]


def _has_position(name: str, part: Any) -> bool:
    """Whether an element is the one at the same place in the other list, if nothing else says which one it is."""
    return name not in _NEVER_BY_POSITION or (name == "Checks" and not part.get("Name"))


def _fields(names: tuple[str, ...]) -> Callable[[Any], Hashable]:
    def key(part: Any) -> Hashable:
        values = tuple(str(part.get(name) or "") for name in names) if isinstance(part, dict) else ()
        # nothing in common is no reason to pair two elements
        return values if any(values) else None

    return key
