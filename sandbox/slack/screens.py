"""Modals on people's screens: validates views, opens, stacks, replaces and closes them, and keeps entered values."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any

from sandbox.slack.blockkit.filling import fill_view
from sandbox.slack.blockkit.validator import view_problems
from sandbox.slack.inputs import initial_state
from sandbox.slack.refusals import SlackError, invalid_arguments
from sandbox.slack.state import OpenView

if TYPE_CHECKING:
    from sandbox.slack.state import Json
    from sandbox.slack.world import World

STACK_LIMIT = 3


def read_view(view: Any, kind: str) -> Json:
    """A validated view of `kind` ("modal" or "home"); raises `invalid_arguments` with a pointer to each problem."""
    if view is None:
        raise invalid_arguments("missing required field: view")
    problems = [str(problem) for problem in view_problems(view)]
    if not problems and view["type"] != kind:
        problems = [f"must be of type {kind} [json-pointer:/view/type]"]
    if problems:
        raise invalid_arguments("failed to match all allowed schemas [json-pointer:/view]", *problems)
    return fill_view(view)


def open_modal(world: World, user: str, view: Json, above: OpenView | None = None) -> OpenView:
    """Show a modal: as a new stack that closes the old one, or on top of the stack of `above`."""
    _refuse_taken_external_id(world, view)
    # A click outside any modal starts a new stack; a click inside a modal adds to its stack.
    if above is None:
        for one in world.state.stack(user):
            del world.state.views[one.id]
    elif len(world.state.stack(user)) >= STACK_LIMIT:
        raise SlackError("push_limit_reached")
    view_id = world.state.new_id("V")
    opened = OpenView(
        id=view_id,
        user=user,
        view={},
        root=above.root if above else view_id,
        previous=above.id if above else None,
    )
    world.state.views[view_id] = opened
    replace_view(world, opened, view)
    return opened


def _refuse_taken_external_id(world: World, view: Json) -> None:
    wanted = view.get("external_id")
    if wanted and any(one.view.get("external_id") == wanted for one in world.state.views.values()):
        raise SlackError("duplicate_external_id")


def replace_view(world: World, opened: OpenView, view: Json) -> None:
    """Replace `opened` with `view`; values stay in inputs whose block_id, action_id and type stay the same."""
    # Every change makes a new hash, by which an app notices that it lost a race.
    opened.view = {**view, "hash": f"{int(world.state.now())}.{secrets.token_hex(4)}"}
    opened.inputs = _kept_inputs(opened.inputs, initial_state(view["blocks"]))
    opened.errors = None
    world.state.changed()


def _kept_inputs(before: Json, fresh: Json) -> Json:
    for block_id, elements in fresh.items():
        for action_id, element in elements.items():
            typed = before.get(block_id, {}).get(action_id)
            if typed is not None and typed["type"] == element["type"]:
                elements[action_id] = typed
    return fresh


def close_modal(world: World, opened: OpenView) -> None:
    """Close a modal and all modals above it."""
    # Nobody could reach the modals above, so close them first.
    above = [one for one in world.state.stack(opened.user) if one.previous == opened.id]
    for one in above:
        close_modal(world, one)
    world.state.views.pop(opened.id, None)
    world.state.changed()


def view_object(world: World, opened: OpenView) -> Json:
    """The JSON of a view for answers and payloads: the app's fields, Slack's ids, and the state of its inputs."""
    workspace, view = world.workspace, opened.view
    return {
        "id": opened.id,
        "team_id": workspace.team_id,
        "type": view["type"],
        "blocks": view["blocks"],
        "private_metadata": view.get("private_metadata", ""),
        "callback_id": view.get("callback_id", ""),
        "state": {"values": opened.inputs},
        "hash": view["hash"],
        "title": view.get("title"),
        "clear_on_close": view.get("clear_on_close", False),
        "notify_on_close": view.get("notify_on_close", False),
        "close": view.get("close"),
        "submit": view.get("submit"),
        "previous_view_id": opened.previous,
        "root_view_id": opened.root,
        "app_id": workspace.app_id,
        "external_id": view.get("external_id", ""),
        "app_installed_team_id": workspace.enterprise_id if workspace.org_wide else workspace.team_id,
        "bot_id": workspace.bot_id,
    }
