"""Finds the element that a person clicks, in the current or an earlier state of a message, an ephemeral or a view."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sandbox.slack.blockkit.validator import interactive
from sandbox.slack.refusals import ControlError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from sandbox.slack.state import Ephemeral, Json, Message, OpenView, Revision
    from sandbox.slack.workspace import Channel, Person
    from sandbox.slack.world import World


class Click:
    """The element that a control call names: `action_id`, and `block_id` and `value` if several elements share that."""

    def __init__(self, asked: Json) -> None:
        self.action_id = str(asked.get("action_id", ""))
        self.block_id: Any = asked.get("block_id")
        self.given: Any = asked.get("selected_option", asked.get("value"))
        self.value: Any = asked.get("value")
        self.stale = bool(asked.get("stale"))

    def found_in(self, blocks: Iterable[Json]) -> tuple[Json, Json] | None:
        """The block and the element in these blocks; None if they are not there."""
        fitting = [(block, one) for block, one in _elements(blocks) if self._fits(block, one)]
        return fitting[0] if fitting else None

    def _fits(self, block: Json, element: Json) -> bool:
        if element.get("action_id") != self.action_id or self.block_id not in (None, block["block_id"]):
            return False
        # The value matters, too: "approve plan 2" is a different button from "approve plan 3".
        return element["type"] != "button" or self.value in (None, element.get("value"))


def _elements(blocks: Iterable[Json]) -> Iterator[tuple[Json, Json]]:
    for block in blocks:
        if block["type"] in {"container", "carousel"}:
            yield from _elements(block.get("child_blocks") or block.get("elements") or [])
            continue
        yield from ((block, element) for _, element in interactive(block))


def _gone(click: Click) -> ControlError:
    return ControlError(f"{click.action_id!r} is no longer there. Reload the message, or send the click as stale.")


def in_message(message: Message, click: Click) -> tuple[Revision, Json, Json]:
    """The revision, block and element; looks at earlier revisions and deleted messages only for a stale click."""
    # Newest first: if a button did not change, the click is on the current message.
    revisions = [message.now, *reversed(message.earlier)] if click.stale else [message.now]
    for revision in [] if message.deleted and not click.stale else revisions:
        found = click.found_in(revision.blocks)
        if found is not None:
            return revision, *found
    raise _gone(click)


def in_blocks(blocks: list[Json], click: Click) -> tuple[Json, Json]:
    """The block and element in an ephemeral or a view, which have no earlier revisions."""
    found = click.found_in(blocks)
    if found is None:
        raise _gone(click)
    return found


def person_of(world: World, user: Any) -> Person:
    """The person with that id. Raises ControlError if there is none."""
    person = world.workspace.person(str(user))
    if person is None:
        raise ControlError(f"There is no person with the id {user!r} in this workspace.", 404)
    return person


def channel_for(world: World, person: Person, channel_id: Any) -> Channel:
    """The conversation with that id. Raises ControlError if there is none, or if that person cannot see it."""
    channel = world.workspace.channel(str(channel_id))
    if channel is None:
        raise ControlError(f"There is no channel {channel_id!r} in this workspace.", 404)
    if channel.private and person.id not in channel.members:
        raise ControlError(f"{person.real_name} is not in #{channel.name} and cannot see it.")
    return channel


def message_for(world: World, channel: Channel, ts: Any) -> Message:
    """The message at that timestamp, deleted or not."""
    message = world.state.messages.get((channel.id, str(ts)))
    if message is None:
        raise ControlError(f"There is no message {ts!r} in #{channel.name}.", 404)
    return message


def ephemeral_for(world: World, person: Person, ephemeral_id: Any) -> Ephemeral:
    """The ephemeral message with that id. Raises ControlError if that person does not see it."""
    ephemeral = world.state.ephemerals.get(str(ephemeral_id))
    if ephemeral is None or ephemeral.user != person.id:
        raise ControlError(f"{person.real_name} does not see an ephemeral message {ephemeral_id!r}.", 404)
    return ephemeral


def view_for(world: World, person: Person, view_id: Any) -> OpenView:
    """The modal or App Home with that id. Raises ControlError if that person does not have it open."""
    home = world.state.homes.get(person.id)
    opened = world.state.views.get(str(view_id)) or (home if home and home.id == view_id else None)
    if opened is None or opened.user != person.id:
        raise ControlError(f"{person.real_name} does not have the view {view_id!r} open.", 404)
    return opened
