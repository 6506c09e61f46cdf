"""Checks a file against the schema: pydantic's errors in our words, each with its line and its fix."""

from __future__ import annotations

from types import NoneType, UnionType
from typing import TYPE_CHECKING, Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError

from bot.gateways.catalog.issues import quote, suggestion

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pydantic_core import ErrorDetails

    from bot.gateways.catalog.issues import Issue
    from bot.gateways.catalog.tree import Node

_KINDS = {
    "string_type": "must be text; put it in quotes",
    "bool_type": "must be true or false; write one of them, without quotes",
    "int_type": "must be a whole number; write it without quotes",
    "list_type": "must be a list; write `- ` before each item, or [a, b]",
    "dict_type": "must be a mapping; write `key: value` lines below it",
    "model_type": "must be a mapping; write `key: value` lines below it",
}


def form_issues(root: Node, schema: type[BaseModel]) -> Iterator[Issue]:
    """Errors: each place where the file does not match the schema."""
    try:
        schema.model_validate(root.plain())
    except ValidationError as error:
        for detail in error.errors(include_url=False):
            yield root.at(detail["loc"]).issue(_sentence(detail, schema, root))


def _sentence(detail: ErrorDetails, schema: type[BaseModel], root: Node) -> str:
    kind, path = detail["type"], detail["loc"]
    if kind == "missing":
        return f"`{_label(path)}` is missing{_within(path, root)}; add it"
    if kind == "extra_forbidden":
        return f"unknown key `{path[-1]}`{_within(path, root)}; {suggestion(str(path[-1]), _keys(schema, path[:-1]))}"
    if kind == "value_error":
        return f"{_prefix(path)}{detail['ctx']['error']}"
    return f"{_prefix(path)}{_problem_and_fix(detail)}"


def _problem_and_fix(detail: ErrorDetails) -> str:
    kind, context, value = detail["type"], detail.get("ctx", {}), detail["input"]
    if kind in _KINDS:
        return f"{quote(value)} {_KINDS[kind]}" if not isinstance(value, list | dict) else _KINDS[kind]
    if kind in {"literal_error", "enum"}:
        known = [each.strip("' ") for each in context["expected"].replace(" or ", ", ").split(",")]
        return f"{quote(value)} is not one of its values; {suggestion(str(value), known)}"
    if kind in {"too_short", "string_too_short"}:
        return "must not be empty; add an entry, or remove the key"
    if kind == "too_long":
        return f"has more than {context['max_length']} entries; remove some"
    if kind in {"greater_than_equal", "less_than_equal"}:
        bound = f"at least {context['ge']}" if "ge" in context else f"at most {context['le']}"
        return f"{quote(value)} is out of range; write {bound}"
    return f"{detail['msg']}; see docs/catalog.md"


def _label(path: Sequence[str | int]) -> str:
    """The nearest key. List positions and pydantic's own marks would tell the author of the file nothing."""
    return next((part for part in reversed(path) if isinstance(part, str) and part != "[key]"), "this file")


def _prefix(path: Sequence[str | int]) -> str:
    label = _label(path)
    return f"`{label}`: " if path else f"{label} "


def _within(path: Sequence[str | int], root: Node) -> str:
    """`` in `NAME` ``: the name of the entry that the key belongs to; empty at the top level."""
    if len(path) < 2:
        return ""
    holder = root.at(path[:-1]).get("name")
    name = holder.text if holder and holder.text else _label(path[:-1])
    return f" in `{name}`"


def _keys(schema: type[BaseModel], path: Sequence[str | int]) -> list[str]:
    """The keys that the schema allows there."""
    at: Any = schema
    for part in path:
        at = next((_inside(each, part) for each in _members(at)), None)
    models = [each for each in _members(at) if isinstance(each, type) and issubclass(each, BaseModel)]
    return [key for model in models for key in _fields(model)]


def _inside(annotation: Any, part: str | int) -> Any:
    """The annotation one level down: of a list's items, a mapping's values, or a model's field."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin in {list, dict}:
        return arguments[-1]
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return _fields(annotation).get(str(part))
    return None


def _members(annotation: Any) -> list[Any]:
    """An annotation without its metadata and without None."""
    if get_origin(annotation) is Annotated:
        return _members(get_args(annotation)[0])
    if get_origin(annotation) in {Union, UnionType}:
        return [member for each in get_args(annotation) if each is not NoneType for member in _members(each)]
    return [annotation]


def _fields(model: type[BaseModel]) -> dict[str, Any]:
    """A model's keys as they are written in the files, with their annotations."""
    return {field.alias or name: field.annotation for name, field in model.model_fields.items()}
