"""Messages to people, before a surface formats them: a deploy's card, notes, and the intents in the outbox."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from bot.domain.actor import Actor
from bot.domain.decision import Reason
from bot.domain.deploy.approval import Approval, Seating
from bot.domain.deploy.deploy import Deploy, Status
from bot.domain.deploy.plan import Plan
from bot.domain.deploy.rollout import Rollout

PLANNING_SHOWN_AFTER: Final = timedelta(seconds=10)
"""A deploy without a plan by then gets its message in the channel anyway, which says that it is being planned."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """A message that is sent once: a thread reply, a private answer, or a line to the operators.

    ``text`` and ``lines`` are plain sentences (the surface escapes them), ``mention`` are Slack user ids to put first,
    ``users`` and ``groups`` those who can do something about it, ``said`` are lines that begin with a person: (user id,
    what they did), ``reasons`` are shown with their people and times, ``code`` is shown preformatted, ``action`` is a
    button: (label, action id, value). ``plan``: instead of a reply, the thread gets the deploy's plan of that number as
    a file.
    """

    text: str
    lines: tuple[str, ...] = ()
    mention: tuple[str, ...] = ()
    users: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    code: str = ""
    action: tuple[str, str, str] | None = None
    said: tuple[tuple[str, str], ...] = ()
    plan: int | None = None
    reasons: tuple[Reason, ...] = ()


MAY_BE_SECOND: Final = "This may appear twice: Slack did not confirm the first one."
"""What a note or a file says if an earlier try to send it may have arrived."""


class Delivery(StrEnum):
    """How an outgoing intent reaches people."""

    CARD = "card"
    THREAD = "thread"
    TELL = "tell"
    ADMIN = "admin"
    STRIP = "strip"
    DIGEST = "digest"
    NOTICE = "notice"


class Way(StrEnum):
    """The call by which a message reaches Slack, which limits each by itself."""

    POST = "post"
    UPDATE = "update"
    TELL = "tell"
    """To one person alone, without a ``response_url``."""
    FILE = "file"


class Setback(StrEnum):
    """Why a message was not sent this time."""

    LIMIT = "limit"
    """Slack, or our own budget, asks to wait: that was no try."""
    OUTAGE = "outage"
    """Slack, the app's rights or the database: it is tried for as long as that lasts."""
    CRASH = "crash"
    """Nomatron itself could not send it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outgoing:
    """An intent in the outbox, written in the transaction that causes it and rendered when it is sent.

    CARD: (re)draw the deploy's message from its state then; at most one is pending for a deploy. THREAD: ``note``
    under it, after it was posted. TELL: ``note`` to ``user`` alone: by ``response_url`` while that is good, else an
    ephemeral in ``channel``, else a direct message. ADMIN: ``note`` to the admin channel. NOTICE: ``note`` to
    ``channel``. STRIP: take the buttons off
    a message (``channel``, ``ts``) that another one replaced. DIGEST: the digest of ``channel`` and ``day`` (ISO 8601),
    and then its CSV. ``not_before`` delays; ``urgent`` goes before the rest.
    """

    kind: Delivery
    deploy_id: int | None = None
    note: Note | None = None
    user: str = ""
    channel: str = ""
    ts: str = ""
    day: str = ""
    response_url: str = ""
    not_before: datetime | None = None
    urgent: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Posted:
    """A deploy's message in Slack. ``posting`` is when an unfinished post began; ``twice`` says it was posted again."""

    deploy_id: int
    channel: str
    ts: str = ""
    posting: datetime | None = None
    twice: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """Everything that a deploy's message shows, read at one moment.

    ``channel`` is the Slack channel of the message; ``seating`` says who fills which seat; ``approvals`` are those of
    the current plan, including void ones; ``from_version`` is the version that ran before; ``links`` maps labels to
    URLs (compare, Nomad's UI); ``promotes_to`` are the environments that the release may be promoted to now;
    ``ended_by`` is who rejected or withdrew the deploy, ``resolved_by`` who said its ``resolution``; ``locks`` are
    those that close its place, if it is not on its way yet; ``rolls_back_to`` is what the deploy can be rolled back to,
    in words, if it is what runs.
    """

    deploy: Deploy
    plan: Plan | None
    seating: Seating
    approvals: tuple[Approval, ...]
    rollouts: tuple[Rollout, ...]
    channel: str
    from_version: str | None
    links: Mapping[str, str]
    job: str
    namespace: str
    promotes_to: tuple[str, ...] = ()
    ended_by: Actor | None = None
    resolved_by: Actor | None = None
    twice: bool = False
    locks: tuple[Reason, ...] = ()
    rolls_back_to: str = ""


STATE_WORDS: Mapping[Status, str] = {
    Status.PLANNING: "Planning",
    Status.WAITING: "Approval needed",
    Status.READY: "Ready",
    Status.DISPATCHING: "Dispatching",
    Status.ROLLING: "Rolling out",
    Status.SUCCEEDED: "Succeeded",
    Status.FAILED: "Failed",
    Status.REJECTED: "Rejected",
    Status.EXPIRED: "Expired",
    Status.WITHDRAWN: "Withdrawn",
    Status.SUPERSEDED: "Superseded",
    Status.INVALID: "Invalid",
    Status.UNCHANGED: "Nothing to do",
}
"""The word for each state, which starts the message's text. Other programs rely on these words (docs/interfaces.md)."""


_PATIENCE: Final = timedelta(hours=1)


def worth_sending(kind: Delivery, age: timedelta) -> bool:
    """Whether a message of this age is still useful. A private answer is useful for an hour; all others always are."""
    return kind is not Delivery.TELL or age < _PATIENCE


MOST_CRASHES: Final = 8
"""After so many crashes a message is dropped that Nomatron itself fails to send. Waits until then: two minutes."""


def back_off(tries: int) -> timedelta:
    """How long to wait before the next try: 1 s, doubled each time, at most 60 s."""
    return timedelta(seconds=min(60, 2 ** min(tries, 6)))
