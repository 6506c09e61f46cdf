"""Evaluates HCL expressions."""

from __future__ import annotations

import operator
from dataclasses import dataclass, field
from decimal import DivisionByZero, InvalidOperation
from typing import TYPE_CHECKING, Any, Final

from jobspec.errors import NotSimulated
from jobspec.evaluation.functions import FUNCTIONS, LAZY, FunctionError
from jobspec.syntax import nodes
from jobspec.syntax.source import InvalidHclError
from jobspec.values import (
    BOOL,
    NUMBER,
    PRECISE,
    ConversionError,
    Type,
    convert,
    friendly,
    kind_of,
    same,
    text_of,
    tidy,
    unify,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from jobspec.syntax.nodes import Node
    from jobspec.syntax.source import Source


@dataclass(frozen=True)
class Scope:
    """The names that an expression may use, and their values."""

    source: Source
    names: dict[str, Any] = field(default_factory=dict)
    open_ended: bool = True
    """Whether unknown names stay unchanged, for Nomad's clients to fill in; if not, names and functions are errors."""

    def with_names(self, names: dict[str, Any]) -> Scope:
        """A copy of the scope with more names."""
        return Scope(self.source, self.names | names, self.open_ended)


def evaluate(node: Node, scope: Scope) -> Any:
    """The value of an expression; raises `InvalidHclError` with Nomad's text, or `NotSimulated`."""
    return _HANDLERS[type(node)](node, scope)


def problem(scope: Scope, node: Node, summary: str, detail: str, *, whole: bool = False) -> InvalidHclError:
    """A diagnostic that points at the start of an expression, or at the whole expression."""
    start, end = (node.start, node.end) if whole else node.head()
    return InvalidHclError(scope.source.problem(start, end, summary, detail))


def _literal(node: nodes.Literal, _scope: Scope) -> Any:
    return node.value


def _wrapped(node: nodes.Wrapped, scope: Scope) -> Any:
    return evaluate(node.inner, scope)


def _template(node: nodes.Template, scope: Scope) -> str:
    return _text(node.parts, scope)


def _text(parts: list[Any], scope: Scope) -> str:
    return "".join(part if isinstance(part, str) else _part(part, scope) for part in parts)


def _part(part: Node, scope: Scope) -> str:
    if isinstance(part, nodes.TemplateIf):
        return _text(part.yes if _condition(part.condition, scope) else part.no, scope)
    if isinstance(part, nodes.TemplateFor):
        pairs = _pairs(part.collection, evaluate(part.collection, scope), scope)
        return "".join(_text(part.body, scope.with_names(_bound(part, *pair))) for pair in pairs)
    value = evaluate(part, scope)
    if value is None:
        detail = "The expression result is null. Cannot include a null value in a string template."
        raise problem(scope, part, "Invalid template interpolation value", detail, whole=True)
    if isinstance(value, list | dict):
        detail = "Cannot include the given value in a string template: string required."
        raise problem(scope, part, "Invalid template interpolation value", detail, whole=True)
    return text_of(value)


def _bound(node: nodes.For | nodes.TemplateFor, key: Any, value: Any) -> dict[str, Any]:
    return {node.value: value} if node.key is None else {node.key: key, node.value: value}


def _tuple(node: nodes.Tuple, scope: Scope) -> list[Any]:
    return [evaluate(item, scope) for item in node.items]


def _object(node: nodes.Object, scope: Scope) -> dict[str, Any]:
    return {_key(key, scope): evaluate(value, scope) for key, value in node.items}


def _key(node: Node, scope: Scope) -> str:
    value = evaluate(node, scope)
    if value is None or isinstance(value, list | dict):
        detail = (
            "Can't use a null value as a key." if value is None else "Can't use this value as a key: string required."
        )
        raise problem(scope, node, "Null value as key" if value is None else "Incorrect key type", detail, whole=True)
    return text_of(value)


def _scope(node: nodes.Scope, scope: Scope) -> Any:
    if node.root in scope.names:
        return _walk(scope.names[node.root], node.steps, scope)
    if not scope.open_ended:
        raise problem(scope, node, "Variables not allowed", "Variables may not be used here.", whole=True)
    return as_written(scope.source.text, node.start, node.end)


def as_written(text: str, start: int, end: int) -> str:
    """The text that Nomad leaves in the job for its clients to fill in: the name in `${}`, with the source's spaces.

    Nomad looks for the closing brace one character late, which shows if another brace follows.
    """
    # Nomad looks for the opening brace in the text itself, and skips spaces
    before = start - 1
    while before >= 1 and text[before] == " ":
        before -= 1
    if before < 1 or text[before - 1 : before + 1] != "${":
        return "${" + text[start:end] + "}"
    value = text[before - 1 : end]
    # start one character after the name, so that its own brace is skipped
    for place in range(end + 1, len(text)):
        if text[place] == "}":
            value += text[end:place]
        elif text[place] != " ":
            return value + "}"
    return value


def _relative(node: nodes.Relative, scope: Scope) -> Any:
    return _walk(evaluate(node.of, scope), node.steps, scope)


def _walk(value: Any, steps: list[nodes.Step], scope: Scope) -> Any:
    for step in steps:
        value = _step(value, step, scope)
    return value


def _step(value: Any, step: nodes.Step, scope: Scope) -> Any:
    def wrong(summary: str, detail: str) -> InvalidHclError:
        return InvalidHclError(scope.source.problem(step.start, step.end, summary, detail))

    if value is None:
        raise wrong(
            "Attempt to get attribute from null value", "This value is null, so it does not have any attributes."
        )
    if not step.attribute:
        return _indexed(value, step.key, wrong)
    if isinstance(value, dict):
        if step.key in value:
            return value[str(step.key)]
        # a map may lack a key; an object without an attribute has another type
        if friendly(value) == "map":
            raise wrong("Missing map element", f'This map does not have an element with the key "{step.key}".')
        raise wrong("Unsupported attribute", f'This object does not have an attribute named "{step.key}".')
    raise wrong("Unsupported attribute", "This value does not have any attributes.")


def _index(node: nodes.Index, scope: Scope) -> Any:
    value, key = evaluate(node.of, scope), evaluate(node.key, scope)
    return _indexed(value, key, lambda summary, detail: problem(scope, node, summary, detail, whole=True))


def _indexed(value: Any, key: Any, wrong: Callable[[str, str], InvalidHclError]) -> Any:
    if isinstance(value, dict) and kind_of(key) in {"string", "number", "bool"} and text_of(key) in value:
        return value[text_of(key)]
    if isinstance(value, list) and friendly(value) != "set":
        try:
            place = convert(key, NUMBER)
        except ConversionError as error:
            raise wrong(
                "Invalid index", f"The given key does not identify an element in this collection value: {error}."
            ) from error
        if isinstance(place, int) and 0 <= place < len(value):
            return value[place]
    if not isinstance(value, list | dict):
        raise wrong("Invalid index", "This value does not have any indices.")
    raise wrong("Invalid index", "The given key does not identify an element in this collection value.")


def _splat(node: nodes.Splat, scope: Scope) -> Any:
    value = evaluate(node.of, scope)
    items = value if isinstance(value, list) else [] if value is None else [value]
    return [_walk(item, node.steps, scope) for item in items]


def _call(node: nodes.Call, scope: Scope) -> Any:
    if not scope.open_ended:
        raise problem(scope, node, "Function calls not allowed", "Functions may not be called here.")
    # the arguments of these functions may fail, so do not evaluate them first
    if node.name in LAZY:
        return _lazy(node, scope)
    function = FUNCTIONS.get(node.name)
    if function is None:
        detail = f'There is no function named "{node.name}".'
        raise InvalidHclError(
            scope.source.problem(node.start, node.start + len(node.name), "Call to unknown function", detail)
        )
    arguments = [evaluate(argument, scope) for argument in node.arguments]
    # the last argument is a list of arguments
    if node.spread:
        arguments[-1:] = arguments[-1] or []
    try:
        return function(*arguments)
    except (FunctionError, ConversionError) as error:
        detail = f'Call to function "{node.name}" failed: {error}.'
        raise problem(scope, node, "Error in function call", detail) from error


def _lazy(node: nodes.Call, scope: Scope) -> Any:
    """Evaluates `try` (its first argument that has a value) and `can` (whether its argument has a value)."""
    for argument in node.arguments:
        try:
            value = evaluate(argument, scope)
        except InvalidHclError:
            continue
        return True if node.name == "can" else value
    if node.name == "can":
        return False
    detail = 'Call to function "try" failed: no expression succeeded.'
    raise problem(scope, node, "Error in function call", detail)


def _condition(node: Node, scope: Scope) -> bool:
    value = evaluate(node, scope)
    if value is None:
        detail = "The condition value is null. Conditions must either be true or false."
        raise problem(scope, node, "Null condition", detail, whole=True)
    try:
        return bool(convert(value, BOOL))
    except ConversionError as error:
        detail = f"The condition value is not valid: {error}."
        raise problem(scope, node, "Incorrect condition type", detail, whole=True) from error


def _conditional(node: nodes.Conditional, scope: Scope) -> Any:
    chosen = _condition(node.condition, scope)
    result = evaluate(node.yes if chosen else node.no, scope)
    try:
        other = evaluate(node.no if chosen else node.yes, scope)
    except InvalidHclError:
        # errors in the other branch do not matter
        return result
    both = unify(result, other)
    if both is None:
        place = scope.source.span(node.start, node.end)
        raise NotSimulated(f"{place}: a conditional whose two results are of different types")
    return both[0]


def _binary(node: nodes.Binary, scope: Scope) -> Any:
    left, right = evaluate(node.left, scope), evaluate(node.right, scope)
    # equality does not convert: 1 and "1" differ
    if node.operator in {"==", "!="}:
        return same(left, right) == (node.operator == "==")
    of = BOOL if node.operator in {"&&", "||"} else NUMBER
    one = _operand(node.left, left, of, scope, "left")
    other = _operand(node.right, right, of, scope, "right")
    if node.operator in {"/", "%"} and other == 0:
        detail = "Cannot divide by zero."
        raise problem(scope, node.right, "Invalid operand", detail, whole=True)
    try:
        return _OPERATORS[node.operator](one, other)
    except (InvalidOperation, DivisionByZero) as error:
        raise problem(scope, node, "Invalid operand", str(error), whole=True) from error


def _operand(node: Node, value: Any, of: Type, scope: Scope, side: str) -> Any:
    try:
        converted = convert(value, of)
    except ConversionError as error:
        detail = f"Unsuitable value for {side} operand: {error}."
        raise problem(scope, node, "Invalid operand", detail, whole=True) from error
    if converted is None:
        detail = f"Unsuitable value for {side} operand: argument must not be null."
        raise problem(scope, node, "Invalid operand", detail, whole=True)
    return converted


def _unary(node: nodes.Unary, scope: Scope) -> Any:
    value = evaluate(node.of, scope)
    if node.operator == "!":
        return not _operand(node.of, value, BOOL, scope, "unary")
    return -_operand(node.of, value, NUMBER, scope, "unary")


def _parentheses(node: nodes.Parentheses, scope: Scope) -> Any:
    return evaluate(node.of, scope)


def _for(node: nodes.For, scope: Scope) -> Any:
    pairs = _pairs(node.collection, evaluate(node.collection, scope), scope)
    scopes = [scope.with_names(_bound(node, *pair)) for pair in pairs]
    chosen = [each for each in scopes if node.condition is None or _condition(node.condition, each)]
    if node.result_key is None:
        return [evaluate(node.result, each) for each in chosen]
    found: dict[str, Any] = {}
    for each in chosen:
        key = _key(node.result_key, each)
        value = evaluate(node.result, each)
        if node.grouped:
            found.setdefault(key, []).append(value)
        elif key in found:
            detail = (
                f"Two different items produced the key \"{key}\" in this 'for' expression. If duplicates are expected, "
            )
            detail += "use the ellipsis (...) after the value expression to enable grouping by key."
            raise problem(scope, node.result_key, "Duplicate object key", detail, whole=True)
        else:
            found[key] = value
    return found


def _pairs(node: Node, value: Any, scope: Scope) -> list[tuple[Any, Any]]:
    """The keys and values of a collection in HCL's order."""
    if isinstance(value, dict):
        # maps have no order: HCL sorts them by key
        return sorted(value.items())
    if isinstance(value, list):
        return [(each, each) for each in value] if friendly(value) == "set" else list(enumerate(value))
    words = "null value" if value is None else f"{friendly(value)} value"
    detail = f"A {words} cannot be used as the collection in a 'for' expression."
    raise problem(scope, node, "Iteration over non-iterable value", detail, whole=True)


_OPERATORS: Final[dict[str, Callable[[Any, Any], Any]]] = {
    "+": lambda one, other: tidy(PRECISE.add(one, other)),
    "-": lambda one, other: tidy(PRECISE.subtract(one, other)),
    "*": lambda one, other: tidy(PRECISE.multiply(one, other)),
    "/": lambda one, other: tidy(PRECISE.divide(one, other)),
    "%": lambda one, other: tidy(PRECISE.remainder(one, other)),
    "<": operator.lt,
    ">": operator.gt,
    "<=": operator.le,
    ">=": operator.ge,
    "&&": lambda one, other: one and other,
    "||": lambda one, other: one or other,
}
_HANDLERS: Final[dict[type[Any], Callable[[Any, Scope], Any]]] = {
    nodes.Literal: _literal,
    nodes.Wrapped: _wrapped,
    nodes.Template: _template,
    nodes.Tuple: _tuple,
    nodes.Object: _object,
    nodes.Scope: _scope,
    nodes.Relative: _relative,
    nodes.Index: _index,
    nodes.Splat: _splat,
    nodes.Call: _call,
    nodes.Conditional: _conditional,
    nodes.Binary: _binary,
    nodes.Unary: _unary,
    nodes.Parentheses: _parentheses,
    nodes.For: _for,
}
