"""Fakes of the ports that only doctor uses: every check passes, unless a field says otherwise."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from bot.domain.access import Person
from bot.domain.diagnosis.host import Disk
from bot.domain.diagnosis.nomad import NomadToken, TokenKind
from bot.domain.diagnosis.slack import BotToken, Channel, UserGroup
from tests.builders import DEVELOPERS, SRE, TEAM
from tests.clocks import NOON

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from bot.domain.catalog.environment import Cluster

SCOPES = frozenset({"commands", "chat:write"})


@dataclass
class FakeExaminedSlack:
    """``failures`` are raised by the check of that name; ``asked`` are the ids that were checked."""

    needed: frozenset[str] = SCOPES
    bot: BotToken = field(default_factory=lambda: BotToken(team=TEAM, team_name="Nomatron", scopes=SCOPES, date=NOON))
    gone: frozenset[str] = frozenset()
    failures: dict[str, Exception] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    def _look(self, what: str, each: str = "") -> None:
        self.asked.append(each or what)
        for name in (what, each):
            if name in self.failures:
                raise self.failures[name]

    async def token(self) -> BotToken:
        self._look("token")
        return self.bot

    async def channel(self, channel: str) -> Channel | None:
        self._look("channel", channel)
        return None if channel in self.gone else Channel(id=channel, name="ops")

    async def usergroups(self) -> Mapping[str, UserGroup]:
        self._look("usergroups")
        known = {each: UserGroup(id=each, handle="sre", disabled=False, members=2) for each in (DEVELOPERS, SRE)}
        return {each: group for each, group in known.items() if each not in self.gone}

    async def person(self, user: str) -> Person | None:
        self._look("person", user)
        return None if user in self.gone else Person(user, TEAM)


@dataclass
class FakeExaminedNomad:
    """One cluster; ``failures`` are raised by the check of that name."""

    known: NomadToken = field(default_factory=lambda: NomadToken(kind=TokenKind.MANAGEMENT))
    allowed: dict[str, bool] = field(default_factory=lambda: {"parse-job": True, "plan-job": True, "read-job": True})
    missing: frozenset[str] = frozenset()
    failures: dict[str, Exception] = field(default_factory=dict)
    parsed: list[Mapping[str, Any]] = field(default_factory=list)

    def _look(self, what: str) -> None:
        if what in self.failures:
            raise self.failures[what]

    async def date(self) -> datetime | None:
        self._look("date")
        return NOON

    async def token(self) -> NomadToken:
        self._look("token")
        return self.known

    async def version(self) -> str | None:
        self._look("version")
        return "2.0.6"

    async def namespace(self, name: str) -> bool:
        self._look("namespace")
        return name not in self.missing

    async def proofs(self, namespace: str) -> Mapping[str, bool]:
        self._look("proofs")
        return self.allowed

    async def accepts(self, jobspec: str, variables: Mapping[str, Any], namespace: str) -> None:
        self.parsed.append(variables)
        self._look("accepts")


@dataclass
class FakeExaminedNomads:
    """All clusters are the same one; ``failure`` is raised instead, if set."""

    nomad: FakeExaminedNomad = field(default_factory=FakeExaminedNomad)
    failure: Exception | None = None

    def examined(self, cluster: Cluster) -> FakeExaminedNomad:
        if self.failure is not None:
            raise self.failure
        return self.nomad


@dataclass
class FakeExaminedDatabase:
    """A database at the newest revision, on a local disk."""

    newest: str = "0001"
    at: str | None = "0001"
    failure: Exception | None = None

    async def revision(self) -> str | None:
        if self.failure is not None:
            raise self.failure
        return self.at

    def disk(self) -> Disk | None:
        return Disk("/srv/nomatron.db", "ext4", 2**40)
