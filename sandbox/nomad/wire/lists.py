"""Pages and filters of Nomad's lists."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from sandbox.nomad.refusals import Refused

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sandbox.nomad.records import Json
    from sandbox.nomad.wire.call import Call

_EQUALS = re.compile(r'(\w+) == "([^"]*)"')


def page_of(call: Call, records: Sequence[tuple[str, Json]]) -> tuple[list[Json], str]:
    """The records of the page that the call asks for, and the token of the next one; each comes with its own token.

    Raises Refused with 400. Of Nomad's filters it knows comparisons with a text.
    """
    size = call.query.get("per_page", "0")
    if not size.isdecimal():
        raise Refused(400, "Expect a number for `per_page` query string parameter")
    wanted = _filtered(call.query.get("filter", ""), records)
    token = call.query.get("next_token", "")
    if token:
        begins = next((number for number, (of_it, _) in enumerate(wanted) if of_it == token), len(wanted))
        wanted = wanted[begins:]
    shown, rest = (wanted[: int(size)], wanted[int(size) :]) if int(size) else (wanted, [])
    return [record for _, record in shown], rest[0][0] if rest else ""


def _filtered(text: str, records: Sequence[tuple[str, Json]]) -> list[tuple[str, Json]]:
    if not text:
        return list(records)
    found = _EQUALS.fullmatch(text)
    if found is None:
        raise Refused(400, f"failed to create result paginator: failed to read filter expression: {text}")
    field, value = found.groups()
    if any(field not in record for _, record in records):
        missing = f'/{field} at part 0: couldn\'t find key: struct field with name "{field}"'
        raise Refused(400, f"failed to read result page: error finding value in datum: {missing}")
    return [each for each in records if each[1][field] == value]
