"""The workspace as JSON for the page and for tests: everything that one person sees, or without a person everything."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import asdict
from typing import TYPE_CHECKING

from sandbox.slack.screens import view_object

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox.slack.state import Delivery, Ephemeral, Json, Message, OpenView, State
    from sandbox.slack.workspace import Channel, Person
    from sandbox.slack.world import World

DELIVERIES_SHOWN = 50


def snapshot(world: World, me: Person | None, switches: Json) -> Json:
    """Everything that the person can see now; `switches` are the current faults and limits. Contains no secrets."""
    state, workspace = world.state, world.workspace

    def mine(user: str) -> bool:
        return me is None or user == me.id

    channels = [one for one in workspace.channels if me is None or not one.private or me.id in one.members]
    return {
        "index": state.index,
        "team": {"id": workspace.team_id, "name": workspace.team_name, "domain": workspace.team_domain},
        "app": {"id": workspace.app_id, "name": workspace.app_name, "user": workspace.bot_user},
        "me": asdict(me) if me else None,
        "people": [asdict(one) for one in workspace.people],
        "groups": [asdict(one) for one in workspace.groups],
        "channels": [_channel(state, one, me) for one in channels if not one.is_direct],
        "dms": [_channel(state, one, me) for one in channels if one.is_direct],
        "ephemerals": [_ephemeral(one) for one in state.ephemerals.values() if mine(one.user)],
        "views": _views(world, mine),
        "homes": {user: view_object(world, one) for user, one in state.homes.items() if mine(user)},
        "switches": switches,
        "requests": [_delivery(one) for one in list(state.deliveries)[-DELIVERIES_SHOWN:]],
    }


def _views(world: World, mine: Callable[[str], bool]) -> list[Json]:
    return [_view(world, one) for one in world.state.views.values() if mine(one.user)]


def _view(world: World, opened: OpenView) -> Json:
    top = world.state.stack(opened.user)[-1] is opened
    return {
        "id": opened.id,
        "user": opened.user,
        "view": view_object(world, opened),
        "errors": opened.errors,
        "top": top,
    }


def _channel(state: State, channel: Channel, me: Person | None) -> Json:
    threads: defaultdict[str | None, list[Message]] = defaultdict(list)
    for one in state.messages.values():
        if one.channel == channel.id:
            threads[one.thread_ts].append(one)
    shown = [_thread(one, threads[one.ts]) for one in threads[None]]
    return {
        "id": channel.id,
        "name": channel.name,
        "private": channel.private,
        "archived": channel.archived,
        "member": me is not None and me.id in channel.members,
        "members": list(channel.members),
        "partner": channel.partner,
        "messages": [one for one in shown if one["replies"] or not one["deleted"]],
    }


def _thread(parent: Message, replies: list[Message]) -> Json:
    shown = [_message(one) for one in replies if not one.deleted]
    return {**_message(parent), "reply_count": len(shown), "replies": shown}


def _message(message: Message) -> Json:
    shown = {
        "ts": message.ts,
        "user": message.user,
        "text": message.now.text,
        "blocks": message.now.blocks,
        "attachments": message.now.attachments,
        "metadata": message.now.metadata,
        "thread_ts": message.thread_ts,
        "edited": message.edited,
        "revisions": len(message.earlier) + 1,
        "reactions": message.reactions,
        "files": message.files,
        "deleted": message.deleted,
        "reply_count": 0,
        "replies": [],
    }
    if message.deleted:
        shown |= {"text": "", "blocks": [], "attachments": [], "metadata": None}
    return shown


def _ephemeral(one: Ephemeral) -> Json:
    return asdict(one)


def _delivery(one: Delivery) -> Json:
    return {
        "at": one.at,
        "kind": one.kind,
        "payload": one.payload,
        "status": one.status,
        "ms": one.ms,
        "answer": one.answer,
        "error": one.error,
    }
