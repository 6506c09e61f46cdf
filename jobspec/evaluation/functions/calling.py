"""Helpers to define HCL functions: argument types, errors, and functions that are not simulated."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from jobspec.errors import NotSimulated
from jobspec.values import Type, convert

Implementation = Callable[..., Any]


class FunctionError(Exception):
    """A function refuses its arguments; the text goes into Nomad's message."""


def taking(*types: Type, rest: Type | None = None, optional: int = 0) -> Callable[[Implementation], Implementation]:
    """Decorator that converts the arguments to these types; `rest` is the type of any further arguments.

    The last `optional` arguments may be missing.
    """

    def decorate(function: Implementation) -> Implementation:
        def call(*arguments: Any) -> Any:
            if len(arguments) < len(types) - optional:
                raise FunctionError(f"not enough arguments: {len(types) - optional} wanted, {len(arguments)} given")
            if rest is None and len(arguments) > len(types):
                raise FunctionError(f"too many arguments: {len(types)} wanted, {len(arguments)} given")
            kinds = [*types, *([rest] * (len(arguments) - len(types)) if rest else [])]
            if any(value is None for value in arguments):
                raise FunctionError("argument must not be null")
            return function(*(convert(value, kind) for value, kind in zip(arguments, kinds, strict=False)))

        return call

    return decorate


def not_simulated(name: str, why: str) -> Implementation:
    """A stand-in for a function that Nomad has and the simulation lacks; it raises `NotSimulated`."""

    def call(*_arguments: Any) -> Any:
        raise NotSimulated(f"the function {name}(): {why}")

    return call


def disabled(*_arguments: Any) -> Any:
    """A stand-in for functions that read files, which Nomad's parse endpoint refuses."""
    raise FunctionError("filesystem function disabled")
