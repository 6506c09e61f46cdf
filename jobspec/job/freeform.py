"""Decodes blocks with keys of the author's choice, above all a driver's `config`, as Nomad does.

Nested blocks become lists of maps, and labels become keys. A literal object as an argument becomes a list with that one
map, but an object from a variable or a function stays a map.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jobspec.errors import NotSimulated
from jobspec.evaluation.evaluate import Scope, evaluate
from jobspec.syntax import nodes
from jobspec.syntax.source import InvalidHclError
from jobspec.values import to_json

if TYPE_CHECKING:
    from jobspec.syntax.nodes import Block, Body, Node


def argument(node: Node, scope: Scope) -> Any:
    """The value of an argument; a literal object becomes a list with that object."""
    value = evaluate(node, scope)
    return [value] if isinstance(node, nodes.Object) else value


def free_map(body: Body, scope: Scope) -> tuple[dict[str, Any], list[str]]:
    """The JSON map of a body without null arguments, and its errors: two for each bad argument."""
    found: dict[str, Any] = {}
    problems: list[str] = []
    for attribute in body.attributes.values():
        try:
            value = argument(attribute.value, scope)
        except InvalidHclError as error:
            place = attribute.value.head()
            detail = "Unsuitable value: value is not known"
            problems += [*error.problems, scope.source.problem(*place, "unsuitable value type", detail)]
            continue
        # Nomad deletes null arguments, but not null elements
        if value is not None:
            found[attribute.name] = to_json(value)
    for kind, blocks in _by_kind(body, scope).items():
        try:
            found[kind] = [to_json(_nested(block, scope)) for block in blocks]
        except InvalidHclError as error:
            problems += error.problems
    return found, problems


def _by_kind(body: Body, scope: Scope) -> dict[str, list[Block]]:
    kinds: dict[str, list[Block]] = {}
    for block in body.blocks:
        if block.kind == "dynamic":
            place = scope.source.span(block.start, block.header_end)
            raise NotSimulated(f"{place}: a dynamic block in a block whose keys are free")
        kinds.setdefault(block.kind, []).append(block)
    return kinds


def _nested(block: Block, scope: Scope) -> Any:
    value: Any = {each.name: argument(each.value, scope) for each in block.body.attributes.values()}
    value |= {kind: [_nested(each, scope) for each in blocks] for kind, blocks in _by_kind(block.body, scope).items()}
    for label in reversed(block.labels):
        value = {label: [value]}
    return value
