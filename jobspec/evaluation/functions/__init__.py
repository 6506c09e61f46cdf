"""The functions a jobspec may call (Nomad 2.0: HCL2 functions), by name."""

from __future__ import annotations

from typing import Final

from jobspec.evaluation.functions import collections, encoding, network, numbers, strings, times
from jobspec.evaluation.functions.calling import FunctionError, Implementation

LAZY: Final = frozenset({"try", "can"})
"""Functions whose arguments may fail; the evaluator itself evaluates them."""

FUNCTIONS: Final[dict[str, Implementation]] = {
    **strings.FUNCTIONS,
    **collections.FUNCTIONS,
    **numbers.FUNCTIONS,
    **encoding.FUNCTIONS,
    **network.FUNCTIONS,
    **times.FUNCTIONS,
}

__all__ = ["FUNCTIONS", "LAZY", "FunctionError"]
