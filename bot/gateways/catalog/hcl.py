"""HCL2 as nested mappings: the catalog's one door to python-hcl2."""

from __future__ import annotations

from typing import Any

import hcl2
from lark.exceptions import LarkError, UnexpectedInput


class NotHclError(ValueError):
    """The text is not HCL2, or a kind of it that python-hcl2 cannot read; ``line`` is where it gave up."""

    def __init__(self, message: str, line: int) -> None:
        super().__init__(message)
        self.line = line


def blocks(text: str) -> dict[str, Any]:
    """The top-level blocks by kind, each a list; expressions stay text. ``NotHclError`` where it cannot be read."""
    try:
        found: dict[str, Any] = hcl2.loads(text)
    except UnexpectedInput as error:
        # the grammar gives up at the end of a file without a line of its own
        line = error.line if error.line > 0 else text.count("\n") + 1
        raise NotHclError(f"not HCL2: {str(error).splitlines()[0]}", line) from None
    except (LarkError, RecursionError, ValueError, TypeError) as error:
        raise NotHclError(f"not HCL2 that can be read here ({type(error).__name__})", 1) from None
    return found
