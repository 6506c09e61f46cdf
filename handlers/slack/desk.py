"""What every way in from Slack works with, and one request as it is served."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bot.operations.deploys.origin import Origin
from handlers.slack.identity import channel_of, text_of, ts_of

if TYPE_CHECKING:
    from bot.domain.actor import SlackUser
    from bot.gateways.blocks.parts import Message
    from bot.ports import Ports
    from handlers.slack.decoding import Payload
    from handlers.slack.identity import Sender
    from handlers.slack.respond import Background, Voice

# a value only names what was seen; whatever it names is read anew from the store before anything is decided
_VALUE = re.compile(r"(?:(?P<verb>[a-z]{1,20}) )?D-(?P<id>[1-9][0-9]{0,17}):(?P<plan>[0-9]{1,9})")


@dataclass(frozen=True, slots=True)
class Desk:
    """The verbs' ports, the voice for private answers, and the tasks that outlive a request."""

    ports: Ports
    voice: Voice
    background: Background


@dataclass(frozen=True, slots=True)
class Call:
    """One request: who sent what, and the replay key of its signature."""

    desk: Desk
    payload: Payload
    sender: Sender
    signature: str

    @property
    def actor(self) -> SlackUser:
        """Who acts."""
        return self.sender.user

    @property
    def channel(self) -> str:
        """The channel of a command or click; empty for modals."""
        named = self.payload.get("channel")
        nested = named.get("id") if isinstance(named, dict) else None
        return channel_of(self.payload.get("channel_id")) or channel_of(nested)

    @property
    def container(self) -> Payload:
        """Where a click came from."""
        found = self.payload.get("container")
        return found if isinstance(found, dict) else {}

    @property
    def origin(self) -> Origin:
        """For the operation: its replay key and the surface that later answers go to."""
        return Origin(
            signature=self.signature,
            channel=self.channel,
            response_url=text_of(self.payload.get("response_url"), 2000),
            thread_ts=ts_of(self.container.get("thread_ts")),
        )

    def answer(self, message: Message, *, replace: bool = False) -> None:
        """Tell the person in the background, where they clicked; ``replace`` what they clicked on."""
        self.desk.background.spawn(self.say(message, replace=replace), "answer")

    async def say(self, message: Message, *, replace: bool = False) -> None:
        """Tell the person, where they typed or clicked; raises what ``Voice.say`` does."""
        origin = self.origin
        # thread_ts only where the click was in a thread: an ephemeral in a thread cannot be seen from the channel
        await self.desk.voice.say(
            message,
            user=self.actor.id,
            channel=origin.channel,
            response_url=origin.response_url,
            thread_ts=origin.thread_ts,
            replace=replace,
        )


@dataclass(frozen=True, slots=True)
class Target:
    """What a button or a modal is about: the deploy, the plan that was seen, and for a menu its verb."""

    deploy_id: int
    plan: int
    verb: str = ""

    @property
    def value(self) -> str:
        """``D-12:2``."""
        return f"D-{self.deploy_id}:{self.plan}"


def target_of(value: object) -> Target | None:
    """The target that ``D-12:2`` or ``withdraw D-12:2`` names; None for anything else."""
    found = _VALUE.fullmatch(value) if isinstance(value, str) else None
    return Target(int(found["id"]), int(found["plan"]), found["verb"] or "") if found else None
