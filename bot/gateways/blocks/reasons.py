"""Why something waits or is refused: since when, by whom, until when, and who can do something about it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bot.domain.actor import CiIdentity, Operator, SlackUser, actor_from_key, human_behind
from bot.gateways.blocks.text import code, moment, person, second, who, words

if TYPE_CHECKING:
    from bot.domain.actor import Actor
    from bot.domain.decision import Reason


_LONGEST_LOCK: Final = 240
"""Characters of what is locked and why, so that a message has room for all that it says of a lock."""


def name_of(actor: Actor) -> str:
    """Who acted: a mention if there is a person behind it."""
    user = human_behind(actor)
    match actor:
        case SlackUser(id=known):
            return person(known)
        case CiIdentity(subject=subject):
            return f"{person(user)} by {code(subject, 150)}" if user else code(subject, 150)
        case Operator(name=name):
            return f"{code(name, 80)} on the host"
        case _:
            return "Nomatron"


def blocker(reason: Reason) -> str:
    """Why an open deploy does not go on, since when, and who can do something about it."""
    if reason.code == "locked":
        people = who(reason.users, reason.groups, 4)
        end = f" Until {moment(reason.possible_at)}." if reason.possible_at else " Until somebody lifts the lock."
        who_can = f" Who can lift it: {people}." if people else ""
        return f":lock: {words(reason.text, _LONGEST_LOCK)}{_since(reason)}{end}{who_can}"
    people = who(reason.users, reason.groups, 6)
    who_can = f" Who can: {people}." if people else ""
    return f":hourglass: {words(reason.text, 400)}{times(reason)}{who_can}"


def times(reason: Reason) -> str:
    """Since when it is so and when it becomes possible, after the reason's own sentence; empty if neither is known."""
    since = _since(reason)
    return f"{since} Possible from {second(reason.possible_at)} on." if reason.possible_at else since


def _since(reason: Reason) -> str:
    if reason.since is None:
        return ""
    by = f", by {name_of(actor_from_key(reason.by))}" if reason.by else ""
    return f" _Since {moment(reason.since)}{by}._"
