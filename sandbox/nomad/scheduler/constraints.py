"""Filters nodes by a job's constraints; ignores operands that depend on other allocations (`distinct_*`)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox.nomad.records import Json

_REFERENCE = re.compile(r"^\$\{(?P<name>[^}]+)\}$")


def constraints_of(job: Json, group: Json) -> list[Json]:
    """All constraints of a group: the job's, its own and its tasks'."""
    tasks = [one for task in group["Tasks"] or [] for one in task["Constraints"] or []]
    return [*(job["Constraints"] or []), *(group["Constraints"] or []), *tasks]


def value_on(node: Json, target: str) -> str | None:
    """The value of a constraint's target on a node; None if the node has none."""
    found = _REFERENCE.match(target)
    if not found:
        return target
    name = found["name"]
    if name == "node.datacenter":
        return str(node["Datacenter"])
    kind, _, key = name.partition(".")
    table = {"attr": "Attributes", "meta": "Meta", "node": "Facts"}.get(kind)
    value = node[table].get(key) if table else None
    return None if value is None else str(value)


def label(constraint: Json) -> str:
    """Nomad's text for a constraint that filtered a node."""
    return f"{constraint['LTarget']} {constraint['Operand']} {constraint['RTarget']}"


def comparison(test: Callable[[str, str], bool]) -> Callable[[str | None, str | None], bool]:
    """Extend a test of two values: it fails if a value is missing."""
    return lambda left, right: left is not None and right is not None and test(left, right)


def version_parts(text: str) -> tuple[int, ...]:
    """The numbers of a version, without the part after a hyphen."""
    return tuple(int(part) for part in re.findall(r"\d+", text.partition("-")[0]))


def version_fits(value: str, wanted: str) -> bool:
    """Whether a version meets all bounds in a comma-separated list."""
    return all(version_meets(value, bound.strip()) for bound in wanted.split(",") if bound.strip())


def version_meets(value: str, bound: str) -> bool:
    """Whether a version meets one bound, such as `>= 1.2` or `~> 1.2`."""
    found = re.match(r"^(>=|<=|!=|~>|>|<|=)?\s*(.+)$", bound)
    if not found:
        return False
    have, want = version_parts(value), version_parts(found[2])
    width = max(len(have), len(want))
    padded = [part + (0,) * (width - len(part)) for part in (have, want)]
    left, right = padded
    same_stem = have[: max(len(want) - 1, 1)] == want[: max(len(want) - 1, 1)]
    results = {">=": left >= right, "<=": left <= right, "!=": left != right, ">": left > right, "<": left < right}
    return results.get(found[1] or "=", left == right) if found[1] != "~>" else left >= right and same_stem


def set_of(text: str) -> set[str]:
    """The members of a comma-separated list."""
    return {part.strip() for part in text.split(",")}


OPERANDS: dict[str, Callable[[str | None, str | None], bool]] = {
    "=": lambda left, right: left is not None and left == right,
    "!=": lambda left, right: left != right,
    "<": comparison(lambda left, right: left < right),
    "<=": comparison(lambda left, right: left <= right),
    ">": comparison(lambda left, right: left > right),
    ">=": comparison(lambda left, right: left >= right),
    "regexp": comparison(lambda left, right: re.search(right, left) is not None),
    "version": comparison(version_fits),
    "semver": comparison(version_fits),
    "set_contains": comparison(lambda left, right: set_of(right) <= set_of(left)),
    "set_contains_all": comparison(lambda left, right: set_of(right) <= set_of(left)),
    "set_contains_any": comparison(lambda left, right: bool(set_of(right) & set_of(left))),
    "is_set": lambda left, _: left is not None,
    "is_not_set": lambda left, _: left is None,
}
OPERANDS |= {"==": OPERANDS["="], "is": OPERANDS["="], "not": OPERANDS["!="]}


def refusing(node: Json, constraints: list[Json]) -> Json | None:
    """The first constraint that a node does not meet; None if it meets all. Ignores `distinct_*`."""
    for constraint in constraints:
        test = OPERANDS.get(constraint["Operand"])
        # operands that compare allocations have no test here, so they allow every node
        if test and not test(value_on(node, constraint["LTarget"]), value_on(node, constraint["RTarget"])):
            return constraint
    return None
