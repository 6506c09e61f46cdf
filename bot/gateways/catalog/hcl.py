"""Reads HCL2 into nested mappings; the only module of the catalog that uses python-hcl2."""

from __future__ import annotations

import re
from typing import Any

import hcl2
from lark.exceptions import LarkError, UnexpectedInput

from bot.gateways.catalog.issues import quote

_BLANKS = re.compile(r"[ \t]+$", re.MULTILINE)
_END = "\n"


class NotHclError(ValueError):
    """The text is not HCL2, or python-hcl2 cannot read it; ``line`` is where it gave up."""

    def __init__(self, message: str, line: int) -> None:
        super().__init__(message)
        self.line = line


def blocks(text: str) -> dict[str, Any]:
    """The top-level blocks by type, each a list; expressions stay text. Raises ``NotHclError``."""
    # Nomad accepts a blank after a heredoc's end marker, python-hcl2 does not
    trimmed = _BLANKS.sub("", text)
    try:
        found: dict[str, Any] = hcl2.loads(trimmed)
    except UnexpectedInput as error:
        raise NotHclError(*_problem(error, text)) from None
    except (LarkError, RecursionError, ValueError, TypeError) as error:
        raise NotHclError(f"this HCL2 cannot be read ({type(error).__name__})", 1) from None
    return found


def warm() -> None:
    """Build the grammar now. Without a cache that takes seconds, and no request should wait for it."""
    blocks("")


def _problem(error: UnexpectedInput, text: str) -> tuple[str, int]:
    token = getattr(error, "token", None)
    if getattr(token, "type", "") == "$END":
        return "not HCL2: the file ends inside a block", text.count("\n") + 1
    what = "unexpected character" if token is None else f"unexpected {quote(str(token).partition(_END)[0], 30)}"
    return f"not HCL2: {what} in column {error.column}", error.line
