"""What ``doctor`` alone needs from outside, as Protocols beside ``bot.ports``; nothing here changes anything."""

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
    """Slack, asked who we are and what is there. Raises ``SlackUnavailable`` or ``SlackRefused``.

    Waits for its turn within Slack's limits, so a caller bounds its time.
    """

    @property
    def needed(self) -> frozenset[str]:
        """The bot scopes of the manifest."""

    async def token(self) -> BotToken:
        """Who the token is, and what it may."""

    async def channel(self, channel: str) -> Channel | None:
        """A conversation; None where there is none that the app may see."""

    async def usergroups(self) -> Mapping[str, UserGroup]:
        """Every user group of the workspace by its id, disabled ones too."""

    async def person(self, user: str) -> Person | None:
        """A person; None where Slack knows nobody with that id."""


class ExaminedNomad(Protocol):
    """One cluster. Raises ``NomadUnavailable``, ``NomadForbidden`` or ``NomadRefused``; a refused proof is False."""

    async def date(self) -> datetime | None:
        """What its clock says, by the Date header of an answer; raises where the cluster does not answer."""

    async def token(self) -> NomadToken:
        """Who the cluster takes us for; ``NomadForbidden`` where it does not know the token, or that has expired."""

    async def version(self) -> str | None:
        """Its version; None where the token may not see it."""

    async def namespace(self, name: str) -> bool:
        """Whether there is such a namespace; one that the token may not see counts as there: its rights tell."""

    async def proofs(self, namespace: str) -> Mapping[str, bool]:
        """Calls that change nothing, by the capability that each needs: whether it was allowed."""

    async def accepts(self, jobspec: str, variables: Mapping[str, Value], namespace: str) -> None:
        """Have a template parsed; ``NomadRefused`` with the lines at fault."""


class ExaminedNomads(Protocol):
    """The clusters."""

    def examined(self, cluster: Cluster) -> ExaminedNomad:
        """One of them; ``SettingsInvalid`` where its token is named and not set."""


class ExaminedDatabase(Protocol):
    """The database, looked at without making a file or a table."""

    @property
    def newest(self) -> str:
        """The revision that this code needs."""

    async def revision(self) -> str | None:
        """The revision that it is at; None where it has no tables. ``StoreUnavailable`` where it cannot be reached."""

    def disk(self) -> Disk | None:
        """Where a SQLite file lies; None on PostgreSQL."""
