"""Parses expressions."""

from __future__ import annotations

import itertools
import re
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from lark import Token

from jobspec.errors import NotSimulated
from jobspec.syntax import nodes, templates
from jobspec.syntax.grammar import named, solid, syntax_tree, word
from jobspec.syntax.masking import mask
from jobspec.syntax.source import InvalidHclError
from jobspec.values import tidy

if TYPE_CHECKING:
    from collections.abc import Callable

    from lark import Tree

    from jobspec.syntax.nodes import Node
    from jobspec.syntax.source import Source

_TRAVERSAL: Final = re.compile(r"\s*([^\W\d][\w-]*)((?:\.[^\W\d][\w-]*)*)\s*\Z")
_WORDS: Final = {"true": True, "false": False, "null": None}
_PROLOGUE: Final = "x=("
_EXTRA: Final = (
    "Extra characters after interpolation expression",
    (
        "Expected a closing brace to end the interpolation expression, but found extra characters.\n\n"
        "This can happen when you include interpolation syntax for another language, such as shell scripting, but "
        "forget to escape the interpolation start token. If you are embedding this sequence for another language, "
        'escape it by starting with "$${" instead of just "${".'
    ),
)


class ExpressionReader:
    """Makes nodes from the grammar's trees; `shift` is the offset of the parsed text in the source."""

    def __init__(self, source: Source, shift: int = 0) -> None:
        self.source = source
        self.shift = shift
        self._by_rule: dict[str, Callable[[Tree[Token]], Node]] = {
            "expr_term": self._term,
            "conditional": self._conditional,
            "binary_op": self._binary,
            "unary_op": self._unary,
            "string": self.string,
            "tuple": self._tuple,
            "object": self._object,
            "function_call": self._call,
            "index_expr_term": self._index,
            "get_attr_expr_term": self._attribute,
            "attr_splat_expr_term": self._splat,
            "full_splat_expr_term": self._splat,
            "for_tuple_expr": self._for,
            "for_object_expr": self._for,
        }

    def node(self, tree: Any) -> Node:
        """The node for an expression's tree."""
        rule = self._by_rule.get(str(tree.data))
        if rule is None:
            raise NotSimulated(f"{self.source.span(*self._place(tree))}: the expression ({tree.data})")
        return rule(tree)

    def within(self, start: int, end: int) -> Node:
        """The expression between two offsets of the source, as in `${...}`."""
        # most interpolations are plain names, which need no grammar
        simple = _TRAVERSAL.match(self.source.text[start:end])
        if simple and simple[1] not in _WORDS:
            return _traversal(start + simple.start(1), simple[1], simple[2])
        # in parentheses line breaks count as spaces, as they do within a template sequence
        text = f"{_PROLOGUE}{mask(self.source, start, end)})\n"
        shift = start - len(_PROLOGUE)
        try:
            tree = syntax_tree(text, self.source, shift)
        except InvalidHclError as error:
            raise InvalidHclError(self.source.problem(start, end, *_EXTRA)) from error
        attribute = next(tree.find_data("attribute"))
        parentheses = ExpressionReader(self.source, shift).node(attribute.children[2])
        return parentheses.of if isinstance(parentheses, nodes.Parentheses) else parentheses

    def _place(self, tree: Any) -> tuple[int, int]:
        end = tree.meta.end_pos + self.shift
        while end and self.source.text[end - 1 : end].strip() == "":
            end -= 1
        return tree.meta.start_pos + self.shift, end

    def _term(self, tree: Tree[Token]) -> Node:
        children = solid(tree)
        place = self._place(tree)
        first = children[0]
        if isinstance(first, Token):  # a parenthesis
            return nodes.Parentheses(*place, self.node(children[1]))
        if named(first, "identifier"):
            return nodes.Scope(*place, word(first))
        if named(first, "literal_value"):
            return nodes.Literal(*place, _WORDS[word(first)])
        if named(first, "int_lit"):
            return nodes.Literal(*place, int(word(first)))
        if named(first, "float_lit"):
            return nodes.Literal(*place, tidy(Decimal(word(first))))
        return self.node(first)

    def string(self, tree: Tree[Token]) -> Node:
        """Parse a quoted string or a heredoc from the source."""
        start, end = tree.meta.start_pos + self.shift, tree.meta.end_pos + self.shift
        read = templates.heredoc if self.source.text[start] == "<" else templates.string
        return read(self.source, start, end, self.within)

    def _one_line(self, tree: Tree[Token], *tokens: Any) -> None:
        """Refuse line breaks: HCL ends an expression at a line break, except in parentheses and brackets."""
        if len(solid(tree)) != len(tree.children) or any("\n" in str(token) for token in tokens):
            detail = "Expected the start of an expression, but found an invalid expression token."
            raise InvalidHclError(self.source.problem(*self._place(tree), "Invalid expression", detail))

    def _conditional(self, tree: Tree[Token]) -> Node:
        self._one_line(tree, *(child for child in tree.children if isinstance(child, Token)))
        condition, _question, yes, _colon, no = solid(tree)
        return nodes.Conditional(*self._place(tree), self.node(condition), self.node(yes), self.node(no))

    def _binary(self, tree: Tree[Token]) -> Node:
        left, term = solid(tree)
        operator, right = solid(term)
        self._one_line(term, word(operator))
        return nodes.Binary(*self._place(tree), word(operator).strip(), self.node(left), self.node(right))

    def _unary(self, tree: Tree[Token]) -> Node:
        operator, of = solid(tree)
        return nodes.Unary(*self._place(tree), word(operator), self.node(of))

    def _tuple(self, tree: Tree[Token]) -> Node:
        items = [self.node(child) for child in solid(tree) if not isinstance(child, Token)]
        return nodes.Tuple(*self._place(tree), items)

    def _object(self, tree: Tree[Token]) -> Node:
        self._separators(tree)
        elements = [child for child in solid(tree) if named(child, "object_elem")]
        items = [(self._key(element.children[0]), self.node(element.children[2])) for element in elements]
        return nodes.Object(*self._place(tree), items)

    def _separators(self, tree: Tree[Token]) -> None:
        inside = tree.children[1:-1]
        for child, following in itertools.pairwise(inside):
            if named(child, "object_elem") and named(following, "object_elem"):
                detail = "Expected a newline or comma to mark the beginning of the next attribute."
                place = self._place(following)
                raise InvalidHclError(self.source.problem(*place, "Missing attribute separator", detail))

    def _key(self, tree: Any) -> Node:
        inner = solid(tree)[0]
        if named(inner, "keyword"):
            return nodes.Literal(*self._place(tree), word(inner))
        node = self.node(inner)
        if isinstance(node, nodes.Scope):
            # `a.b = 1` is ambiguous, so HCL refuses it
            if node.steps:
                detail = "If this expression is intended to be a reference, wrap it in parentheses. If it's instead "
                detail += "intended as a literal name containing periods, wrap it in quotes to create a string literal."
                raise InvalidHclError(self.source.problem(node.start, node.end, "Ambiguous attribute key", detail))
            return nodes.Literal(node.start, node.end, node.root)
        if isinstance(node, nodes.Literal) and isinstance(node.value, bool | None):
            return nodes.Literal(node.start, node.end, self.source.text[node.start : node.end])
        return node

    def _call(self, tree: Tree[Token]) -> Node:
        children = solid(tree)
        if sum(named(child, "identifier") for child in children) > 1:
            raise NotSimulated(f"{self.source.span(*self._place(tree))}: a function of a namespace")
        arguments = next((child for child in children if named(child, "arguments")), None)
        given = solid(arguments) if arguments is not None else []
        spread = any(isinstance(child, Token) and child.type == "ELLIPSIS" for child in given)
        values = [self.node(child) for child in given if not isinstance(child, Token)]
        return nodes.Call(*self._place(tree), word(children[0]), values, spread)

    def _index(self, tree: Tree[Token]) -> Node:
        of, index = self.node(tree.children[0]), tree.children[1]
        start, end = self._place(index)
        if named(index, "short_index"):
            key: Any = int(str(index.children[1]))  # type: ignore[union-attr] # the grammar always has a rule here
            return _stepped(of, nodes.Step(key, start, end, attribute=False), end)
        inner = self.node(solid(index)[1])  # type: ignore[arg-type] # the grammar always has a rule here
        if (
            isinstance(inner, nodes.Literal)
            and isinstance(inner.value, str | int)
            and not isinstance(inner.value, bool)
        ):
            return _stepped(of, nodes.Step(inner.value, start, end, attribute=False), end)
        return nodes.Index(of.start, end, of, inner)

    def _attribute(self, tree: Tree[Token]) -> Node:
        of, step = self.node(tree.children[0]), tree.children[1]
        start, end = self._place(step)
        name = word(step.children[1])  # type: ignore[union-attr] # the grammar always has a rule here
        return _stepped(of, nodes.Step(name, start, end, attribute=True), end)

    def _splat(self, tree: Tree[Token]) -> Node:
        of, splat = self.node(tree.children[0]), tree.children[1]
        steps: list[nodes.Step] = []
        for step in splat.children[1:]:  # type: ignore[union-attr] # the grammar always has a rule here
            if not named(step, "get_attr"):
                raise NotSimulated(f"{self.source.span(*self._place(tree))}: an index in a splat expression")
            steps.append(nodes.Step(word(step.children[1]), *self._place(step), attribute=True))  # type: ignore[union-attr] # a rule
        return nodes.Splat(*self._place(tree), of, steps)

    def _for(self, tree: Tree[Token]) -> Node:
        parts = [child for child in solid(tree) if not isinstance(child, Token)]
        intro, *results = parts
        condition = results.pop() if named(results[-1], "for_cond") else None
        rest = [child for child in solid(intro) if not isinstance(child, Token)]
        *names, collection = rest
        bound = [word(name) for name in names]
        return nodes.For(
            *self._place(tree),
            key=bound[0] if len(bound) > 1 else None,
            value=bound[-1],
            collection=self.node(collection),
            result_key=self.node(results[0]) if len(results) > 1 else None,
            result=self.node(results[-1]),
            condition=self.node(solid(condition)[-1]) if condition is not None else None,
            grouped=any(isinstance(child, Token) and child.type == "ELLIPSIS" for child in tree.children),
        )


def _traversal(start: int, root: str, dotted: str) -> Node:
    """A name with attribute steps, the most common interpolation."""
    steps: list[nodes.Step] = []
    place = start + len(root)
    for name in dotted.split(".")[1:]:
        steps.append(nodes.Step(name, place, place + len(name) + 1, attribute=True))
        place += len(name) + 1
    return nodes.Scope(start, place, root, steps)


def _stepped(of: Node, step: nodes.Step, end: int) -> Node:
    if isinstance(of, nodes.Scope | nodes.Relative):
        of.steps.append(step)
        of.end = end
        return of
    return nodes.Relative(of.start, end, of, [step])
