"""Parses bodies: the arguments and blocks of a file or a block."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from jobspec.syntax.expressions import ExpressionReader
from jobspec.syntax.grammar import named, syntax_tree, word
from jobspec.syntax.masking import mask
from jobspec.syntax.nodes import Attribute, Block, Body, Literal
from jobspec.syntax.source import InvalidHclError

if TYPE_CHECKING:
    from lark import Token, Tree

    from jobspec.syntax.source import Source

_ONE_LINE: Final = (
    "Invalid single-argument block definition",
    (
        "An argument definition on the same line as its containing block creates a single-line block definition, "
        "which must also be closed on the same line. Place the block's closing brace immediately after the argument "
        "definition."
    ),
)
_ONE_ARGUMENT: Final = (
    "Invalid single-argument block definition",
    (
        "A single-line block definition can contain only a single argument. To define more than one argument or a "
        "nested block, place each on a line of its own within its parent block."
    ),
)


def read(source: Source) -> Body:
    """The syntax tree of a file; raises `InvalidHclError`."""
    plain = mask(source)
    tree = syntax_tree(plain, source)
    body = next(child for child in tree.children if named(child, "body"))
    return _BodyReader(source, plain).body(body, None, len(plain))


class _BodyReader:
    def __init__(self, source: Source, plain: str) -> None:
        self.source = source
        self.masked = plain
        self.expressions = ExpressionReader(source)

    def body(self, tree: Any, opened: int | None, closed: int) -> Body:
        """The arguments and blocks of a body between two braces, or of the whole file."""
        found = Body({}, [], opened or 0)
        self._lines([child for child in tree.children if named(child, "attribute", "block")], opened, closed)
        for child in tree.children:
            if named(child, "attribute"):
                self._add(found, self._attribute(child))
            elif named(child, "block"):
                found.blocks.append(self._block(child))
        return found

    def _add(self, body: Body, attribute: Attribute) -> None:
        if (earlier := body.attributes.get(attribute.name)) is not None:
            detail = f'The argument "{attribute.name}" was already set at '
            detail += f"{self.source.span(earlier.start, earlier.name_end)}. Each argument may be set only once."
            place = attribute.start, attribute.name_end
            raise InvalidHclError(self.source.problem(*place, "Attribute redefined", detail))
        body.attributes[attribute.name] = attribute

    def _lines(self, things: list[Any], opened: int | None, closed: int) -> None:
        """Check that each thing is on a line of its own, or one argument on its block's line."""
        ends = [self._end_of(thing) for thing in things]
        if opened is not None and things and not self._breaks(opened + 1, things[0].meta.start_pos):
            argument = named(things[0], "attribute")
            following = things[1].meta.start_pos if len(things) > 1 else closed
            # python-hcl2 accepts all of these
            if argument and self._breaks(ends[0], following):
                raise InvalidHclError(self.source.problem(ends[0], ends[0] + 1, *_ONE_LINE))
            if len(things) > 1 or not argument:
                place = things[-1].meta.start_pos
                raise InvalidHclError(self.source.problem(place, place + 1, *_ONE_ARGUMENT))
        for end, following in zip(ends, things[1:], strict=False):
            if not self._breaks(end, following.meta.start_pos):
                detail = "An argument or block definition must end with a newline."
                raise InvalidHclError(self.source.problem(end, end + 1, "Missing newline after argument", detail))

    def _breaks(self, start: int, end: int) -> bool:
        return "\n" in self.masked[start:end]

    def _end_of(self, thing: Any) -> int:
        """The end of an argument or a block, without the spaces and line breaks that the grammar includes."""
        end = int(thing.meta.end_pos)
        # the grammar includes line breaks after an operator
        while end and self.source.text[end - 1 : end].strip() == "":
            end -= 1
        return end

    def _attribute(self, tree: Tree[Token]) -> Attribute:
        name, _equals, value = tree.children
        return Attribute(word(name), self.expressions.node(value), tree.meta.start_pos)

    def _block(self, tree: Tree[Token]) -> Block:
        children: list[Any] = tree.children
        *header, brace, body, closing = children
        if any(named(child, "new_line_or_comment") for child in header):
            detail = 'A block definition must have block content delimited by "{" and "}", starting on the same line '
            detail += "as the block header."
            start = tree.meta.start_pos
            raise InvalidHclError(self.source.problem(start, start + 1, "Invalid block definition", detail))
        labels = [self._label(label) for label in header[1:]]
        return Block(
            kind=word(header[0]),
            labels=labels,
            label_starts=[label.meta.start_pos for label in header[1:]],
            body=self.body(body, brace.start_pos, closing.start_pos),
            start=tree.meta.start_pos,
            header_end=header[-1].meta.end_pos,
        )

    def _label(self, tree: Any) -> str:
        if not named(tree, "string"):
            return word(tree)
        node = self.expressions.string(tree)
        if not isinstance(node, Literal):
            detail = 'Template sequences are not allowed in this string. To include a literal "$", double it (as '
            detail += '"$$") to escape it.'
            place = tree.meta.start_pos, tree.meta.end_pos
            raise InvalidHclError(self.source.problem(*place, "Invalid string literal", detail))
        return str(node.value)
