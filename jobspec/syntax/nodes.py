"""The syntax tree of HCL: bodies with arguments and blocks, and expressions. Positions are offsets in the source."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True)
class Node:
    """An expression, from `start` to `end`."""

    start: int
    end: int

    def head(self) -> tuple[int, int]:
        """The range at which HCL points for this expression."""
        return self.start, self.end


@dataclass(slots=True)
class Literal(Node):
    """null, a boolean, a number, or a text without templates."""

    value: Any


@dataclass(slots=True)
class Template(Node):
    """A text with template sequences; parts are texts, expressions, `TemplateIf` and `TemplateFor`."""

    parts: list[Any]


@dataclass(slots=True)
class Wrapped(Node):
    """A template that is one interpolation and nothing else: its value keeps its type."""

    inner: Node


@dataclass(slots=True)
class TemplateIf(Node):
    """`%{ if }` with its two branches."""

    condition: Node
    yes: list[Any]
    no: list[Any]


@dataclass(slots=True)
class TemplateFor(Node):
    """`%{ for }` with its body."""

    key: str | None
    value: str
    collection: Node
    body: list[Any]


@dataclass(slots=True)
class Tuple(Node):
    """`[a, b]`."""

    items: list[Node]

    def head(self) -> tuple[int, int]:
        """The range of the opening bracket."""
        return self.start, self.start + 1


@dataclass(slots=True)
class Object(Node):
    """`{ key = value }`; a bare word as a key is a literal."""

    items: list[tuple[Node, Node]]

    def head(self) -> tuple[int, int]:
        """The range of the opening bracket."""
        return self.start, self.start + 1


@dataclass(slots=True)
class Step:
    """`.name` or `["name"]` of a traversal."""

    key: str | int
    start: int
    end: int
    attribute: bool


@dataclass(slots=True)
class Scope(Node):
    """A name, with steps into its value."""

    root: str
    steps: list[Step] = field(default_factory=list)


@dataclass(slots=True)
class Relative(Node):
    """Steps into the value of an expression."""

    of: Node
    steps: list[Step]


@dataclass(slots=True)
class Index(Node):
    """`of[key]` with a key that is an expression."""

    of: Node
    key: Node


@dataclass(slots=True)
class Splat(Node):
    """`of[*].steps` or `of.*.steps`."""

    of: Node
    steps: list[Step]


@dataclass(slots=True)
class Call(Node):
    """`name(arguments)`; with `spread`, the last argument is a list of arguments."""

    name: str
    arguments: list[Node]
    spread: bool

    def head(self) -> tuple[int, int]:
        """The range of the name and the opening parenthesis."""
        return self.start, self.start + len(self.name) + 1


@dataclass(slots=True)
class Conditional(Node):
    """`condition ? yes : no`."""

    condition: Node
    yes: Node
    no: Node


@dataclass(slots=True)
class Binary(Node):
    """`left operator right`."""

    operator: str
    left: Node
    right: Node


@dataclass(slots=True)
class Unary(Node):
    """`-of` or `!of`."""

    operator: str
    of: Node


@dataclass(slots=True)
class Parentheses(Node):
    """`(of)`."""

    of: Node


@dataclass(slots=True)
class For(Node):
    """`[for k, v in c : value if condition]`, or `{for ... : key => value}` if there is a `result_key`."""

    key: str | None
    value: str
    collection: Node
    result_key: Node | None
    result: Node
    condition: Node | None
    grouped: bool


@dataclass(slots=True)
class Attribute:
    """`name = value` in a body."""

    name: str
    value: Node
    start: int

    @property
    def name_end(self) -> int:
        """The offset at which the name ends."""
        return self.start + len(self.name)


@dataclass(slots=True)
class Body:
    """The content between a block's braces, or of the whole file; `start` is the opening brace."""

    attributes: dict[str, Attribute]
    blocks: list[Block]
    start: int


@dataclass(slots=True)
class Block:
    """A block; `header_end` is the offset at which its type and labels end."""

    kind: str
    labels: list[str]
    label_starts: list[int]
    body: Body
    start: int
    header_end: int
