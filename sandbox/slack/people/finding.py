"""Finding what a person clicks: the element in a message, an ephemeral or a view, as it is shown or as it once was."""

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
    """What a control call wants clicked: `action_id`, and `block_id` and `value` where several elements share that."""

    def __init__(self, asked: Json) -> None:
        self.action_id = str(asked.get("action_id", ""))
        self.block_id: Any = asked.get("block_id")
        self.given: Any = asked.get("selected_option", asked.get("value"))
        self.value: Any = asked.get("value")
        self.stale = bool(asked.get("stale"))

    def found_in(self, blocks: Iterable[Json]) -> tuple[Json, Json] | None:
        """The block and the element that are meant, None where they are not shown."""
        fitting = [(block, one) for block, one in _elements(blocks) if self._fits(block, one)]
        return fitting[0] if fitting else None

    def _fits(self, block: Json, element: Json) -> bool:
        if element.get("action_id") != self.action_id or self.block_id not in (None, block["block_id"]):
            return False
        # A button is known by its value too: "approve plan 2" is another button than "approve plan 3".
        return element["type"] != "button" or self.value in (None, element.get("value"))


def _elements(blocks: Iterable[Json]) -> Iterator[tuple[Json, Json]]:
    for block in blocks:
        if block["type"] in {"container", "carousel"}:
            yield from _elements(block.get("child_blocks") or block.get("elements") or [])
            continue
        yield from ((block, element) for _, element in interactive(block))


def _gone(click: Click) -> ControlError:
    return ControlError(
        f"{click.action_id!r} is not there any more. Reload to see what is, or send the click as stale."
    )


def in_message(message: Message, click: Click) -> tuple[Revision, Json, Json]:
    """The revision, block and element; earlier revisions, and deleted messages, only for a stale click."""
    # The newest first: a button that stayed the same is clicked on the message as it is.
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
    """The person with that id."""
    person = world.workspace.person(str(user))
    if person is None:
        raise ControlError(f"There is nobody with the id {user!r} in this workspace.", 404)
    return person


def channel_for(world: World, person: Person, channel_id: Any) -> Channel:
    """The conversation with that id, if that person can see it."""
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
    """The ephemeral message with that id, if that person sees it."""
    ephemeral = world.state.ephemerals.get(str(ephemeral_id))
    if ephemeral is None or ephemeral.user != person.id:
        raise ControlError(f"{person.real_name} sees no ephemeral message {ephemeral_id!r} (any more).", 404)
    return ephemeral


def view_for(world: World, person: Person, view_id: Any) -> OpenView:
    """The modal or App Home with that id, if it is on that person's screen."""
    home = world.state.homes.get(person.id)
    opened = world.state.views.get(str(view_id)) or (home if home and home.id == view_id else None)
    if opened is None or opened.user != person.id:
        raise ControlError(f"{person.real_name} has no view {view_id!r} open (any more).", 404)
    return opened
