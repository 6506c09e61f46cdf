"""The methods auth.test, api.test, bots.info, team.info and blocks.validate."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sandbox.slack.api.method import Method
from sandbox.slack.blockkit.validator import message_problems, view_problems
from sandbox.slack.refusals import SlackError, invalid_arguments

if TYPE_CHECKING:
    from sandbox.slack.arguments import Arguments
    from sandbox.slack.blockkit.shapes import Problem
    from sandbox.slack.state import Json
    from sandbox.slack.world import World


def auth_test(world: World, _: Arguments) -> Json:
    """auth.test."""
    workspace = world.workspace
    return {
        "url": f"https://{workspace.team_domain}.slack.com/",
        "team": workspace.team_name,
        "user": workspace.app_name.lower(),
        "team_id": workspace.team_id,
        "user_id": workspace.bot_user,
        "bot_id": workspace.bot_id,
        **({"enterprise_id": workspace.enterprise_id} if workspace.enterprise_id else {}),
        "is_enterprise_install": workspace.org_wide,
    }


def api_test(_: World, arguments: Arguments) -> Json:
    """api.test: returns the arguments, or the error that the caller names."""
    sent = {name: value for name, value in arguments.raw.items() if name != "token"}
    if "error" in arguments:
        raise SlackError(arguments.text("error"), args=sent)
    return {"args": sent}


def bots_info(world: World, arguments: Arguments) -> Json:
    """bots.info for the app's own bot."""
    workspace = world.workspace
    if arguments.text("bot", workspace.bot_id) != workspace.bot_id:
        raise SlackError("bot_not_found")
    bot = {
        "id": workspace.bot_id,
        "deleted": False,
        "name": workspace.app_name,
        "updated": 1_700_000_000,
        "app_id": workspace.app_id,
        "user_id": workspace.bot_user,
        "icons": {},
    }
    return {"bot": bot}


def team_info(world: World, _: Arguments) -> Json:
    """team.info."""
    workspace = world.workspace
    team = {
        "id": workspace.team_id,
        "name": workspace.team_name,
        "domain": workspace.team_domain,
        "email_domain": "",
        "icon": {"image_default": True},
        **workspace.enterprise(),
    }
    return {"team": team}


def validate_blocks(_: World, arguments: Arguments) -> Json:
    """blocks.validate: takes exactly one of blocks, message and view; JSON pointers start at that value."""
    given = [name for name in ("blocks", "message", "view") if name in arguments]
    if len(given) != 1:
        raise invalid_arguments("must define exactly one of: blocks, message, view")
    kind, value = given[0], arguments.structure(given[0])
    problems = _problems(kind, value)
    if problems:
        raise SlackError(f"invalid_{kind}", errors=[_as_error(problem) for problem in problems])
    return {}


def _problems(kind: str, value: Json) -> list[Problem]:
    if kind == "view":
        return view_problems(value, "")
    if kind == "blocks":
        return message_problems(value, "")
    if not isinstance(value, dict):
        raise invalid_arguments("must provide an object [json-pointer:/message]")
    return message_problems(value.get("blocks") or [], "/blocks")


def _as_error(problem: Problem) -> Json:
    constraint = {"type": problem.code, "expected": problem.expected, "got": problem.got}
    return {
        "pointer": problem.pointer,
        "code": problem.code,
        "message": problem.message,
        "constraint": constraint,
    }


METHODS = {
    "auth.test": Method(auth_test, tier=0),
    "api.test": Method(api_test, tier=4, json_body=True),
    "bots.info": Method(bots_info, ("users:read",), tier=3),
    "team.info": Method(team_info, ("team:read",), tier=3),
    "blocks.validate": Method(validate_blocks, tier=0, json_body=True),
}
