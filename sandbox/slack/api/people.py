"""The users.* and usergroups.* methods, with the fields of Slack's user and user group objects."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sandbox.slack.api.method import Method
from sandbox.slack.api.paging import page
from sandbox.slack.refusals import SlackError

if TYPE_CHECKING:
    from sandbox.slack.arguments import Arguments
    from sandbox.slack.state import Json
    from sandbox.slack.workspace import Person, UserGroup, Workspace
    from sandbox.slack.world import World


def user_object(workspace: Workspace, person: Person) -> Json:
    """Slack's user object; e-mail only with users:read.email, most fields only for active people."""
    profile: Json = {"real_name": person.real_name, "display_name": person.name, "team": workspace.team_id}
    if person.email and "users:read.email" in workspace.scopes:
        profile["email"] = person.email
    user: Json = {
        "id": person.id,
        "team_id": person.team_id or workspace.team_id,
        "name": person.name,
        "deleted": person.deleted,
        "profile": profile,
        "is_bot": person.is_bot,
        "is_app_user": person.is_app_user,
        "updated": 1_700_000_000,
    }
    if person.is_stranger:
        user["is_stranger"] = True
    elif workspace.enterprise_id:
        user["enterprise_user"] = {
            "id": person.id,
            **workspace.enterprise(),
            "is_admin": False,
            "is_owner": False,
            "is_primary_owner": False,
            "teams": person.teams or [person.team_id or workspace.team_id],
        }
    # For people who left, Slack returns little more than that they left.
    return user if person.deleted else {**user, **_of_active(person)}


def _of_active(person: Person) -> Json:
    return {
        "real_name": person.real_name,
        "color": "4bbe2e",
        "tz": person.tz,
        "tz_label": person.tz,
        "tz_offset": 0,
        "is_admin": person.is_admin,
        "is_owner": person.is_owner,
        "is_primary_owner": False,
        "is_restricted": person.is_restricted or person.is_ultra_restricted,
        "is_ultra_restricted": person.is_ultra_restricted,
        "is_email_confirmed": True,
        "who_can_share_contact_card": "EVERYONE",
    }


def bot_user_object(workspace: Workspace) -> Json:
    """The user object of the app itself."""
    name = workspace.app_name
    return {
        "id": workspace.bot_user,
        "team_id": workspace.team_id,
        "name": name.lower(),
        "real_name": name,
        "deleted": False,
        "is_bot": True,
        "is_app_user": False,
        "updated": 1_700_000_000,
        "profile": {"real_name": name, "bot_id": workspace.bot_id, "api_app_id": workspace.app_id},
    }


def users_info(world: World, arguments: Arguments) -> Json:
    """users.info."""
    user = arguments.required("user")
    if user == world.workspace.bot_user:
        return {"user": bot_user_object(world.workspace)}
    person = world.workspace.person(user)
    if person is None:
        raise SlackError("user_not_found")
    return {"user": user_object(world.workspace, person)}


def users_list(world: World, arguments: Arguments) -> Json:
    """users.list, in pages."""
    workspace = world.workspace
    everybody = [user_object(workspace, person) for person in workspace.people] + [bot_user_object(workspace)]
    return page("members", everybody, arguments)


def group_object(workspace: Workspace, group: UserGroup, *, users: bool, count: bool) -> Json:
    """Slack's user group object, with members and their number if the call requests them."""
    shown: Json = {
        "id": group.id,
        "team_id": workspace.team_id,
        "is_usergroup": True,
        "is_subteam": True,
        "name": group.name,
        "description": group.description,
        "handle": group.handle,
        "is_external": False,
        "date_create": 1_700_000_000,
        "date_update": group.updated_at,
        "date_delete": group.disabled_at,
        "auto_type": None,
        "created_by": workspace.people[0].id if workspace.people else workspace.bot_user,
        "updated_by": workspace.people[0].id if workspace.people else workspace.bot_user,
        "deleted_by": None,
        "prefs": {"channels": [], "groups": []},
    }
    if users:
        shown["users"] = list(group.users)
    if count:
        shown["user_count"] = len(group.users)
    return shown


def usergroups_list(world: World, arguments: Arguments) -> Json:
    """usergroups.list; user groups exist on paid plans only."""
    _need_paid_plan(world)
    users, count = arguments.flag("include_users"), arguments.flag("include_count")
    wanted = [one for one in world.workspace.groups if arguments.flag("include_disabled") or not one.disabled_at]
    return {"usergroups": [group_object(world.workspace, one, users=users, count=count) for one in wanted]}


def usergroups_users_list(world: World, arguments: Arguments) -> Json:
    """usergroups.users.list; lists members of a disabled group only with include_disabled."""
    _need_paid_plan(world)
    group = world.workspace.group(arguments.required("usergroup"))
    if group is None or (group.disabled_at and not arguments.flag("include_disabled")):
        raise SlackError("no_such_subteam")
    return {"users": list(group.users)}


def _need_paid_plan(world: World) -> None:
    if not world.workspace.paid_plan:
        raise SlackError("plan_upgrade_required")


METHODS = {
    "users.info": Method(users_info, ("users:read",), tier=4),
    "users.list": Method(users_list, ("users:read",), tier=2),
    "usergroups.list": Method(usergroups_list, ("usergroups:read",), tier=2),
    "usergroups.users.list": Method(usergroups_users_list, ("usergroups:read",), tier=2),
}
