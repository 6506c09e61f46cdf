"""The verbs that use the database: read the settings, open the ports, run, and print errors without a traceback.

Only the module of the verb that runs is imported.
"""

from __future__ import annotations

import asyncio
import getpass
import importlib
import os
import sys
from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

from bot import settings as environment
from bot.errors import NomatronError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Sequence

    from bot.domain.locks import Target
    from bot.ports import Ports
    from bot.settings import Settings


def apply(argv: Sequence[str]) -> int:
    """``nomatron apply``."""
    command = _command("apply")
    words = command.parse(argv)

    async def act(settings: Settings) -> int:
        async with _open(settings) as ports:
            done: int = await command.execute(words, ports, settings.catalog, getpass.getuser())
            return done

    return carry_out(act)


def resolve(argv: Sequence[str]) -> int:
    """``nomatron resolve``."""
    command = _command("resolve")
    asked = command.parse(argv)

    async def act(settings: Settings) -> int:
        async with _open(settings) as ports:
            done: int = await command.execute(asked, ports, getpass.getuser())
            return done

    return carry_out(act)


def lock(argv: Sequence[str]) -> int:
    """``nomatron lock``."""
    command = _command("locks")
    return _change_lock(command.lock, command.parse_lock(argv))


def unlock(argv: Sequence[str]) -> int:
    """``nomatron unlock``."""
    command = _command("locks")
    return _change_lock(command.unlock, command.parse_unlock(argv))


def _change_lock(change: Callable[[Target, Ports, str], Awaitable[int]], target: Target) -> int:
    return _query(lambda ports: change(target, ports, getpass.getuser()))


def status(argv: Sequence[str]) -> int:
    """``nomatron status``."""
    return _asks("status", argv)


def history(argv: Sequence[str]) -> int:
    """``nomatron history``."""
    return _asks("history", argv)


def audit(argv: Sequence[str]) -> int:
    """``nomatron audit``."""
    return _asks("audit", argv)


def _asks(name: str, argv: Sequence[str]) -> int:
    command = _command(name)
    return _query(partial(command.execute, command.parse(argv)))


@asynccontextmanager
async def _open(settings: Settings) -> AsyncIterator[Ports]:
    """The command's ports, if the tables fit. Imported here: to explain a verb takes no database."""
    database = importlib.import_module("bot.wiring.database")
    await database.check_schema(settings)
    async with database.open_database(settings) as ports:
        yield ports


def _command(name: str) -> Any:
    return importlib.import_module(f"handlers.cli.{name}")


def _query(execute: Callable[[Ports], Awaitable[int]]) -> int:
    async def act(settings: Settings) -> int:
        async with _open(settings) as ports:
            return await execute(ports)

    return carry_out(act)


def carry_out(act: Callable[[Settings], Awaitable[int]]) -> int:
    """Read the settings and act; the exit status, 1 with the error on standard error if it is one of ours."""

    async def main() -> int:
        return await act(environment.read())

    try:
        status = asyncio.run(main())
        sys.stdout.flush()
    except NomatronError as error:
        sys.stderr.write(f"nomatron: {error}\n")
        return 1
    except BrokenPipeError:
        # the reader stopped (`| head`): without this, Python would try to write the rest again when it exits
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    return status
