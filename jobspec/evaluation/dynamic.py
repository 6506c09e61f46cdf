"""Expands `dynamic` blocks, which make a block for each element of a collection."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jobspec.evaluation.evaluate import Scope, evaluate
from jobspec.syntax import nodes
from jobspec.syntax.source import InvalidHclError
from jobspec.values import SetOf, text_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jobspec.syntax.nodes import Block, Body

_ARGUMENTS = {"for_each", "iterator", "labels"}


def expand_blocks(body: Body, scope: Scope) -> Iterator[tuple[Block, Scope]]:
    """The blocks of a body with `dynamic` blocks expanded, each with the scope for its expressions."""
    for block in body.blocks:
        if block.kind == "dynamic":
            yield from _expand_dynamic(block, scope)
        else:
            yield block, scope


def _expand_dynamic(block: Block, scope: Scope) -> Iterator[tuple[Block, Scope]]:
    def wrong(start: int, end: int, summary: str, detail: str) -> InvalidHclError:
        return InvalidHclError(scope.source.problem(start, end, summary, detail))

    if len(block.labels) != 1:
        raise wrong(block.start, block.header_end, "Missing name for dynamic", "A dynamic block needs one label.")
    attributes, kind = block.body.attributes, block.labels[0]
    contents = [each for each in block.body.blocks if each.kind == "content"]
    unknown = next((each for each in attributes.values() if each.name not in _ARGUMENTS), None)
    if unknown:
        detail = f'An argument named "{unknown.name}" is not expected here.'
        raise wrong(unknown.start, unknown.name_end, "Unsupported argument", detail)
    if "for_each" not in attributes:
        detail = 'The argument "for_each" is required, but no definition was found.'
        raise wrong(block.body.start, block.body.start + 1, "Missing required argument", detail)
    if len(contents) != 1 or len(block.body.blocks) != 1:
        detail = "A dynamic block needs one content block, and no other."
        raise wrong(block.start, block.header_end, "Invalid dynamic content", detail)
    name = _iterator(block, scope, kind)
    # the content is decoded once for each element, in its own scope
    for key, value in _pairs(attributes["for_each"].value, scope):
        inner = scope.with_names({name: {"key": key, "value": value}})
        labels = _labels(block, inner)
        content = contents[0]
        yield nodes.Block(kind, labels, [block.start] * len(labels), content.body, block.start, block.header_end), inner


def _iterator(block: Block, scope: Scope, kind: str) -> str:
    given = block.body.attributes.get("iterator")
    if given is None:
        return kind
    if isinstance(given.value, nodes.Scope) and not given.value.steps:
        return given.value.root
    detail = "Dynamic block iterator must be a single variable name."
    place = given.value.start, given.value.end
    raise InvalidHclError(scope.source.problem(*place, "Invalid expression", detail))


def _pairs(node: nodes.Node, scope: Scope) -> list[tuple[Any, Any]]:
    value = evaluate(node, scope)
    if isinstance(value, dict):
        return sorted(value.items())
    if isinstance(value, list):
        return [(each, each) for each in value] if isinstance(value, SetOf) else list(enumerate(value))
    detail = (
        "Cannot use a null value in for_each." if value is None else "Cannot use this value in for_each. An iterable "
    )
    detail += "" if value is None else "collection is required."
    raise InvalidHclError(scope.source.problem(node.start, node.end, "Invalid dynamic for_each value", detail))


def _labels(block: Block, scope: Scope) -> list[str]:
    given = block.body.attributes.get("labels")
    if given is None:
        return []
    value = evaluate(given.value, scope)
    if isinstance(value, list) and all(isinstance(each, str | int) for each in value):
        return [text_of(each) for each in value]
    detail = "Cannot use this value as dynamic block labels: a list of strings is required."
    place = given.value.start, given.value.end
    raise InvalidHclError(scope.source.problem(*place, "Invalid dynamic block label", detail))
