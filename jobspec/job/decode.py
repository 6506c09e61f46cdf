"""Decodes the blocks and arguments of a syntax tree into Nomad's job, by the tables in `fields`."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from jobspec.evaluation.dynamic import expand_blocks
from jobspec.evaluation.evaluate import Scope, evaluate
from jobspec.evaluation.functions.times import DurationError, nanoseconds
from jobspec.job import complaints
from jobspec.job.fields import BLOCKS, Field, Job, unset
from jobspec.job.freeform import argument, free_map
from jobspec.syntax.source import InvalidHclError
from jobspec.values import BOOL, NUMBER, STRING, ConversionError, Type, convert, friendly

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from jobspec.syntax.nodes import Attribute, Block, Body, Node

_TYPES: Final = {
    "string": STRING,
    "int": NUMBER,
    "bool": BOOL,
    "strings": Type("list", STRING),
    "ints": Type("list", NUMBER),
    "map": Type("map", STRING),
}
# these may also be arguments, so that their keys need not be names
_AS_ARGUMENT: Final = {"Job": ("meta",), "TaskGroup": ("meta",), "Task": ("env", "meta")}
_MAP: Final = Type("map", STRING)


@dataclass
class Decoder:
    """Decodes the blocks of one jobspec; collects all errors in `problems`."""

    problems: list[str] = field(default_factory=list)
    later: list[Callable[[], list[str]]] = field(default_factory=list)
    """Functions that fill the free maps and return their errors; Nomad calls them only if there is no other error."""

    def block(self, kind: str, block: Block, scope: Scope, extra: Iterable[str] = ()) -> Job:
        """Decode a block into Nomad's JSON; the caller decodes the nested blocks that `extra` names."""
        found = unset(kind)
        fields = {each.hcl: each for each in BLOCKS[kind] if each.hcl and not each.nested}
        nested: dict[str | None, Field] = {each.hcl: each for each in BLOCKS[kind] if each.hcl and each.nested}
        self._labels(kind, block, scope, found)
        for attribute in block.body.attributes.values():
            if attribute.name in fields:
                each = fields[attribute.name]
                self._guarded(found, each, self._value, attribute.value, each, scope)
            elif attribute.name in _AS_ARGUMENT.get(kind, ()):
                self._map_argument(found, nested[attribute.name], attribute, scope)
            else:
                self.problems.append(complaints.unexpected_argument(attribute, fields, nested, scope.source))
        self._required(fields.values(), block.body, scope)
        self._nested(found, nested, block.body, scope, {"extra": set(extra), "known": set(fields)})
        return found

    def _labels(self, kind: str, block: Block, scope: Scope, found: Job) -> None:
        names = [each.name for each in BLOCKS[kind] if each.kind == "label"]
        # the job's label was checked together with the file
        if len(names) != len(block.labels) and kind != "Job":
            self.problems.append(complaints.labels(block, len(names), scope.source))
        found.update(zip(names, block.labels, strict=False))

    def _required(self, fields: Iterable[Field], body: Body, scope: Scope) -> None:
        for each in fields:
            if each.required and each.hcl not in body.attributes:
                detail = f'The argument "{each.hcl}" is required, but no definition was found.'
                self.problems.append(scope.source.problem(body.start, body.start, "Missing required argument", detail))

    def _guarded(self, found: Job, each: Field, read: Callable[..., Any], node: Node, *given: Any) -> None:
        """Set the field to the result of `read`, or record its error."""
        source = given[-1].source
        try:
            found[each.name] = read(node, *given)
        except InvalidHclError as error:
            detail = "Unsuitable value: value must be known"
            # an expression that failed has no known value; Nomad reports that, too
            known = source.problem(*node.head(), "Unsuitable value type", detail)
            self.problems += [*error.problems, known]
        except (ConversionError, DurationError) as error:
            kind = "duration value" if isinstance(error, DurationError) else "value"
            detail = f"Unsuitable {kind}: {error}"
            self.problems.append(source.problem(*node.head(), "Unsuitable value type", detail))

    def _value(self, node: Node, each: Field, scope: Scope) -> Any:
        value = evaluate(node, scope)
        if each.kind == "duration":
            return _duration(value)
        if value is None:
            if each.nullable or each.kind in {"strings", "ints", "map"}:
                return None
            raise ConversionError("null value is not allowed")
        return _plain(convert(value, _TYPES[each.kind]))

    def _map_argument(self, found: Job, each: Field, attribute: Attribute, scope: Scope) -> None:
        def read(node: Node, scope: Scope) -> Any:
            return _plain(convert(evaluate(node, scope), _MAP))

        self._guarded(found, each, read, attribute.value, scope)

    def _nested(
        self, found: Job, nested: dict[str | None, Field], body: Body, scope: Scope, others: dict[str, set[Any]]
    ) -> None:
        seen: dict[str, Block] = {}
        for block, inner in self._expanded(body, scope):
            each = nested.get(block.kind)
            if block.kind in others["extra"]:
                continue
            if each is None:
                self.problems.append(complaints.unexpected_block(block, others["known"], nested, scope.source))
            elif each.kind not in {"many", "labelled"} and block.kind in seen:
                self.problems.append(complaints.twice(block, seen[block.kind], scope.source))
            else:
                seen[block.kind] = block
                self._add(found, each, block, inner)

    def _expanded(self, body: Body, scope: Scope) -> list[tuple[Block, Scope]]:
        try:
            return list(expand_blocks(body, scope))
        except InvalidHclError as error:
            self.problems += error.problems
            return []

    def _add(self, found: Job, each: Field, block: Block, scope: Scope) -> None:
        if each.kind == "free_block":
            found[each.name] = self._free(block.body, scope)
        elif each.kind in {"map_block", "lists_block"}:
            found[each.name] = self._map(each, block.body, scope)
        elif each.block:
            value = self.one(each.block, block, scope)
            if each.kind == "many":
                found[each.name] = [*(found[each.name] or ()), value]
            elif each.kind == "labelled":
                found[each.name] = {**(found[each.name] or {}), value["Name"]: value}
            else:
                found[each.name] = value

    def one(self, kind: str, block: Block, scope: Scope) -> Job:
        """Decode a nested block; a subclass overrides this for kinds that need more than their table."""
        return self.block(kind, block, scope)

    def _free(self, body: Body, scope: Scope) -> dict[str, Any]:
        target: dict[str, Any] = {}

        def fill() -> list[str]:
            values, problems = free_map(body, scope)
            target.update(values)
            return problems

        # errors in its expressions are not reported if there are other errors
        self.later.append(fill)
        return target

    def _map(self, each: Field, body: Body, scope: Scope) -> dict[str, Any]:
        target: dict[str, Any] = {}
        kind = STRING if each.kind == "map_block" else _TYPES["strings"]

        def read(node: Node, scope: Scope) -> Any:
            # literal objects become lists here, too, and lists are not strings
            value = argument(node, scope)
            if value is None:
                raise ConversionError("null value is not allowed")
            return _plain(convert(value, kind))

        for attribute in body.attributes.values():
            key = Field(attribute.name, None, "string", None, nullable=False, required=False, omitted=False)
            self._guarded(target, key, read, attribute.value, scope)
        for block in body.blocks[:1]:
            place = block.start, block.header_end
            detail = "Unsuitable value: string required"
            self.problems.append(scope.source.problem(*place, "Unsuitable value type", detail))
        return target


def _duration(value: Any) -> int:
    if value is None:
        raise DurationError("nil")
    if isinstance(value, str):
        return nanoseconds(value)
    if isinstance(value, bool | list | dict):
        raise ConversionError(f"expected a string but found {friendly(value)}")
    return int(_plain(value))


def _plain(value: Any) -> Any:
    """The value for a field of a job; refuses fractions, and nulls within lists and maps."""
    if isinstance(value, Decimal):
        raise ConversionError("value must be a whole number")
    parts = value if isinstance(value, list) else value.values() if isinstance(value, dict) else ()
    if any(part is None for part in parts):
        raise ConversionError("null value is not allowed")
    if isinstance(value, list):
        return [_plain(each) for each in value]
    return dict(value) if isinstance(value, dict) else value
