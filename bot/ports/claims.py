"""What the store's port hands to workers: claims of deploys and of messages, and what they ask for."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, ClassVar, Final

if TYPE_CHECKING:
    from bot.domain.deploy.deploy import Status
    from bot.domain.deploy.message import Outgoing


@dataclass(frozen=True, slots=True)
class Claim:
    """A lease on a deploy until ``until``, by the database's clock. A write with an older ``fence`` fails."""

    deploy_id: int
    status: Status
    owner: str
    fence: int
    until: datetime
    taken_at: datetime
    lane: str = ""


LONGEST_LEASE: Final = timedelta(minutes=10)
"""The longest lease that a setting allows. One that seems to last longer was given by a clock that was wrong."""


@dataclass(frozen=True, slots=True)
class Due:
    """A deploy that was due at ``due_at`` in that state a moment ago, and that no worker kept then."""

    deploy_id: int
    status: Status
    lane: str
    due_at: datetime


CLOCK_TOLERANCE: Final = timedelta(seconds=5)
"""By how much the ``now`` of a call may be older than what others have written when its turn to write comes.

Only what lies further ahead than that was written by a clock that was set back since.
"""


MESSAGES: Final = "messages"
"""The work on the outbox, for the bell."""
JUDGING: Final = "judging"
"""To judge deploys by a new catalog, for the bell."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which deploys a worker asks for: those in ``statuses``, but in no lane that is ``full``, and not ``besides``.

    ``within`` is the longest time by which its rules put such a deploy off. If one is due further ahead, a clock was
    wrong, and it is due now.
    """

    statuses: frozenset[Status]
    within: timedelta
    full: frozenset[str] = frozenset()
    besides: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Parcel:
    """A lease on an outgoing message.

    ``tries`` counts the earlier attempts to send it, but not those that Slack's limits put off; ``crashes`` those in
    which Nomatron itself failed. ``begun``: an earlier attempt may have reached Slack. A deploy's card and a digest say
    that in rows of their own. ``channel`` is where it will probably go, empty if that is not known.
    """

    lane: ClassVar[str] = ""
    """All parcels are in one lane: no cluster has to do with them."""
    id: int
    outgoing: Outgoing
    owner: str
    fence: int
    created_at: datetime
    tries: int
    crashes: int = 0
    begun: bool = False
    channel: str = ""
