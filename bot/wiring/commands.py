"""The verbs that touch the database: read the settings, compose, run, and end with words instead of a traceback."""

from __future__ import annotations

import argparse
import asyncio
import getpass
import os
import sys
from functools import partial
from typing import TYPE_CHECKING

from bot import settings as environment
from bot.errors import NomatronError
from bot.wiring import logs
from bot.wiring.compose import check_schema, composed
from bot.wiring.server import run as serve
from handlers.cli import apply as apply_command
from handlers.cli import audit as audit_command
from handlers.cli import history as history_command
from handlers.cli import status as status_command
from store.migrate import migrate as migrate_database

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from bot.ports import Ports
    from bot.settings import Settings


def migrate(argv: Sequence[str]) -> int:
    """``nomatron migrate``."""
    argparse.ArgumentParser(prog="nomatron migrate", description="Bring the database's tables up to date.").parse_args(
        argv
    )
    return _ended(_migrate)


async def _migrate(settings: Settings) -> int:
    await migrate_database(settings.database_url)
    sys.stdout.write("the database is up to date\n")
    return 0


def apply(argv: Sequence[str]) -> int:
    """``nomatron apply``."""
    words = apply_command.parse(argv)

    async def act(settings: Settings) -> int:
        await check_schema(settings)
        async with composed(settings) as parts:
            return await apply_command.execute(words, parts.ports, settings.catalog, getpass.getuser())

    return _ended(act)


def status(argv: Sequence[str]) -> int:
    """``nomatron status``."""
    return _looked_up(partial(status_command.execute, status_command.parse(argv)))


def history(argv: Sequence[str]) -> int:
    """``nomatron history``."""
    return _looked_up(partial(history_command.execute, history_command.parse(argv)))


def audit(argv: Sequence[str]) -> int:
    """``nomatron audit``."""
    return _looked_up(partial(audit_command.execute, audit_command.parse(argv)))


def _looked_up(execute: Callable[[Ports], Awaitable[int]]) -> int:
    async def act(settings: Settings) -> int:
        await check_schema(settings)
        async with composed(settings) as parts:
            return await execute(parts.ports)

    return _ended(act)


def run(argv: Sequence[str]) -> int:
    """``nomatron run``."""
    argparse.ArgumentParser(prog="nomatron run", description=serve.__doc__).parse_args(argv)
    logs.set_up()
    return _ended(serve)


def _ended(act: Callable[[Settings], Awaitable[int]]) -> int:
    async def begun() -> int:
        return await act(environment.read())

    try:
        status = asyncio.run(begun())
        sys.stdout.flush()
    except NomatronError as error:
        sys.stderr.write(f"nomatron: {error}\n")
        return 1
    except BrokenPipeError:
        # whoever read has read enough (`| head`); what is left must not be tried once more when Python ends
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    return status
