"""Makes the payloads of commands, clicks, submissions and events (docs.slack.dev, reference/interaction-payloads)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sandbox.slack.posting import as_slack_shows
from sandbox.slack.screens import view_object

if TYPE_CHECKING:
    from sandbox.slack.state import Ephemeral, Json, Message, OpenView, Revision
    from sandbox.slack.workspace import Channel, Person
    from sandbox.slack.world import World


def _common(world: World, kind: str, person: Person) -> Json:
    workspace = world.workspace
    # A person from a Slack Connect partner or from another workspace on Grid has their own team's id.
    home_team = person.team_id or workspace.team_id
    return {
        "type": kind,
        "user": {"id": person.id, "username": person.name, "name": person.name, "team_id": home_team},
        "api_app_id": workspace.app_id,
        "token": workspace.verification_token,
        # Slack names no team if the app is installed for the whole organisation.
        "team": None
        if workspace.org_wide
        else {"id": workspace.team_id, "domain": workspace.team_domain, **workspace.enterprise()},
        "enterprise": {"id": workspace.enterprise_id, "name": workspace.enterprise_name}
        if workspace.enterprise_id
        else None,
        "is_enterprise_install": workspace.org_wide,
    }


def shown_name(world: World, channel: Channel) -> str:
    """The channel's name in payloads: hidden for direct messages, and for private channels without the app."""
    if channel.is_direct:
        return "directmessage"
    # Slack hides the names of private channels from apps that are not in them.
    hidden = channel.private and world.workspace.bot_user not in channel.members
    return "privategroup" if hidden else channel.name


def slash_command(world: World, person: Person, channel: Channel, command: str, text: str) -> dict[str, str]:
    """The form fields of a slash command, in Slack's order."""
    workspace = world.workspace
    return {
        "token": workspace.verification_token,
        "team_id": workspace.team_id,
        "team_domain": workspace.team_domain,
        **workspace.enterprise(),
        "channel_id": channel.id,
        "channel_name": shown_name(world, channel),
        "user_id": person.id,
        "user_name": person.name,
        "command": command,
        "text": text,
        "api_app_id": workspace.app_id,
        "is_enterprise_install": str(workspace.org_wide).lower(),
        "response_url": world.issue_response_url("commands", person.id, channel.id),
        "trigger_id": world.triggers.issue(person.id),
    }


@dataclass(frozen=True)
class Gesture:
    """A click by a person in a channel: the entries of `actions`, and the state of all inputs at that moment."""

    person: Person
    channel: Channel
    actions: list[Json]
    state: Json


def _on_message(world: World, gesture: Gesture, container: Json, response_url: str) -> Json:
    channel = gesture.channel
    thread_ts = container["thread_ts"]
    return {
        **_common(world, "block_actions", gesture.person),
        "container": {name: value for name, value in container.items() if name != "thread_ts" or thread_ts},
        "channel": {"id": channel.id, "name": shown_name(world, channel)},
        "state": {"values": gesture.state},
        "trigger_id": world.triggers.issue(gesture.person.id),
        "response_url": response_url,
        "actions": gesture.actions,
    }


def click_on_message(world: World, gesture: Gesture, message: Message, shown: Revision) -> Json:
    """block_actions from a message as the person saw it; `shown` is an old revision for a stale click."""
    container = {
        "type": "message",
        "message_ts": message.ts,
        "channel_id": gesture.channel.id,
        "is_ephemeral": False,
        "thread_ts": message.thread_ts,
    }
    url = world.issue_response_url("actions", gesture.person.id, gesture.channel.id, message_ts=message.ts)
    return {**_on_message(world, gesture, container, url), "message": as_slack_shows(world, message, shown)}


def click_on_ephemeral(world: World, gesture: Gesture, ephemeral: Ephemeral) -> Json:
    """block_actions from an ephemeral message; has no `message`, because Slack does not store ephemerals."""
    container = {
        "type": "message",
        "message_ts": ephemeral.id,
        "channel_id": gesture.channel.id,
        "is_ephemeral": True,
        "thread_ts": ephemeral.thread_ts,
    }
    url = world.issue_response_url("actions", gesture.person.id, gesture.channel.id, ephemeral=ephemeral.id)
    return _on_message(world, gesture, container, url)


def click_in_view(world: World, person: Person, opened: OpenView, actions: list[Json]) -> Json:
    """block_actions from a modal or an App Home; has no channel and no response_url."""
    return {
        **_common(world, "block_actions", person),
        "container": {"type": "view", "view_id": opened.id},
        "trigger_id": world.triggers.issue(person.id, opened.id),
        "view": view_object(world, opened),
        "actions": actions,
    }


def options_request(world: World, person: Person, opened: OpenView, element: Json, typed: str) -> Json:
    """block_suggestion: requests the options of an external select for the text typed so far."""
    return {
        **_common(world, "block_suggestion", person),
        "container": {"type": "view", "view_id": opened.id},
        "view": view_object(world, opened),
        **element,
        "value": typed,
    }


def shortcut(world: World, person: Person, callback_id: str) -> Json:
    """A global shortcut."""
    return {
        **_common(world, "shortcut", person),
        "action_ts": world.state.new_ts(),
        "callback_id": callback_id,
        "trigger_id": world.triggers.issue(person.id),
    }


def view_submission(world: World, person: Person, opened: OpenView) -> Json:
    """view_submission of a modal."""
    return {
        **_common(world, "view_submission", person),
        "trigger_id": world.triggers.issue(person.id, opened.id),
        "view": view_object(world, opened),
        "response_urls": [],
    }


def view_closed(world: World, person: Person, opened: OpenView, *, cleared: bool) -> Json:
    """view_closed of a modal; `cleared` when the whole stack went."""
    payload = _common(world, "view_closed", person)
    return {**payload, "view": view_object(world, opened), "is_cleared": cleared}


def event_callback(world: World, event: Json) -> Json:
    """The envelope of an Events API request; retries have the same event_id."""
    workspace, now = world.workspace, world.state.now()
    return {
        "token": workspace.verification_token,
        "team_id": workspace.team_id,
        "api_app_id": workspace.app_id,
        "event": {"event_ts": world.state.new_ts(), **event},
        "type": "event_callback",
        "event_id": world.state.new_id("Ev"),
        "event_time": int(now),
        "authorizations": [
            {
                "enterprise_id": workspace.enterprise_id or None,
                "team_id": workspace.team_id,
                "user_id": workspace.bot_user,
                "is_bot": True,
                "is_enterprise_install": workspace.org_wide,
            }
        ],
        "is_ext_shared_channel": False,
        "context_team_id": workspace.team_id,
        "context_enterprise_id": workspace.enterprise_id or None,
    }
