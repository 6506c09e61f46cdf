"""The views.* methods: modals in stacks of three, and the App Home."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from sandbox.slack.api.method import Method
from sandbox.slack.refusals import SlackError, invalid_arguments
from sandbox.slack.screens import open_modal, read_view, replace_view, view_object
from sandbox.slack.state import OpenView

if TYPE_CHECKING:
    from sandbox.slack.arguments import Arguments
    from sandbox.slack.state import Json
    from sandbox.slack.world import World


def open_(world: World, arguments: Arguments) -> Json:
    """views.open: uses up the trigger even if the view is invalid."""
    view = read_view(arguments.structure("view"), "modal")
    trigger = world.triggers.take(_trigger_id(arguments))
    on_top = world.state.views.get(trigger.view) if trigger.view else None
    opened = open_modal(world, trigger.user, view, above=on_top)
    return {"view": view_object(world, opened)}


def push(world: World, arguments: Arguments) -> Json:
    """views.push: opens a modal above the one in which the person just clicked."""
    view = read_view(arguments.structure("view"), "modal")
    trigger = world.triggers.take(_trigger_id(arguments))
    on_top = world.state.views.get(trigger.view) if trigger.view else None
    if on_top is None:
        raise SlackError("not_found")
    return {"view": view_object(world, open_modal(world, trigger.user, view, above=on_top))}


def _trigger_id(arguments: Arguments) -> str:
    return arguments.text("trigger_id") or arguments.required("interactivity_pointer")


def update(world: World, arguments: Arguments) -> Json:
    """views.update by view_id or external_id; an old hash is a `hash_conflict`."""
    opened = _find(world, arguments)
    view = read_view(arguments.structure("view"), str(opened.view["type"]))
    _check_hash(arguments, opened)
    replace_view(world, opened, view)
    return {"view": view_object(world, opened)}


def _find(world: World, arguments: Arguments) -> OpenView:
    view_id, external_id = arguments.text("view_id"), arguments.text("external_id")
    if not view_id and not external_id:
        raise invalid_arguments("missing required field: view_id")
    candidates = [*world.state.views.values(), *world.state.homes.values()]
    for one in candidates:
        if one.id == view_id or (external_id and one.view.get("external_id") == external_id):
            return one
    raise SlackError("not_found")


def _check_hash(arguments: Arguments, opened: OpenView) -> None:
    if "hash" in arguments and arguments.text("hash") != opened.view["hash"]:
        raise SlackError("hash_conflict")


def publish(world: World, arguments: Arguments) -> Json:
    """views.publish: sets the App Home of one person."""
    user = arguments.required("user_id")
    if world.workspace.person(user) is None:
        raise SlackError("user_not_found")
    view = read_view(arguments.structure("view"), "home")
    home = world.state.homes.get(user)
    if home is None:
        home_id = world.state.new_id("V")
        home = OpenView(id=home_id, user=user, view={"hash": secrets.token_hex(4)}, root=home_id)
    else:
        _check_hash(arguments, home)
    world.state.homes[user] = home
    replace_view(world, home, view)
    return {"view": view_object(world, home)}


METHODS = {
    "views.open": Method(open_, tier=4, json_body=True),
    "views.push": Method(push, tier=4, json_body=True),
    "views.update": Method(update, tier=4, json_body=True),
    "views.publish": Method(publish, tier=4, json_body=True),
}
