"""Our Bolt app without the guard: payloads straight to it, and the names that are registered with it."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, cast

from slack_bolt.request.async_request import AsyncBoltRequest

from handlers.slack.app import CALL, build, register

if TYPE_CHECKING:
    from collections.abc import Callable

    from slack_bolt.async_app import AsyncApp

    from bot.gateways.blocks.parts import Message
    from handlers.slack.desk import Call


@dataclass
class Names:
    """Stands in for the Bolt app: remembers by which names listeners are registered, patterns left out."""

    commands: list[str] = field(default_factory=list)
    actions: list[str] = field(default_factory=list)
    views: list[str] = field(default_factory=list)
    closed: list[str] = field(default_factory=list)

    def command(self, name: object) -> Callable[[Any], None]:
        return self._into(self.commands, name)

    def action(self, name: object) -> Callable[[Any], None]:
        return self._into(self.actions, name)

    def view(self, name: object) -> Callable[[Any], None]:
        return self._into(self.views, name)

    def view_closed(self, name: object) -> Callable[[Any], None]:
        return self._into(self.closed, name)

    @staticmethod
    def _into(names: list[str], name: object) -> Callable[[Any], None]:
        if isinstance(name, str):
            names.append(name)
        return lambda _: None


def registered() -> Names:
    """The names of everything that Bolt serves."""
    names = Names()
    register(cast("AsyncApp", names))
    return names


@dataclass
class Listening:
    """A voice that remembers what it said, and whether it replaced a message."""

    messages: list[Message] = field(default_factory=list)
    replaced: list[bool] = field(default_factory=list)

    async def say(self, message: Message, *, replace: bool = False, **_: str) -> None:
        """Remember it."""
        self.messages.append(message)
        self.replaced.append(replace)

    async def open_view(self, trigger_id: str, view: dict[str, Any]) -> None:
        """Forms are not remembered."""


async def click(call: Call, action_id: str, **element: Any) -> Listening:
    """What the person is told after a click on an element with that id."""
    voice = Listening()
    call = replace(
        call,
        desk=replace(call.desk, voice=voice),
        payload={"type": "block_actions", **call.payload, "actions": [{"action_id": action_id, **element}]},
    )
    await _dispatch(call)
    await call.desk.background.drain(5)
    return voice


async def submit(call: Call, view: dict[str, Any]) -> dict[str, Any] | None:
    """What the acknowledgement of a submitted form carries; None if it only closes the form."""
    view = {"type": "modal", **view}
    body = await _dispatch(replace(call, payload={"type": "view_submission", **call.payload, "view": view}))
    return json.loads(body) if body else None


async def _dispatch(call: Call) -> str:
    answer = await build().async_dispatch(AsyncBoltRequest(body=call.payload, mode="socket_mode", context={CALL: call}))
    assert answer.status == 200, answer.body
    return answer.body or ""
