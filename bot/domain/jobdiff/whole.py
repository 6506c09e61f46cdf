"""The whole plan as text: in the thread, in the thread's file, and on the pages of ``/deploy plan``."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC

from bot.domain.deploy.deploy import Deploy
from bot.domain.deploy.plan import Change, Flag, Plan
from bot.domain.deploy.sentences import maker, replaced, replaced_on
from bot.domain.jobdiff.text import LIMIT, cost, whole

_PIECE = 500
"""Most characters of a line on a page: even if each is escaped, five lines' worth of room is enough for one."""
_GOES_ON = "      ↳ "
# what no font shows, or what turns the text around it: blanks of other scripts, bidi marks, tags
_UNSEEN = re.compile("[\u00ad\u061c\u115f\u1160\u17b4\u17b5\u180e\u3164\uffa0\u2028\u2029]")
_KEPT = "\t\u2068\u2069"
"""A tab, and the marks that keep right-to-left words in their place."""
_KINDS = frozenset({"Cc", "Cf", "Cs", "Co", "Cn"})
NO_CHANGES = "No changes."
NO_DIFFERENCE = "Nomatron found no difference between the two jobs, but Nomad says that there is one."


def explicit(text: str, keep: str = "") -> str:
    r"""The text with every character that nobody sees as ``\u202e``, so that two values that differ look different.

    Line ends and tabs are ``\n`` and ``\t``, except those in ``keep``.
    """
    return "".join(char if char in keep else _seen(char) for char in text)


def _seen(char: str) -> str:
    if char in "\n\t\r":
        return {"\n": "\\n", "\t": "\\t", "\r": "\\r"}[char]
    hidden = unicodedata.category(char) in _KINDS or _UNSEEN.match(char)
    return f"\\u{ord(char):04x}" if hidden else char


def tally(changes: Sequence[Change]) -> str:
    """``12 changes, 2 flagged``."""
    flagged = sum(1 for each in changes if each.flags)
    noun = "change" if len(changes) == 1 else "changes"
    return f"{len(changes)} {noun}, {flagged or 'none'} flagged"


def nothing(plan: Plan) -> str:
    """What a plan without changes says: only equal jobs have none."""
    return NO_CHANGES if plan.unchanged else NO_DIFFERENCE


def plan_lines(deploy: Deploy, plan: Plan) -> list[str]:
    """Everything that a plan says of the change: the request's settings, each change whole, and what differs.

    Characters that nobody sees are written as escapes.
    """
    return [explicit(line, keep=_KEPT) for line in _lines(deploy, plan)]


def about(deploy: Deploy, plan: Plan) -> tuple[str, ...]:
    """What stands above the list: what the plan replaces, the reason of the request, and the plan's warnings."""
    reason = f"Reason: {deploy.reason}" if deploy.reason else ""
    return tuple(line for line in (_replaces(plan), reason, *plan.warnings) if line)


def _replaces(plan: Plan) -> str:
    base = plan.base
    if base is None:
        # a plan that is older than the record of its base
        return f"Replaces {plan.from_version}." if plan.from_version else ""
    if base.job_version is None:
        return "The first version of this job."
    if not base.is_ours:
        return f"Replaces {replaced_on(base, UTC)}."
    return f"Replaces {replaced(base)} ({maker(base)}), job version {base.job_version}."


def file_of(deploy: Deploy, plan: Plan) -> str:
    """The plan as a text file."""
    what = f"{deploy.service} {deploy.version} to {deploy.environment}"
    head = (f"Plan {plan.number} of {deploy.number}: {what}", plan.effect, *about(deploy, plan), "")
    return "\n".join([*(explicit(line) for line in head), *plan_lines(deploy, plan), ""])


def _lines(deploy: Deploy, plan: Plan) -> Iterator[str]:
    # a flagged change of its own names each setting, on plans that are not older than the flags
    if deploy.overrides and not any(Flag.OVERRIDE in each.flags for each in plan.changes):
        yield "Set by the request:"
        yield from (f"  {name} = {value}" for name, value in sorted(deploy.overrides.items()))
        yield ""
    if plan.changes:
        yield f"{tally(plan.changes)}:"
        yield from whole(plan.changes).split("\n")
    else:
        yield nothing(plan)
    if plan.differs:
        yield ""
        yield f"Compared with {plan.compared_with or 'the previous environment'}:"
        yield from (f"  {each}" for each in plan.differs)


def pages(lines: Iterable[str], room: int = LIMIT) -> list[str]:
    """The lines as texts that each cost at most ``room``; a line that is too long goes on in the next one."""
    found: list[str] = []
    page: list[str] = []
    left = room
    for line in (piece for each in lines for piece in _pieces(each)):
        left -= cost([line])
        if left < 0 and page:
            found.append("\n".join(page))
            page, left = [], room - cost([line])
        page.append(line)
    return [*found, "\n".join(page)]


def _pieces(line: str) -> Iterator[str]:
    yield line[:_PIECE]
    for start in range(_PIECE, len(line), _PIECE):
        yield _GOES_ON + line[start : start + _PIECE]
