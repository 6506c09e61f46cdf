"""Reads the arguments of a Web API call as Slack does: from query, form or JSON; structures may be JSON text."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from sandbox.slack.refusals import SlackError, invalid_arguments

if TYPE_CHECKING:
    from aiohttp import web

FORM_TYPES = ("application/x-www-form-urlencoded", "multipart/form-data")


async def read_arguments(request: web.Request, *, json_body: bool) -> tuple[dict[str, Any], list[str]]:
    """The call's arguments, and Slack's warnings about their form.

    The body takes precedence over the query. A JSON body counts only if the method accepts one (`json_body`): Slack's
    read methods ignore a JSON body.
    """
    # A POST may carry arguments in its query as well; slack_sdk does so for some methods.
    arguments: dict[str, Any] = dict(request.query)
    if request.method != "POST" or not request.can_read_body:
        return arguments, []
    if request.content_type in FORM_TYPES:
        # Files are no arguments: uploads have their own address.
        arguments.update({name: value for name, value in (await request.post()).items() if isinstance(value, str)})
        return arguments, []
    if request.content_type != "application/json":
        raise SlackError("invalid_post_type")
    body = _json_object(await request.text())
    if json_body:
        arguments.update(body)
    return arguments, [] if request.charset else ["missing_charset"]


def _json_object(text: str) -> dict[str, Any]:
    try:
        body = json.loads(text or "{}")
    except ValueError as wrong:
        raise SlackError("invalid_json") from wrong
    if not isinstance(body, dict):
        raise SlackError("json_not_object")
    return body


class Arguments:
    """Typed access to a call's arguments; each method raises `invalid_arguments` for a wrong type."""

    def __init__(self, raw: dict[str, Any]) -> None:
        self.raw = raw

    def __contains__(self, name: str) -> bool:
        return self.raw.get(name) is not None

    def text(self, name: str, default: str = "") -> str:
        """A string argument; a number becomes its text, as in Slack."""
        value = self.raw.get(name)
        if value is None:
            return default
        # bool is an int in Python, but Slack does not accept `true` as text.
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            raise invalid_arguments(f"must provide a string [json-pointer:/{name}]")
        return str(value)

    def required(self, name: str) -> str:
        """A string argument that must exist and not be empty."""
        value = self.text(name)
        if not value:
            raise invalid_arguments(f"missing required field: {name}")
        return value

    def flag(self, name: str, *, default: bool = False) -> bool:
        """A boolean argument: a JSON boolean, or `true`, `1`, `false`, `0` in a form."""
        value = self.raw.get(name)
        if value is None or isinstance(value, bool):
            return default if value is None else value
        return str(value).lower() in {"true", "1"}

    def number(self, name: str, default: int) -> int:
        """An integer argument."""
        try:
            return int(self.text(name, str(default)))
        except ValueError as wrong:
            raise invalid_arguments(f"must be an integer [json-pointer:/{name}]") from wrong

    def structure(self, name: str) -> Any:
        """An object or array, possibly as JSON text; None if it is missing or empty."""
        value = self.raw.get(name)
        if not isinstance(value, str):
            return value
        if not value:
            return None
        try:
            return json.loads(value)
        except ValueError as wrong:
            kind = "invalid_blocks_format" if name == "blocks" else "invalid_arguments"
            raise SlackError(
                kind, response_metadata={"messages": [f"[ERROR] must be valid JSON [json-pointer:/{name}]"]}
            ) from wrong
