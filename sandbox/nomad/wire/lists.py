"""Pages and filters of Nomad's lists."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sandbox.nomad.refusals import Refused
from sandbox.nomad.wire.filters import filter_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sandbox.nomad.records import Json
    from sandbox.nomad.wire.call import Call

# as Nomad reads it: 32 bits with a sign
LARGEST_PAGE = 2**31 - 1


def page_of(call: Call, records: Sequence[tuple[str, Json]]) -> tuple[list[Json], str]:
    """The records of the page that the call asks for, and the token of the next one; each comes with its own token.

    Raises Refused with 400.
    """
    size = call.query.get("per_page", "0")
    if not (size.isascii() and size.isdecimal() and int(size) <= LARGEST_PAGE):
        raise Refused(400, "Expect a number for `per_page` query string parameter")
    passes = filter_of(call.query.get("filter", ""))
    wanted = [each for each in records if passes(each[1])]
    token = call.query.get("next_token", "")
    if token:
        begins = next((number for number, (of_it, _) in enumerate(wanted) if of_it == token), len(wanted))
        wanted = wanted[begins:]
    shown, rest = (wanted[: int(size)], wanted[int(size) :]) if int(size) else (wanted, [])
    return [record for _, record in shown], rest[0][0] if rest else ""
