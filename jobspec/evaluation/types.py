"""Parses the type constraints of variables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from jobspec.syntax import nodes
from jobspec.syntax.source import InvalidHclError
from jobspec.values import ANY, BOOL, NUMBER, STRING, Type

if TYPE_CHECKING:
    from jobspec.syntax.nodes import Node
    from jobspec.syntax.source import Source

_KEYWORDS: Final = {"string": STRING, "number": NUMBER, "bool": BOOL, "any": ANY}
_INVALID: Final = "Invalid type specification"


def type_of(node: Node, source: Source) -> Type:
    """The type that an expression describes, such as `string`, `list(number)` or `object({a = bool})`."""
    if isinstance(node, nodes.Scope) and not node.steps:
        if node.root in _KEYWORDS:
            return _KEYWORDS[node.root]
        if node.root in {"list", "set", "map"}:
            detail = f"The {node.root} type constructor requires one argument specifying the element type."
            raise _problem(node, source, detail)
    if isinstance(node, nodes.Call):
        return _construct(node, source)
    detail = "A type specification is either a primitive type keyword (bool, number, string) or a complex type "
    raise _problem(node, source, detail + "constructor call, like list(string).")


def _construct(node: nodes.Call, source: Source) -> Type:
    only = node.arguments[0] if len(node.arguments) == 1 else None
    if node.name in {"list", "set", "map"} and only:
        return Type(node.name, element=type_of(only, source))
    if node.name == "object" and isinstance(only, nodes.Object):
        pairs = [(_attribute(key, source), type_of(value, source)) for key, value in only.items]
        return Type("object", attributes=tuple(pairs))
    if node.name == "tuple" and isinstance(only, nodes.Tuple):
        return Type("tuple", elements=tuple(type_of(item, source) for item in only.items))
    raise _problem(node, source, f'Keyword "{node.name}" is not a valid type constructor with these arguments.')


def _attribute(key: Node, source: Source) -> str:
    if isinstance(key, nodes.Literal) and isinstance(key.value, str):
        return key.value
    raise _problem(key, source, "Object constructor map keys must be attribute names.")


def _problem(node: Node, source: Source, detail: str) -> InvalidHclError:
    return InvalidHclError(source.problem(node.start, node.end, _INVALID, detail))
