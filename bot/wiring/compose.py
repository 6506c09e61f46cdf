"""Opens the ports that the settings describe, for every command that uses the database."""

from __future__ import annotations

import os
import socket
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from uuid import uuid4

from bot.errors import SettingsInvalid
from bot.gateways.nomad.client import Timeouts
from bot.gateways.nomad.cluster import PythonNomads
from bot.gateways.slack.chat import SlackChat
from bot.gateways.slack.connection import Connection
from bot.gateways.slack.directory import SlackDirectory
from bot.ports import Limits, Ports
from bot.settings import secret_beside, token_of
from handlers.work import LocalBell
from store import open_store
from store.revision import head, revision
from store.sql.connect import database_url, sqlite_file

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from bot.domain.catalog.environment import Cluster
    from bot.settings import Settings


@dataclass(frozen=True, slots=True)
class OpenPorts:
    """The ports, and those parts of them of which ``nomatron run`` needs more than the port offers."""

    ports: Ports
    bell: LocalBell
    directory: SlackDirectory
    chat: SlackChat


def database_file(settings: Settings) -> Path | None:
    """The SQLite file, without symlinks; None on PostgreSQL. ``SettingsInvalid`` if it has more than one name."""
    return sqlite_file(database_url(settings.database_url))


async def check_schema(settings: Settings) -> None:
    """Raises ``SettingsInvalid``, with the command to run, if the database's tables do not fit this code."""
    file = database_file(settings)
    found = None if file is not None and not file.exists() else await revision(settings.database_url)
    if found != head():
        state = "has no tables yet" if found is None else f"is at revision {found}, but this code needs {head()}"
        raise SettingsInvalid(f"The database {state}. Run `nomatron migrate` first.")


@asynccontextmanager
async def open_ports(settings: Settings, *, patience: float | None = None) -> AsyncIterator[OpenPorts]:
    """All ports, open until the end of the context. Opening them calls neither Slack nor Nomad.

    ``patience``: seconds after which a read of Nomad is given up, if those are not to be its usual limits.
    """
    bell = LocalBell()
    # checked, and made if missing; at present nothing is computed with it
    secret_beside(settings, database_file(settings))
    timeouts = Timeouts(write=settings.write_timeout_seconds)
    if patience is not None:
        timeouts = replace(timeouts, connect=patience, answer=patience)
    nomads = PythonNomads(_token, folder=settings.catalog, timeouts=timeouts)
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
            limits=Limits(lease=settings.lease, write_timeout=settings.write_timeout, retention=settings.retention),
            worker=f"{socket.gethostname()}-{os.getpid()}-{uuid4().hex[:8]}",
        )
        try:
            yield OpenPorts(ports, bell, directory, chat)
        finally:
            await directory.close()
            nomads.close()


def _token(cluster: Cluster) -> str | None:
    return token_of(cluster.token_env)
