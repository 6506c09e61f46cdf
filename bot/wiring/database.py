"""Opens the database for a command: fast, because the gateways of Slack and Nomad come only when they are needed."""

from __future__ import annotations

import os
import socket
from contextlib import asynccontextmanager
from importlib import import_module
from typing import TYPE_CHECKING, Any, cast
from uuid import uuid4

from bot.errors import SettingsInvalid
from bot.ports import Limits, Ports
from bot.settings import secret_beside, token_of
from store import open_store
from store.revision import head, revision
from store.sql.connect import database_url, sqlite_file

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Collection
    from pathlib import Path

    from bot.domain.catalog.environment import Cluster
    from bot.ports import Clock
    from bot.ports.nomad import Nomads
    from bot.ports.slack import Chat, Directory
    from bot.settings import Settings


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


def limits_of(settings: Settings) -> Limits:
    """The limits that the settings name."""
    return Limits(lease=settings.lease, write_timeout=settings.write_timeout, retention=settings.retention)


def own_name() -> str:
    """The name of this process in leases."""
    return f"{socket.gethostname()}-{os.getpid()}-{uuid4().hex[:8]}"


def token_of_cluster(cluster: Cluster) -> str | None:
    """The token in the variable that the catalog names; None if it names none."""
    return token_of(cluster.token_env)


@asynccontextmanager
async def open_database(settings: Settings) -> AsyncIterator[Ports]:
    """Ports for a command: it posts nothing to Slack, and its changes wake the worker at the next poll."""
    # checked, and made if missing; at present nothing is computed with it
    secret_beside(settings, database_file(settings))
    nomads = _NomadsLater(settings)
    async with open_store(settings.database_url) as store:
        try:
            yield Ports(
                store=store,
                nomads=cast("Nomads", nomads),
                directory=cast("Directory", _DirectoryLater(settings, store.clock)),
                chat=cast("Chat", None),
                clock=store.clock,
                bell=_Silent(),
                limits=limits_of(settings),
                worker=own_name(),
            )
        finally:
            nomads.close()


class _NomadsLater:
    """All clusters, whose gateway is imported when the first of them is asked for."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._made: Any = None

    def of(self, cluster: Cluster) -> Any:
        if self._made is None:
            client, gateway = (import_module(f"bot.gateways.nomad.{name}") for name in ("client", "cluster"))
            timeouts = client.Timeouts(write=self._settings.write_timeout_seconds)
            self._made = gateway.PythonNomads(token_of_cluster, folder=self._settings.catalog, timeouts=timeouts)
        return self._made.of(cluster)

    def close(self) -> None:
        if self._made is not None:
            self._made.close()


class _DirectoryLater:
    """Slack's people, of whom a command only asks which workspace is ours."""

    def __init__(self, settings: Settings, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock
        self.team = ""

    async def introduce(self) -> None:
        """Ask Slack; raises as the real directory does."""
        connections, directories = (import_module(f"bot.gateways.slack.{name}") for name in ("connection", "directory"))
        token = self._settings.slack_bot_token.get_secret_value()
        async with connections.Connection(token, self._settings.slack_api_url) as connection:
            directory = directories.SlackDirectory(connection, self._clock)
            await directory.introduce()
            self.team = directory.team


class _Silent:
    """A bell that nobody hears: the worker is another process."""

    def ring(self, work: Collection[str]) -> None:
        pass
