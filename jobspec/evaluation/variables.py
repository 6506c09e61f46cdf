"""Declares, sets, checks and evaluates a jobspec's variables and locals."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from jobspec.evaluation.evaluate import Scope, evaluate
from jobspec.evaluation.types import type_of
from jobspec.syntax.references import references
from jobspec.syntax.source import InvalidHclError
from jobspec.values import BOOL, STRING, ConversionError, Type, convert

if TYPE_CHECKING:
    from collections.abc import Callable

    from jobspec.evaluation.settings import Setting
    from jobspec.syntax.nodes import Attribute, Block, Body, Node
    from jobspec.syntax.source import Source

_DECLARATION = {"description", "default", "type"}
_UNSET = (
    '<nil>: Unset variable "{}"; A used variable must be set or have a default value; see '
    "https://developer.hashicorp.com/nomad/docs/reference/hcl2/variables  for details."
)


@dataclass
class _Rule:
    """A validation block."""

    condition: Node
    message: str
    where: str


@dataclass
class _Value:
    """A variable's value from its default or from the caller, and the range in the source."""

    value: Any
    origin: str
    where: str


@dataclass
class _Variable:
    name: str
    type: Type | None = None
    rules: list[_Rule] = field(default_factory=list)
    value: _Value | None = None


class Variables:
    """The values of `var.` and `local.` in a jobspec; collects all errors in `problems`."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.problems: list[str] = []
        self._declared: dict[str, _Variable] = {}
        self._locals: dict[str, Attribute] = {}

    def declare(self, body: Body) -> None:
        """Read the declarations in a file."""
        for block in body.blocks:
            if block.kind == "variable":
                self._guarded(self._variable, block)
            elif block.kind == "variables":
                for attribute in block.body.attributes.values():
                    self._guarded(self._plain, attribute)
        for block in body.blocks:
            if block.kind == "locals":
                for attribute in block.body.attributes.values():
                    self._guarded(self._local, attribute)

    def set(self, settings: dict[str, Setting]) -> None:
        """Set the caller's values; ignores values for undeclared variables, as Nomad does."""
        for name, setting in settings.items():
            variable = self._declared.get(name)
            if variable is None:
                continue
            value = setting.value
            if variable.type:
                try:
                    value = convert(value, variable.type)
                except ConversionError as error:
                    detail = f"The value for {name} is not compatible with the variable's type constraint: {error}."
                    self.problems.append(f"{setting.where}: Invalid value for variable; {detail}")
            variable.value = _Value(value, "varfile", setting.where)

    def scope(self) -> Scope:
        """The scope for the job's expressions; raises `InvalidHclError` with all problems found so far."""
        for variable in self._declared.values():
            if variable.value is None:
                self.problems.append(_UNSET.format(variable.name))
            else:
                self._check(variable, variable.value)
        values = {each.name: each.value.value for each in self._declared.values() if each.value}
        scope = Scope(self.source, {"var": values, "local": {}})
        if not self.problems:
            self._evaluate_locals(scope)
        if self.problems:
            raise InvalidHclError(*self.problems)
        return scope

    def _guarded(self, take: Callable[[Any], None], part: Any) -> None:
        try:
            take(part)
        except InvalidHclError as error:
            self.problems += error.problems

    def _constant(self, node: Node) -> Any:
        return evaluate(node, Scope(self.source, open_ended=False))

    def _plain(self, attribute: Attribute) -> None:
        """Read a line of a `variables` block: a default value, whose type is the variable's type."""
        self._new(attribute.name, self.source.span(attribute.start, attribute.name_end))
        value = _Value(self._constant(attribute.value), "default", self._span(attribute.value))
        self._declared[attribute.name] = _Variable(attribute.name, value=value)

    def _new(self, name: str, where: str) -> None:
        if name in self._declared:
            raise InvalidHclError(f"{where}: Duplicate variable; Duplicate {name} variable definition found.")

    def _span(self, node: Node) -> str:
        return self.source.span(node.start, node.end)

    def _variable(self, block: Block) -> None:
        name = block.labels[0]
        self._new(name, "<nil>")
        attributes = block.body.attributes
        for attribute in attributes.values():
            if attribute.name not in _DECLARATION:
                detail = f'An argument named "{attribute.name}" is not expected here.'
                where = attribute.start, attribute.name_end
                self.problems.append(self.source.problem(*where, "Unsupported argument", detail))
        variable = _Variable(name)
        if "type" in attributes:
            variable.type = type_of(attributes["type"].value, self.source)
        if "default" in attributes:
            variable.value = self._default(attributes["default"].value, variable.type)
        variable.rules = [self._rule(name, each) for each in block.body.blocks if each.kind == "validation"]
        self._declared[name] = variable

    def _default(self, node: Node, kind: Type | None) -> _Value:
        value = self._constant(node)
        if kind:
            try:
                value = convert(value, kind)
            except ConversionError as error:
                detail = f"This default value is not compatible with the variable's type constraint: {error}."
                summary = "Invalid default value for variable"
                raise InvalidHclError(f"{self._span(node)}: {summary}; {detail}") from error
        return _Value(value, "default", self._span(node))

    def _rule(self, name: str, block: Block) -> _Rule:
        attributes = block.body.attributes
        for needed in ("condition", "error_message"):
            if needed not in attributes:
                detail = f'The argument "{needed}" is required, but no definition was found.'
                start = block.body.start
                raise InvalidHclError(self.source.problem(start, start + 1, "Missing required argument", detail))
        condition = attributes["condition"].value
        self._only_itself(name, condition)
        message = convert(self._constant(attributes["error_message"].value), STRING)
        if not message or not message.strip():
            detail = "An empty or blank string is not a valid nor useful error message."
            where = self._span(attributes["error_message"].value)
            raise InvalidHclError(f"{where}: Invalid validation error message; {detail}")
        return _Rule(condition, message, self.source.span(block.start, block.header_end))

    def _only_itself(self, name: str, condition: Node) -> None:
        found = list(references(condition))
        for reference in found:
            if reference.root != "var" or not reference.steps or reference.steps[0].key != name:
                detail = f'The condition for variable "{name}" can only refer to the variable itself, using var.{name}.'
                summary = "Invalid reference in variable validation"
                raise InvalidHclError(self.source.problem(reference.start, reference.end, summary, detail))
        if not found:
            detail = f'The condition for variable "{name}" must refer to var.{name} in order to test incoming values.'
            raise InvalidHclError(f"{self._span(condition)}: Invalid variable validation condition; {detail}")

    def _check(self, variable: _Variable, given: _Value) -> None:
        # a rule may use only its own variable
        scope = Scope(self.source, {"var": {variable.name: given.value}})
        for rule in variable.rules:
            where = self._span(rule.condition)
            try:
                holds = convert(evaluate(rule.condition, scope), BOOL)
            except InvalidHclError as error:
                self.problems += error.problems
                continue
            except ConversionError as error:
                detail = f"Invalid validation condition result value: {error}."
                self.problems.append(f"{where}: Invalid variable validation result; {detail}")
                continue
            if holds is None:
                detail = "Validation condition expression must return either true or false, not null."
                self.problems.append(f"{where}: Invalid variable validation result; {detail}")
            elif not holds:
                detail = f"{rule.message}\n\nThis was checked by the validation rule at {rule.where}."
                self.problems.append(f"{given.where}: Invalid value for {given.origin} variable; {detail}")

    def _local(self, attribute: Attribute) -> None:
        if attribute.name in self._locals:
            detail = f"Duplicate {attribute.name} definition found."
            place = attribute.start, attribute.name_end
            raise InvalidHclError(self.source.problem(*place, "Duplicate value in locals", detail))
        self._locals[attribute.name] = attribute

    def _evaluate_locals(self, scope: Scope) -> None:
        """Evaluate the locals in the order of their dependencies."""
        waiting = dict(self._locals)
        found: dict[str, Any] = scope.names["local"]
        while waiting:
            failed: dict[str, InvalidHclError] = {}
            for name, attribute in waiting.items():
                try:
                    found[name] = evaluate(attribute.value, scope)
                except InvalidHclError as error:
                    failed[name] = error
            # no progress in this round: the rest is circular, or needs something that does not exist
            if len(failed) == len(waiting):
                self.problems += [problem for error in failed.values() for problem in error.problems]
                return
            waiting = {name: waiting[name] for name in failed}
