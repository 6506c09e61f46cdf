"""``nomatron doctor``: opens every part that the settings allow; the findings report the rest."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote, urlsplit

from bot import settings as environment
from bot.domain.diagnosis import host as diagnosis_host
from bot.domain.diagnosis.host import GivenSecrets, SecretFile
from bot.errors import SettingsInvalid
from bot.gateways.catalog import read
from bot.gateways.clock import SystemClock
from bot.gateways.nomad.client import Timeouts
from bot.gateways.nomad.cluster import PythonNomads
from bot.gateways.slack.connection import Connection
from bot.gateways.slack.examine import SlackExaminer
from bot.operations.doctor.run import CatalogFolder, Setup
from bot.wiring import logs
from handlers.cli import doctor as command
from store import open_store
from store.examine import DatabaseExaminer

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence
    from pathlib import Path

    from bot.domain.catalog.environment import Cluster
    from bot.domain.diagnosis.finding import Finding
    from bot.settings import Settings
    from store import SqlStore

CHECK_SECONDS: Final = 30.0
"""How long a single check may take; each call that it makes gives up sooner."""

_TIMEOUTS: Final = Timeouts(connect=5.0, answer=10.0)
_HIDDEN: Final = "[secret]"


def main(argv: Sequence[str]) -> int:
    """Run the checks and print the findings; the exit status."""
    words = command.parse(argv)
    logs.set_up()
    settings, wrong = environment.read_leniently()
    return asyncio.run(_Doctor(settings, list(wrong)).run(words))


class _Doctor:
    """Opens the parts of a set-up for the checks, and collects the secrets that must not be printed."""

    def __init__(self, settings: Settings, wrong: list[str]) -> None:
        self._settings = settings
        self._wrong = wrong
        self._secrets = _secrets_of(settings)

    async def run(self, words: argparse.Namespace) -> int:
        """Open everything, run the checks, close everything; the exit status."""
        settings = self._settings
        async with AsyncExitStack() as stack:
            slack = await self._slack(stack)
            database, store = self._database()
            if store is not None:
                await stack.enter_async_context(store)
            nomads = PythonNomads(self._token, folder=settings.catalog, timeouts=_TIMEOUTS)
            stack.callback(nomads.close)
            folder = _folder(settings)
            setup = Setup(
                host=self._host(database, folder),
                folder=folder,
                clock=SystemClock(),
                store=store,
                database=database,
                slack=slack,
                nomads=nomads,
                seconds=CHECK_SECONDS,
            )
            return await command.execute(words, setup, self._conceal)

    async def _slack(self, stack: AsyncExitStack) -> SlackExaminer | None:
        try:
            connection = Connection(self._settings.slack_bot_token.get_secret_value(), self._settings.slack_api_url)
        except ValueError as error:
            self._wrong.append(f"SLACK_API_URL: {error}")
            return None
        return SlackExaminer(await stack.enter_async_context(connection))

    def _database(self) -> tuple[DatabaseExaminer | None, SqlStore | None]:
        try:
            return DatabaseExaminer(self._settings.database_url), open_store(self._settings.database_url)
        except SettingsInvalid as error:
            self._wrong.append(f"NOMATRON_DATABASE_URL: {error}".rstrip("."))
            return None, None

    def _host(self, database: DatabaseExaminer | None, folder: CatalogFolder) -> tuple[Finding, ...]:
        file = database.file if database else None
        given = GivenSecrets(
            bot_token=self._settings.slack_bot_token.get_secret_value(),
            signing_secrets=tuple(each.get_secret_value() for each in self._settings.slack_signing_secret),
            app_token=self._settings.slack_app_token.get_secret_value(),
            redaction=self._settings.secret.get_secret_value(),
            needs_redaction=database is not None and file is None,
        )
        clusters = folder.catalog.clusters.values() if folder.catalog else ()
        names = (*environment.SECRETS, *(each.token_env for each in clusters if each.token_env))
        files = [_secret_file(path, ours=False) for path in environment.files_of(names)]
        if file is not None and not given.redaction:
            files.append(_secret_file(file.with_name(environment.SECRET_FILE), ours=True))
        secret_files = (diagnosis_host.secret_file(each) for each in files if each)
        return (*diagnosis_host.settings(self._wrong, given), *secret_files)

    def _token(self, cluster: Cluster) -> str | None:
        token = environment.token_of(cluster.token_env)
        if token:
            self._secrets.add(token)
        return token

    def _conceal(self, text: str) -> str:
        """The text without any of our secrets, even if an error message contains one."""
        for secret in sorted(self._secrets, key=len, reverse=True):
            text = text.replace(secret, _HIDDEN)
        return text


def _secrets_of(settings: Settings) -> set[str]:
    password = urlsplit(settings.database_url).password or ""
    given = (settings.slack_bot_token, *settings.slack_signing_secret, settings.slack_app_token, settings.secret)
    found = {password, unquote(password), *(each.get_secret_value() for each in given)}
    # replacing a secret of only a few letters would make the text unreadable
    return {each for each in found if len(each) >= 6}


def _folder(settings: Settings) -> CatalogFolder:
    reading = read(settings.catalog)
    return CatalogFolder(path=str(settings.catalog), errors=len(reading.errors), catalog=reading.catalog)


def _secret_file(path: Path, *, ours: bool) -> SecretFile | None:
    """A secret's file; None if there is none (the findings about settings report those that are missing)."""
    try:
        return SecretFile(str(path), path.stat().st_mode & 0o7777, ours)
    except OSError:
        return None
