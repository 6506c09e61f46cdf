"""Opens all ports that the settings describe, for the bot."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bot.gateways.nomad.client import Timeouts
from bot.gateways.nomad.cluster import PythonNomads
from bot.gateways.slack.chat import SlackChat
from bot.gateways.slack.connection import Connection
from bot.gateways.slack.directory import SlackDirectory
from bot.ports import Ports
from bot.settings import secret_beside
from bot.wiring.database import database_file, limits_of, own_name, token_of_cluster
from handlers.work import LocalBell
from store import open_store

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from bot.settings import Settings


@dataclass(frozen=True, slots=True)
class OpenPorts:
    """The ports, and those parts of them of which ``nomatron run`` needs more than the port offers."""

    ports: Ports
    bell: LocalBell
    directory: SlackDirectory
    chat: SlackChat


@asynccontextmanager
async def open_ports(settings: Settings) -> AsyncIterator[OpenPorts]:
    """All ports, open until the end of the context. Opening them calls neither Slack nor Nomad."""
    bell = LocalBell()
    # checked, and made if missing; at present nothing is computed with it
    secret_beside(settings, database_file(settings))
    timeouts = Timeouts(write=settings.write_timeout_seconds)
    nomads = PythonNomads(token_of_cluster, folder=settings.catalog, timeouts=timeouts)
    connection = Connection(settings.slack_bot_token.get_secret_value(), settings.slack_api_url)
    async with open_store(settings.database_url) as store, connection:
        clock = store.clock
        directory, chat = SlackDirectory(connection, clock), SlackChat(connection)
        ports = Ports(
            store=store,
            nomads=nomads,
            directory=directory,
            chat=chat,
            clock=clock,
            bell=bell,
            limits=limits_of(settings),
            worker=own_name(),
        )
        try:
            yield OpenPorts(ports, bell, directory, chat)
        finally:
            await directory.close()
            nomads.close()
