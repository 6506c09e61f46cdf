"""Ways to compare two versions of a nested block: as one block, as a keyed set, pair by pair, or as a bag of values.

A `Comparer` takes the old and the new value of a field and returns the ObjectDiffs.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from sandbox.nomad.diffs.flat import (
    Change,
    Flat,
    by_fields,
    everything,
    fields,
    object_diff,
    primitives,
    sort_changes,
    words,
)

Comparer = Callable[[Any, Any, bool], list[Change]]
Pair = tuple[Any, Any]


@dataclass(frozen=True)
class Shape:
    """How a diff shows a kind of block: its name, its hidden fields, and its nested blocks in order."""

    name: str
    hidden: frozenset[str] = frozenset()
    nested: tuple[tuple[str, Comparer], ...] = ()
    pointers: frozenset[str] = frozenset()
    """Fields that the diff shows only if the block sets them, and only if the block exists before and after."""
    flatten: Callable[[Any], Flat] | None = None
    quiet: bool = False
    """Whether the diff hides unchanged fields even if it is contextual."""

    def flat(self, block: Any) -> Flat:
        """The block's own values."""
        return self.flatten(block) if self.flatten else primitives(block, self.hidden | self.pointers)

    def compare(self, old: Any, new: Any, contextual: bool) -> list[Change]:  # noqa: FBT001 - the shape of a Comparer
        """The block's change; empty if both are equal."""
        if old == new:
            return []
        kind = "Added" if old is None else "Deleted" if new is None else "Edited"
        before, after = (self.flat(each) if each is not None else {} for each in (old, new))
        for name in self.pointers:
            before |= _set(old, name)
            after |= _set(new, name)
        own = fields(before, after, contextual=contextual and not self.quiet)
        return [object_diff(self.name, kind, own, nested(self.nested, old, new, contextual=contextual))]


def _set(block: Any, name: str) -> Flat:
    value = (block or {}).get(name)
    return {} if value is None else {name: str(value)}


def nested(parts: Iterable[tuple[str, Comparer]], old: Any, new: Any, *, contextual: bool) -> list[Change]:
    """The changes of a block's nested blocks, in the order of `parts`."""
    found: list[Change] = []
    for name, comparer in parts:
        found += comparer((old or {}).get(name), (new or {}).get(name), contextual)
    return found


def values(name: str, *hidden: str) -> Comparer:
    """Compares blocks that have only fields; no change if all fields are equal."""

    def compare(old: Any, new: Any, contextual: bool) -> list[Change]:  # noqa: FBT001 - the shape of a Comparer
        change = by_fields(name, primitives(old, hidden), primitives(new, hidden), contextual=contextual)
        return [change] if change else []

    return compare


def value_set(name: str, *key: str) -> Comparer:
    """Compares lists of blocks that have only fields; matches them by the `key` fields, or without any by equality."""

    def compare(old: Any, new: Any, contextual: bool) -> list[Change]:  # noqa: FBT001 - the shape of a Comparer
        compare_one = values(name)
        found: list[Change] = []
        for before, after in match_by_key(old, new, lambda each: _identity(each, key)):
            found += compare_one(before, after, contextual)
        return sort_changes(found)

    return compare


def _identity(block: Any, key: tuple[str, ...]) -> Hashable:
    return tuple(block[name] for name in key) if key else repr(sorted(block.items(), key=str))


def strings(name: str, *, changed_only: bool = False) -> Comparer:
    """Compares lists of strings as sets."""

    def compare(old: Any, new: Any, contextual: bool) -> list[Change]:  # noqa: FBT001 - the shape of a Comparer
        change = words(name, old, new, contextual=contextual)
        return [change] if change and not (changed_only and change["Type"] == "None") else []

    return compare


def opaque(name: str) -> Comparer:
    """Compares maps with keys of the author's choice: driver configuration, scaling policies, headers."""

    def compare(old: Any, new: Any, contextual: bool) -> list[Change]:  # noqa: FBT001 - the shape of a Comparer
        if (old or None) == (new or None):
            return []
        kind = "Edited" if old and new else "Added" if new else "Deleted"
        return [object_diff(name, kind, fields(everything(old or {}), everything(new or {}), contextual=contextual))]

    return compare


def match_by_key(old: Any, new: Any, key: Callable[[Any], Hashable]) -> Iterator[Pair]:
    """Pairs of an old and a new block with the same key; a missing block is None."""
    before = {key(each): each for each in old or ()}
    after = {key(each): each for each in new or ()}
    yield from ((each, after.get(name)) for name, each in before.items())
    yield from ((None, each) for name, each in after.items() if name not in before)


def by_key(shape: Shape, key: Callable[[Any], Hashable]) -> Comparer:
    """Compares lists of blocks, matched by a key."""
    return _compare_pairs(shape, lambda old, new: match_by_key(old, new, key))


def by_position(shape: Shape) -> Comparer:
    """Compares lists of blocks, matched by position."""

    def pairs(old: Any, new: Any) -> Iterator[Pair]:
        before, after = list(old or ()), list(new or ())
        for index in range(max(len(before), len(after))):
            yield (
                before[index] if index < len(before) else None,
                after[index] if index < len(after) else None,
            )

    return _compare_pairs(shape, pairs)


def by_similarity(shape: Shape, match: Callable[[Any, int, list[Any], set[int]], int]) -> Comparer:
    """Compares lists of blocks, matched by similarity; a single block on each side counts as the same one."""

    def pairs(old: Any, new: Any) -> Iterator[Pair]:
        before, after = list(old or ()), list(new or ())
        if len(before) == len(after) == 1:
            yield before[0], after[0]
            return
        taken: set[int] = set()
        for index, each in enumerate(before):
            found = match(each, index, after, taken)
            taken |= {found} if found >= 0 else set()
            yield each, after[found] if found >= 0 else None
        yield from ((None, each) for index, each in enumerate(after) if index not in taken)

    return _compare_pairs(shape, pairs)


def _compare_pairs(shape: Shape, pairs: Callable[[Any, Any], Iterable[Pair]]) -> Comparer:
    def compare(old: Any, new: Any, contextual: bool) -> list[Change]:  # noqa: FBT001 - the shape of a Comparer
        found: list[Change] = []
        for before, after in pairs(old, new):
            found += shape.compare(before, after, contextual)
        return sort_changes(found)

    return compare
