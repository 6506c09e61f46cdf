"""The control of a click: Bolt on aiohttp as its documentation has it, with a listener that makes one raw commit.

``python -m bench.bolt PORT DATABASE LISTENERS``
"""

from __future__ import annotations

import logging
import sqlite3
import sys
from typing import TYPE_CHECKING, Any

from aiohttp import web
from slack_bolt.async_app import AsyncApp
from slack_bolt.authorization import AuthorizeResult

from bench.around import TEAM
from bench.slack import SECRET, TOKEN

if TYPE_CHECKING:
    from collections.abc import Sequence


def main(arguments: Sequence[str]) -> None:
    """Serve until it is killed."""
    port, file, listeners = int(arguments[0]), arguments[1], int(arguments[2])
    logging.disable(logging.INFO)
    connection = sqlite3.connect(file, isolation_level=None)
    for statement in ("PRAGMA journal_mode = wal", "PRAGMA synchronous = full", "CREATE TABLE clicks (value TEXT)"):
        connection.execute(statement)

    async def authorize(**_: Any) -> AuthorizeResult:
        return AuthorizeResult(enterprise_id=None, team_id=TEAM, bot_token=TOKEN, bot_id="B0BOT", bot_user_id="U0BOT")

    app = AsyncApp(signing_secret=SECRET, authorize=authorize)

    async def commit(ack: Any, body: dict[str, Any]) -> None:
        connection.execute("INSERT INTO clicks VALUES (?)", [body.get("trigger_id", "")])
        await ack()

    for number in range(listeners - 1):
        app.action(f"other{number}")(commit)
        app.command(f"/other{number}")(commit)
    app.action("deploy.approve")(commit)
    app.command("/deploy")(commit)
    server = app.server(port=port, path="/slack/events")
    web.run_app(server.web_app, host="127.0.0.1", port=port, access_log=None, print=lambda _: None)


if __name__ == "__main__":
    main(sys.argv[1:])
