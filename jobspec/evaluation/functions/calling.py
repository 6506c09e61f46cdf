"""How functions of HCL take their arguments."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from jobspec.errors import NotSimulated
from jobspec.values import Type, convert

Implementation = Callable[..., Any]


class FunctionError(Exception):
    """A function refuses its arguments; the text goes into Nomad's message."""


def taking(*types: Type, rest: Type | None = None, optional: int = 0) -> Callable[[Implementation], Implementation]:
    """Convert the arguments to these types first; `rest` is that of any more, the last `optional` may be missing."""

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
    """A function that Nomad has and the simulation has not."""

    def call(*_arguments: Any) -> Any:
        raise NotSimulated(f"the function {name}(): {why}")

    return call


def disabled(*_arguments: Any) -> Any:
    """Nomad's parse endpoint reads no files."""
    raise FunctionError("filesystem function disabled")
