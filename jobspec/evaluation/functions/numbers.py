"""Functions on numbers."""

from __future__ import annotations

import math
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import Any, Final

from jobspec.evaluation.functions.calling import FunctionError, Implementation, not_simulated, taking
from jobspec.values import ANY, NUMBER, PRECISE, tidy


def _rounding(how: str) -> Implementation:
    return taking(NUMBER)(lambda number: int(Decimal(number).to_integral_value(rounding=how)))


@taking(ANY, NUMBER)
def _parseint(text: Any, base: int) -> int:
    if not isinstance(text, str):
        raise FunctionError(f"first argument must be a string, not {type(text).__name__}")
    try:
        return int(text, base) if "_" not in text and text == text.strip() else int("")
    except ValueError as error:
        raise FunctionError(f'cannot parse "{text}" as a base {base} integer') from error


@taking(NUMBER, NUMBER)
def _pow(number: Any, power: Any) -> Any:
    # Go computes with floats; exact as long as a float could represent the result
    if isinstance(number, int) and isinstance(power, int) and power >= 0 and abs(number) ** min(power, 64) < 2**53:
        return tidy(PRECISE.power(Decimal(number), Decimal(power)))
    return tidy(Decimal(math.pow(number, power)))


@taking(NUMBER, rest=NUMBER)
def _least(*numbers: Any) -> Any:
    return min(numbers)


@taking(NUMBER, rest=NUMBER)
def _greatest(*numbers: Any) -> Any:
    return max(numbers)


FUNCTIONS: Final[dict[str, Implementation]] = {
    "abs": taking(NUMBER)(abs),
    "ceil": _rounding(ROUND_CEILING),
    "floor": _rounding(ROUND_FLOOR),
    "signum": taking(NUMBER)(lambda number: (number > 0) - (number < 0)),
    "min": _least,
    "max": _greatest,
    "pow": _pow,
    "parseint": _parseint,
    "log": not_simulated("log", "its last digits depend on Go's library"),
}
