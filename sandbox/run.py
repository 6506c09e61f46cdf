"""`nomatron sandbox`: starts both simulators, the page and the bot with one command."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import secrets
import signal
import socket
import sys
import threading
import time
import webbrowser
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from sandbox import catalog, nomad_side, seed, story
from sandbox.agent.api import AgentError
from sandbox.child import BotChild, ChildFailedError
from sandbox.folder import DataFolder, FolderTakenError
from sandbox.nomad.server import SimulatedNomad
from sandbox.page import Page
from sandbox.slack.server import SimulatedSlack

if TYPE_CHECKING:
    from collections.abc import Sequence

PORT = 8420
SPEED = 20.0
TUNING = ("NOMATRON_LEASE_SECONDS", "NOMATRON_NOMAD_WRITE_TIMEOUT_SECONDS")
"""Settings that the bot gets from our own environment, for people who try out its timeouts."""
ALONE_PORTS = {"nomad": 4646, "slack": 8421}


def read_options(argv: Sequence[str]) -> argparse.Namespace:
    """The options of `nomatron sandbox`; exits with status 2 if the command line is wrong, as argparse does."""
    parser = argparse.ArgumentParser(
        prog="nomatron sandbox",
        description="A simulated Slack workspace, a simulated Nomad cluster and the bot between them, on one page.",
    )
    parser.add_argument(
        "alone", nargs="?", choices=("nomad", "slack"), help="start only this simulator, without the page"
    )
    parser.add_argument("--port", type=int, help=f"the page's port (default: {PORT}, or the next free one)")
    parser.add_argument(
        "--data", type=Path, metavar="FOLDER", help="folder for catalog and database (default: a temporary one)"
    )
    parser.add_argument(
        "--speed", type=float, help=f"how many times faster than real time Nomad runs (default: {SPEED:g})"
    )
    parser.add_argument(
        "--nomad",
        metavar="URL",
        help="deploy to this real Nomad, with the token in NOMAD_TOKEN; the sandbox purges its jobs when it stops",
    )
    parser.add_argument("--json", action="store_true", help="print one line of JSON when the bot is ready")
    parser.add_argument("--no-bot", dest="bot", action="store_false", help="start the simulators and the page only")
    parser.add_argument("--no-seed", dest="seed", action="store_false", help="do not deploy checkout v1.4.1 at start")
    parser.add_argument("--no-browser", dest="browser", action="store_false", help="never open a browser")
    options = parser.parse_args(argv)
    if options.nomad is not None:
        _check_real(parser, options)
    options.speed = SPEED if options.speed is None else options.speed
    if options.speed <= 0:
        parser.error("--speed must be more than 0")
    if options.port is not None and not 0 <= options.port < 65536:
        parser.error("--port must be from 0 (any free port) to 65535")
    return options


def _check_real(parser: argparse.ArgumentParser, options: argparse.Namespace) -> None:
    address = urlsplit(options.nomad)
    if address.scheme not in {"http", "https"} or not address.hostname or address.path not in {"", "/"}:
        parser.error("--nomad must be the address of an agent, such as http://127.0.0.1:4646")
    if address.username or address.password:
        parser.error("--nomad takes no user or password: put an ACL token in NOMAD_TOKEN")
    if options.alone:
        parser.error(f"--nomad cannot be used with `{options.alone}`: a simulator alone deploys nothing")
    if options.speed is not None:
        parser.error("--speed cannot be used with --nomad: only the simulated Nomad can run faster")


def command(argv: Sequence[str]) -> int:
    """Runs `nomatron sandbox` in a new event loop and returns its exit status."""
    return asyncio.run(main(argv))


async def main(argv: Sequence[str]) -> int:
    """Runs the sandbox until SIGTERM or SIGINT; returns the exit status: 0, or 1 if it could not start."""
    options = read_options(argv)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    if options.alone:
        return await _simulator_alone(options, stop)
    sandbox = Sandbox(options)
    try:
        return await sandbox.run(stop)
    except (AgentError, catalog.NoCatalogError, ChildFailedError, FolderTakenError, OSError) as problem:
        _say(f"nomatron sandbox: {problem}")
        return 1
    finally:
        await sandbox.close()


class Sandbox:
    """One sandbox: `run` starts it and waits; `close` stops everything that `run` started, however far it got."""

    def __init__(self, options: argparse.Namespace) -> None:
        self._options = options
        self._began = time.monotonic()
        self._secret = os.environ.get("SLACK_SIGNING_SECRET") or secrets.token_hex(16)
        self._token = os.environ.get("SLACK_BOT_TOKEN") or f"xoxb-{secrets.token_hex(16)}"
        self._nomad: nomad_side.NomadSide = (
            nomad_side.Real(options.nomad, lambda line: _say(f"nomatron sandbox: {line}"))
            if options.nomad
            else nomad_side.Simulated(options.speed)
        )
        # During a rotation the bot accepts two secrets; Slack signs with one of them.
        self._slack = SimulatedSlack(story.workspace(), self._secret.split(",")[0], self._token)
        self._folder: DataFolder | None = None
        self._page: Page | None = None
        self._bot: BotChild | None = None
        self._closing = False
        self._lines: dict[str, Any] = {}
        self._seeding: asyncio.Task[None] | None = None

    async def run(self, stop: asyncio.Event) -> int:
        """Starts everything, prints the addresses, and returns 0 when `stop` is set."""
        opening = asyncio.create_task(self._open())
        stopped = asyncio.create_task(stop.wait())
        await asyncio.wait({opening, stopped}, return_when=asyncio.FIRST_COMPLETED)
        if not opening.done():
            opening.cancel()
            await asyncio.gather(opening, return_exceptions=True)
            return 0
        try:
            opening.result()
            await stopped
        finally:
            stopped.cancel()
        return 0

    async def close(self) -> None:
        """Stops the bot first, while it can still reach both simulators; then everything else."""
        self._closing = True
        if self._seeding is not None:
            self._seeding.cancel()
            await asyncio.gather(self._seeding, return_exceptions=True)
        if self._bot is not None:
            await self._bot.end()
        if self._page is not None:
            await self._page.stop()
        await self._slack.stop()
        await self._nomad.close()
        if self._folder is not None:
            self._folder.close()

    async def _open(self) -> None:
        self._folder = DataFolder(self._options.data)
        data = self._folder.path
        slack = await self._slack.start()
        nomad = await self._nomad.open(data / "catalog")
        base = f"http://127.0.0.1:{_free_port()}"
        self._slack.request_url = f"{base}/slack/events"
        settings = self._settings(data, slack, base, nomad.tokens)
        if self._options.bot:
            self._bot = BotChild(settings, base, data, self._bot_changed)
        self._lines = {"slack": slack, "nomad": nomad.address, "bot": base}
        self._lines |= {"catalog": str(data / "catalog"), "data": str(data)}
        self._page = Page(
            slack=slack,
            nomad=nomad.control,
            bot=self._bot,
            about={"cast": story.about_the_cast(), **self._lines},
            guide=story.guide().update,
            watchers=story.WATCHED,
        )
        page = await self._page.start(PORT if self._options.port is None else self._options.port)
        self._lines = {"page": page, **self._lines}
        await self._start_bot()
        self._announce(settings)
        if self._bot is not None and self._options.seed:
            self._seeding = asyncio.create_task(self._play_seed(slack))

    def _settings(self, data: Path, slack: str, base: str, tokens: dict[str, str]) -> dict[str, str]:
        """The environment variables that a person would set on a real machine (docs/install.md)."""
        host, port = base.removeprefix("http://").split(":")
        return {
            "SLACK_BOT_TOKEN": self._token,
            "SLACK_SIGNING_SECRET": self._secret,
            "SLACK_API_URL": f"{slack}/api/",
            "NOMATRON_CATALOG": str(data / "catalog"),
            "NOMATRON_DATABASE_URL": f"sqlite+aiosqlite:///{data / 'nomatron.db'}",
            "NOMATRON_HOST": host,
            "PORT": port,
            **tokens,
            **{name: os.environ[name] for name in TUNING if name in os.environ},
        }

    async def _start_bot(self) -> None:
        """Migrates the database and starts the bot.

        If the bot does not start, a program (--json) gets ChildFailedError; a person sees why and may fix the catalog.
        """
        if self._bot is None:
            return
        try:
            await self._bot.command("migrate")
            await self._bot.start()
            await self._bot.wait_ready()
        except ChildFailedError as problem:
            if self._options.json:
                raise
            if not self._bot.died:  # if it died, `_bot_changed` has printed that
                _say(f"nomatron sandbox: {problem}")

    def _announce(self, settings: dict[str, str]) -> None:
        seconds = round(time.monotonic() - self._began, 1)
        page = self._lines["page"]
        if self._options.json:
            sys.stdout.write(json.dumps({**self._lines, "seconds": seconds}) + "\n")
            sys.stdout.flush()
            return
        sys.stdout.write(f"The sandbox is at {page} (ready in {seconds} s). Press Ctrl-C to stop it.\n")
        if self._bot is None:
            sys.stdout.write("To run your own bot, set:\n")
            sys.stdout.writelines(f"  export {name}={value}\n" for name, value in settings.items())
        sys.stdout.flush()
        if self._options.browser and _has_display():
            # In a thread, because a missing or blocking browser must not hold up the sandbox.
            threading.Thread(target=_open_browser, args=(page,), daemon=True).start()

    async def _play_seed(self, slack: str) -> None:
        assert self._page is not None  # noqa: S101 - the seed begins after the page
        page = self._page
        page.set_seed("running", "starting the first deploys")
        try:
            promotes = catalog.promotes(Path(self._lines["catalog"]), "production")
            await seed.play(slack, lambda line: page.set_seed("running", line), promotes=promotes)
        except (seed.SeedError, catalog.NoCatalogError) as problem:
            page.set_seed("failed", str(problem))
            _say(f"nomatron sandbox: the first deploys failed: {problem}")
        else:
            page.set_seed("done", f"{story.SERVICE} {story.OLD} runs in staging and production")

    def _bot_changed(self) -> None:
        if self._page is not None:
            self._page.feed.publish("bot")
        if self._bot is not None and self._bot.died and not self._closing:
            _say("nomatron sandbox: the bot has stopped. Start it again on the page. Its last lines:")
            _say("\n".join(f"  {line}" for line in self._bot.tail()))


async def _simulator_alone(options: argparse.Namespace, stop: asyncio.Event) -> int:
    simulator: SimulatedNomad | SimulatedSlack
    if options.alone == "nomad":
        simulator = SimulatedNomad(speed=options.speed)
    else:
        secret = os.environ.get("SLACK_SIGNING_SECRET") or secrets.token_hex(16)
        token = os.environ.get("SLACK_BOT_TOKEN") or f"xoxb-{secrets.token_hex(16)}"
        simulator = SimulatedSlack(story.workspace(), secret, token)
        simulator.request_url = os.environ.get("SLACK_REQUEST_URL", "http://127.0.0.1:3000/slack/events")
    try:
        address = await simulator.start(port=ALONE_PORTS[options.alone] if options.port is None else options.port)
        sys.stdout.write(json.dumps({options.alone: address}) + "\n" if options.json else f"{address}\n")
        sys.stdout.flush()
        await stop.wait()
    except OSError as problem:
        _say(f"nomatron sandbox: {problem}")
        return 1
    finally:
        await simulator.stop()
    return 0


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _has_display() -> bool:
    return sys.platform in {"darwin", "win32"} or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def _open_browser(page: str) -> None:
    with contextlib.suppress(webbrowser.Error, OSError):
        webbrowser.open(page)


def _say(line: str) -> None:
    sys.stderr.write(line + "\n")
    sys.stderr.flush()
