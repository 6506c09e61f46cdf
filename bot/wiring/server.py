"""``nomatron run``: web server and worker in one process on SQLite, until SIGTERM or SIGINT."""

from __future__ import annotations

import argparse
import asyncio
import getpass
import logging
import signal
from contextlib import ExitStack, asynccontextmanager, suppress
from functools import partial
from typing import TYPE_CHECKING

from aiohttp import web

from bot.domain.actor import Operator
from bot.domain.decision import Refused
from bot.errors import CatalogInvalid, CatalogMissing, NomatronError, SettingsInvalid
from bot.gateways.catalog import read as read_catalog
from bot.gateways.catalog.hcl import warm
from bot.operations.catalog import apply
from bot.wiring import logs
from bot.wiring.commands import carry_out
from bot.wiring.compose import open_ports
from bot.wiring.database import check_schema, database_file
from bot.wiring.ending import Ending
from bot.wiring.patience import Patience
from handlers.slack.guard import PATH, Guard
from handlers.ticks import build_scheduler
from handlers.watch import Watcher
from handlers.web.health import Health
from handlers.work import GRACE, Worker
from store.lockfile import alone

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence
    from pathlib import Path

    from bot.settings import Settings
    from bot.wiring.compose import OpenPorts

log = logging.getLogger(__name__)

LARGEST_BODY = 1024 * 1024
ANSWERS = 4.0
"""Seconds of the shutdown that are reserved for unfinished answers to people."""


RUN = """Runs the bot until SIGTERM or Ctrl-C: the web server for Slack and the worker, in one process on SQLite.
SIGHUP applies the catalog folder again. Exits with 1 if it cannot start."""


def main(argv: Sequence[str]) -> int:
    """``nomatron run``."""
    argparse.ArgumentParser(prog="nomatron run", description=RUN).parse_args(argv)
    logs.set_up()
    return carry_out(run)


async def run(settings: Settings) -> int:
    """Run the web server and the worker until SIGTERM or SIGINT; the exit status.

    Waits a while if another process serves the database or has locked it, then raises ``StoreBusy``. Raises
    ``SettingsInvalid`` if the settings do not allow a start. If Slack or Nomad is unreachable, it starts all the same
    and logs a warning.
    """
    settings.for_slack()
    file = database_file(settings)
    if file is None:
        raise SettingsInvalid(
            "`nomatron run` does not support PostgreSQL yet. Set NOMATRON_DATABASE_URL to a SQLite file, or unset it."
        )
    patience = Patience()
    with ExitStack() as stack:

        async def lock() -> None:
            stack.enter_context(alone(file))

        await patience.until_free(lock)
        await patience.until_free(partial(check_schema, settings))
        async with open_ports(settings) as parts:
            await patience.until_free(parts.ports.store.take_over)
            await patience.until_free(partial(_first_catalog, parts, settings.catalog))
            await _serve(parts, settings)
    return 0


async def _first_catalog(parts: OpenPorts, folder: Path) -> None:
    """Apply the folder. If it has errors, keep the active catalog; ``CatalogInvalid`` if there is none."""
    try:
        await _apply(parts, folder)
    except CatalogInvalid as error:
        async with parts.ports.store.read() as reading:
            try:
                active = await reading.active_catalog()
            except CatalogMissing:
                raise error from None
        log.warning("the catalog folder was not applied", extra={"active": active.fingerprint, "errors": str(error)})


async def _apply(parts: OpenPorts, folder: Path) -> None:
    reading = await asyncio.to_thread(read_catalog, folder)
    if reading.catalog is None:
        raise CatalogInvalid("\n".join(str(issue) for issue in reading.errors))
    outcome = await apply(parts.ports, Operator(getpass.getuser()), reading.catalog)
    if isinstance(outcome, Refused):
        raise CatalogInvalid("\n".join(reason.text for reason in outcome.reasons))
    log.info("catalog", extra={"active": outcome.active.fingerprint, "changed": outcome.changed})


async def _serve(parts: OpenPorts, settings: Settings) -> None:
    secrets = tuple(secret.get_secret_value() for secret in settings.slack_signing_secret)
    guard = Guard(parts.ports, parts.chat, secrets, known_app=lambda: parts.directory.app)
    app = web.Application(client_max_size=LARGEST_BODY)
    app.router.add_post(PATH, guard.handle)
    Health(parts.ports).add_to(app)
    ending = Ending()
    async with _listening(app, settings), _working(parts, ending):
        await _wait_for_signal(parts, settings)
        log.info("shutting down")
        ending.begin()
    await guard.drain(ending.left(reserved=1.0))


@asynccontextmanager
async def _listening(app: web.Application, settings: Settings) -> AsyncIterator[None]:
    runner = web.AppRunner(app, access_log=None, handle_signals=False, shutdown_timeout=ANSWERS / 2)
    await runner.setup()
    try:
        site = web.TCPSite(runner, settings.host, settings.port)
        await site.start()
        for address in runner.addresses:
            log.info("listening", extra={"host": address[0], "port": address[1]})
        yield
    finally:
        await runner.cleanup()


@asynccontextmanager
async def _working(parts: OpenPorts, ending: Ending) -> AsyncIterator[None]:
    worker, watcher, scheduler = Worker(parts.ports, parts.bell), Watcher(parts.ports), build_scheduler(parts.ports)
    # building the HCL grammar takes seconds, and no request should wait for it
    warming = asyncio.create_task(asyncio.to_thread(warm))
    introducing = asyncio.create_task(_introduce(parts))
    worker.start()
    watcher.start()
    scheduler.start()
    try:
        yield
    finally:
        scheduler.shutdown(wait=False)
        introducing.cancel()
        await watcher.stop()
        await worker.stop(min(GRACE, ending.left(reserved=ANSWERS)))
        with suppress(asyncio.CancelledError):
            # cancelling does not stop the warming thread: it ends by itself, or with the process
            warming.cancel()
            await asyncio.gather(warming, introducing, return_exceptions=True)


async def _introduce(parts: OpenPorts) -> None:
    """Ask Slack who we are, every 5 s until it answers; log a warning each time that it does not."""
    while True:
        try:
            await parts.directory.introduce()
        except NomatronError as error:
            log.warning("Slack is unreachable", extra={"code": error.code, "error": str(error)})
            await asyncio.sleep(5)
        else:
            log.info("connected to Slack", extra={"team": parts.directory.team})
            return


async def _wait_for_signal(parts: OpenPorts, settings: Settings) -> None:
    """Wait for SIGTERM or SIGINT; SIGHUP applies the catalog folder."""
    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    applying: set[asyncio.Task[None]] = set()

    def hang_up() -> None:
        task = loop.create_task(_reapply(parts, settings.catalog))
        applying.add(task)
        task.add_done_callback(applying.discard)

    for signum in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(signum, stop.set)
    loop.add_signal_handler(signal.SIGHUP, hang_up)
    await stop.wait()


async def _reapply(parts: OpenPorts, folder: Path) -> None:
    try:
        await _apply(parts, folder)
    except NomatronError as error:
        log.warning("the catalog folder was not applied", extra={"code": error.code, "errors": str(error)})
