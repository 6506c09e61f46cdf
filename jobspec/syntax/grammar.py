"""python-hcl2's grammar, and Nomad's texts for its errors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import hcl2
from lark import Token, Tree
from lark.exceptions import UnexpectedCharacters, UnexpectedInput, UnexpectedToken

from jobspec.errors import NotSimulated
from jobspec.syntax.source import InvalidHclError

if TYPE_CHECKING:
    from jobspec.syntax.source import Source

_NEEDED = {
    "body": ("Argument or block definition required", "An argument or block definition is required here."),
    "header": (
        "Invalid block definition",
        'Either a quoted string block label or an opening brace ("{") is expected here.',
    ),
    "expression": (
        "Invalid expression",
        "Expected the start of an expression, but found an invalid expression token.",
    ),
}


def syntax_tree(masked: str, source: Source, shift: int = 0) -> Tree[Token]:
    """Parse a masked text, which starts at the offset `shift` in the source.

    Raises `InvalidHclError` if the text is not HCL.
    """
    try:
        tree: Tree[Token] = hcl2.parses_to_tree(masked)
    except UnexpectedInput as error:
        raise _complaint(error, masked, source, shift) from error
    return tree


def _complaint(error: UnexpectedInput, masked: str, source: Source, shift: int) -> InvalidHclError:
    # HCL allows letters of all alphabets in names, the grammar only ASCII
    if not masked.isascii():
        raise NotSimulated("letters beyond ASCII outside of strings and comments")
    expected: set[str] = set()
    length, place = 1, error.pos_in_stream if error.pos_in_stream is not None else len(masked)
    if isinstance(error, UnexpectedToken):
        expected, token = set(error.accepts or error.expected), error.token
        length = len(token) if token.type != "$END" else 0
        # the grammar reads `2 -1` as two numbers, HCL reads a difference
        if token.type in {"INT_LITERAL", "FLOAT_LITERAL"} and token.startswith("-"):
            raise NotSimulated(f"{source.span(place + shift, place + shift + 1)}: a minus sign next to a number")
    elif isinstance(error, UnexpectedCharacters):
        expected = set(error.allowed or ())
    where = "header" if {"LBRACE", "DBLQUOTE"} <= expected and "LPAR" not in expected else "expression"
    where = "body" if "NAME" in expected and "LPAR" not in expected and where != "header" else where
    start = min(place + shift, len(source.text))
    return InvalidHclError(source.problem(start, min(start + length, len(source.text)), *_NEEDED[where]))


def word(tree: Any) -> str:
    """The text of a name, keyword or literal word."""
    return str(tree) if isinstance(tree, Token) else "".join(str(child) for child in tree.children)


def named(tree: Any, *names: str) -> bool:
    """Whether a node of the tree has one of these rule names."""
    return isinstance(tree, Tree) and str(tree.data) in names


def solid(tree: Tree[Token]) -> list[Any]:
    """The children of a node without line breaks."""
    return [child for child in tree.children if not named(child, "new_line_or_comment")]
