"""Finds the names that an expression refers to."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, Any

from jobspec.syntax import nodes

if TYPE_CHECKING:
    from collections.abc import Iterator


def references(node: Any, bound: frozenset[str] = frozenset()) -> Iterator[nodes.Scope]:
    """The names that an expression refers to, except those that it binds itself."""
    if isinstance(node, nodes.Scope):
        if node.root not in bound:
            yield node
    elif isinstance(node, nodes.For | nodes.TemplateFor):
        yield from references(node.collection, bound)
        inner = bound | {node.value, *([node.key] if node.key else [])}
        for field in fields(node):
            if field.name != "collection":
                yield from references(getattr(node, field.name), inner)
    elif isinstance(node, nodes.Node):
        for field in fields(node):
            yield from references(getattr(node, field.name), bound)
    elif isinstance(node, list | tuple):
        for each in node:
            yield from references(each, bound)
