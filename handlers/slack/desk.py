"""One request from Slack as handlers get it, and the deploy that a button or a form names."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bot.operations.deploys.decide import Origin
from handlers.slack.identity import channel_of, text_of, ts_of

if TYPE_CHECKING:
    from bot.domain.actor import SlackUser
    from bot.gateways.blocks.parts import Message
    from bot.ports import Ports
    from handlers.slack.decoding import Payload
    from handlers.slack.identity import Sender
    from handlers.slack.respond import Background, Voice

# a value only names what the person saw; the store is read again before anything is decided
_VALUE = re.compile(r"(?:(?P<verb>[a-z]{1,20}) )?D-(?P<id>[1-9][0-9]{0,17}):(?P<plan>[0-9]{1,9})")


@dataclass(frozen=True, slots=True)
class Desk:
    """What handlers work with: the ports, private answers, and the tasks that outlive a request."""

    ports: Ports
    voice: Voice
    background: Background


@dataclass(frozen=True, slots=True)
class Call:
    """One request: the payload, its sender, and the replay key of its signature."""

    desk: Desk
    payload: Payload
    sender: Sender
    signature: str

    @property
    def actor(self) -> SlackUser:
        """The person who sent it."""
        return self.sender.user

    @property
    def channel(self) -> str:
        """The channel of a command or a click; empty for a modal."""
        named = self.payload.get("channel")
        nested = named.get("id") if isinstance(named, dict) else None
        return channel_of(self.payload.get("channel_id")) or channel_of(nested)

    @property
    def container(self) -> Payload:
        """The message or the modal that a click came from; empty if there is none."""
        found = self.payload.get("container")
        return found if isinstance(found, dict) else {}

    @property
    def origin(self) -> Origin:
        """What the operation records: the replay key, and where a later answer goes."""
        return Origin(
            signature=self.signature,
            channel=self.channel,
            response_url=text_of(self.payload.get("response_url"), 2000),
            thread_ts=ts_of(self.container.get("thread_ts")),
        )

    def answer(self, message: Message, *, replace: bool = False) -> None:
        """Answer the person in the background; ``replace`` the message that they clicked on."""
        self.desk.background.spawn(self.say(message, replace=replace), "answer")

    async def say(self, message: Message, *, replace: bool = False) -> None:
        """Answer the person where they typed or clicked. Raises what ``Voice.say`` raises."""
        origin = self.origin
        # thread_ts only if the click was in a thread: an ephemeral message in a thread is invisible in the channel
        await self.desk.voice.say(
            message,
            user=self.actor.id,
            channel=origin.channel,
            response_url=origin.response_url,
            thread_ts=origin.thread_ts,
            replace=replace,
        )


@dataclass(frozen=True, slots=True)
class DeployRef:
    """What a button or a form is about: a deploy, the plan that the person saw, and the entry of a menu."""

    deploy_id: int
    plan: int
    verb: str = ""

    @property
    def value(self) -> str:
        """``D-12:2``."""
        return f"D-{self.deploy_id}:{self.plan}"


def deploy_ref(value: object) -> DeployRef | None:
    """The reference in ``D-12:2`` or ``withdraw D-12:2``; None for anything else."""
    found = _VALUE.fullmatch(value) if isinstance(value, str) else None
    return DeployRef(int(found["id"]), int(found["plan"]), found["verb"] or "") if found else None
