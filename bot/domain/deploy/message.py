"""What is said to people, before any surface draws it: a deploy's card, and notes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from bot.domain.actor import Actor
from bot.domain.deploy.approval import Approval, Seating
from bot.domain.deploy.deploy import Deploy, Status
from bot.domain.deploy.plan import Plan
from bot.domain.deploy.rollout import Rollout

PLANNING_SHOWN_AFTER: Final = timedelta(seconds=10)
"""A deploy whose plan is not there by then gets its message all the same, saying so."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """Something said once: a thread reply, a private answer, a line to the operators.

    ``text`` and ``lines`` are plain sentences (the surface escapes them), ``mention`` Slack user ids put before them,
    ``users`` and ``groups`` who can do something about it, ``code`` is shown preformatted, ``action`` offers one
    button: (label, action id, value).
    """

    text: str
    lines: tuple[str, ...] = ()
    mention: tuple[str, ...] = ()
    users: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    code: str = ""
    action: tuple[str, str, str] | None = None


class Delivery(StrEnum):
    """How an outgoing intent reaches people."""

    CARD = "card"
    THREAD = "thread"
    TELL = "tell"
    ADMIN = "admin"
    STRIP = "strip"
    DIGEST = "digest"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outgoing:
    """An intent in the outbox, written with the change that causes it and rendered when it is sent.

    CARD: (re)draw the deploy's message from the state of then; at most one is pending for a deploy. THREAD: ``note``
    under it, after it was posted. TELL: ``note`` to ``user`` alone: by ``response_url`` while that is good, else an
    ephemeral in ``channel``, else a direct message. ADMIN: ``note`` to the admin channel. STRIP: take the buttons off
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
    """All that a deploy's one message shows, read at one moment.

    ``channel`` is where it belongs; ``seating`` who sits where and what is missing; ``approvals`` those of the current
    plan, void ones too; ``from_version`` what ran before; ``links`` label to URL (compare, Nomad's UI),
    ``promotes_to`` the environments that the release may go on to now, ``ended_by`` who rejected or withdrew it.
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
    twice: bool = False


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
"""The word for each state: it begins the message's text and heads its blocks, and others rely on it."""
