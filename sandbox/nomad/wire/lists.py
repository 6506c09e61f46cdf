"""Lists as Nomad answers them: cut down by a filter, and page by page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sandbox.nomad.refusals import Refused
from sandbox.nomad.wire.filters import filter_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from sandbox.nomad.records import Json
    from sandbox.nomad.wire.call import Call

# as Nomad reads it: 32 bits with a sign
LARGEST_PAGE = 2**31 - 1


def page(call: Call, records: Iterable[Json], token: Callable[[Json], str]) -> tuple[list[Json], str]:
    """The page of these records that a call asks for, and the token of the next one (empty: there is none).

    `records` are in the order of their tokens; the token of a page is that of its first record.
    """
    length, start = _length(call), call.query.get("next_token", "")
    passes = filter_of(call.query.get("filter", ""))
    found: list[Json] = []
    for record in records:
        if (start and token(record) < start) or not passes(record):
            continue
        if length and len(found) == length:
            return found, token(record)
        found.append(record)
    return found, ""


def _length(call: Call) -> int:
    text = call.query.get("per_page", "")
    if not text:
        return 0
    if not (text.isascii() and text.isdecimal()) or int(text) > LARGEST_PAGE:
        raise Refused(400, "Expect a number for `per_page` query string parameter")
    return int(text)
