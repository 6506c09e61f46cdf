"""The verbs that use the database: read the settings, open the ports, run, and print errors without a traceback."""

from __future__ import annotations

import asyncio
import getpass
import os
import sys
from functools import partial
from typing import TYPE_CHECKING

from bot import settings as environment
from bot.errors import NomatronError
from bot.wiring.compose import check_schema, open_ports
from handlers.cli import apply as apply_command
from handlers.cli import audit as audit_command
from handlers.cli import history as history_command
from handlers.cli import locks as locks_command
from handlers.cli import resolve as resolve_command
from handlers.cli import rollback as rollback_command
from handlers.cli import status as status_command

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from bot.domain.locks import Target
    from bot.ports import Ports
    from bot.settings import Settings


def apply(argv: Sequence[str]) -> int:
    """``nomatron apply``."""
    words = apply_command.parse(argv)

    async def act(settings: Settings) -> int:
        await check_schema(settings)
        async with open_ports(settings) as parts:
            return await apply_command.execute(words, parts.ports, settings.catalog, getpass.getuser())

    return carry_out(act)


def resolve(argv: Sequence[str]) -> int:
    """``nomatron resolve``."""
    asked = resolve_command.parse(argv)

    async def act(settings: Settings) -> int:
        await check_schema(settings)
        async with open_ports(settings) as parts:
            return await resolve_command.execute(asked, parts.ports, getpass.getuser())

    return carry_out(act)


def rollback(argv: Sequence[str]) -> int:
    """``nomatron rollback``."""
    asked = rollback_command.parse(argv)
    return _query(lambda ports: rollback_command.execute(asked, ports, getpass.getuser()))


def lock(argv: Sequence[str]) -> int:
    """``nomatron lock``."""
    return _change_lock(locks_command.lock, locks_command.parse_lock(argv))


def unlock(argv: Sequence[str]) -> int:
    """``nomatron unlock``."""
    return _change_lock(locks_command.unlock, locks_command.parse_unlock(argv))


def _change_lock(change: Callable[[Target, Ports, str], Awaitable[int]], target: Target) -> int:
    return _query(lambda ports: change(target, ports, getpass.getuser()))


def status(argv: Sequence[str]) -> int:
    """``nomatron status``."""
    return _query(partial(status_command.execute, status_command.parse(argv)))


def history(argv: Sequence[str]) -> int:
    """``nomatron history``."""
    return _query(partial(history_command.execute, history_command.parse(argv)))


def audit(argv: Sequence[str]) -> int:
    """``nomatron audit``."""
    return _query(partial(audit_command.execute, audit_command.parse(argv)))


def _query(execute: Callable[[Ports], Awaitable[int]]) -> int:
    async def act(settings: Settings) -> int:
        await check_schema(settings)
        async with open_ports(settings) as parts:
            return await execute(parts.ports)

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
