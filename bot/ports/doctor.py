"""The ports that only ``doctor`` uses. None of their methods changes anything."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from bot.domain.access import Person
    from bot.domain.catalog.environment import Cluster, Value
    from bot.domain.diagnosis.host import Disk
    from bot.domain.diagnosis.nomad import NomadToken
    from bot.domain.diagnosis.slack import BotToken, Channel, UserGroup


class ExaminedSlack(Protocol):
    """Slack, as doctor asks it. Every method may raise ``SlackUnavailable`` or ``SlackRefused``.

    Calls wait for their turn within Slack's rate limits, so the caller must limit their time.
    """

    @property
    def needed(self) -> frozenset[str]:
        """The bot scopes that the manifest asks for."""

    async def token(self) -> BotToken:
        """The workspace and the scopes of our bot token."""

    async def channel(self, channel: str) -> Channel | None:
        """The conversation with this id; None if there is none that the app can see."""

    async def usergroups(self) -> Mapping[str, UserGroup]:
        """All user groups of the workspace by id, disabled ones too."""

    async def person(self, user: str) -> Person | None:
        """The person with this user id; None if Slack knows nobody with it."""


class ExaminedNomad(Protocol):
    """One cluster, as doctor asks it. Methods raise ``NomadUnavailable``, ``NomadForbidden`` or ``NomadRefused``."""

    async def date(self) -> datetime | None:
        """The cluster's time, from the Date header of an answer; None if the answer has no such header."""

    async def token(self) -> NomadToken:
        """Our token and its policies; ``NomadForbidden`` if the token is unknown to the cluster or has expired."""

    async def version(self) -> str | None:
        """Nomad's version; None if our token may not read it."""

    async def namespace(self, name: str) -> bool:
        """Whether the namespace exists; also True if our token may not see it, because ``proofs`` shows that."""

    async def proofs(self, namespace: str) -> Mapping[str, bool]:
        """For some capabilities, whether a harmless call that needs it was allowed."""

    async def accepts(self, jobspec: str, variables: Mapping[str, Value], namespace: str) -> None:
        """Have Nomad parse a template; ``NomadRefused``, with the wrong lines, if it does not accept it."""


class ExaminedNomads(Protocol):
    """All clusters, as doctor asks them."""

    def examined(self, cluster: Cluster) -> ExaminedNomad:
        """One cluster; ``SettingsInvalid`` if the catalog names a token for it that is not set."""


class ExaminedDatabase(Protocol):
    """The database, as doctor reads it: no method creates a file or a table."""

    @property
    def newest(self) -> str:
        """The schema revision that this code needs."""

    async def revision(self) -> str | None:
        """The database's schema revision; None if it has no tables. ``StoreUnavailable`` if it cannot be reached."""

    def disk(self) -> Disk | None:
        """The disk of the SQLite file; None on PostgreSQL."""
