"""What a digest says of its scope: numbers that the store adds up, and deploys as their own audit events tell them."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

from bot.domain.actor import actor_from_key
from bot.domain.deploy import Status
from bot.domain.digest import Scope
from bot.domain.events import EventType
from bot.domain.history import OUTCOMES, Outcome, entry_of
from bot.domain.report import MOST_CHANGES, MOST_NAMED, CatalogChange, Listed, Report, Signs, out_of_hours
from bot.domain.rollout import RolloutStatus

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from bot.audit_ports import Stored
    from bot.domain.catalog import Catalog
    from bot.domain.history import Body, Entry
    from bot.domain.report import Sign
    from bot.ports import Reading

_AT_ONCE: Final = 100
"""Deploys whose events are read at a time: others of this process get their turn in between."""
_REFUSED: Final = (EventType.DEPLOY_REFUSED, EventType.ACTION_REFUSED)
_MAY_HAVE_LANDED: Final = (EventType.DEPLOY_FAILED, EventType.DEPLOY_SUPERSEDED)


async def report(
    reading: Reading, scope: Scope, zone: str, catalog: Catalog, link: Callable[[str, str], str]
) -> Report:
    """The digest of that scope, as things stood at the end of its span.

    ``catalog`` says which environments are final, ``link`` the address of a message by channel and ts (or nothing).
    Read in one ``reading``, all of it is of one moment.
    """
    looking = _Looking(reading, scope, await _open_at_the_end(reading, scope))
    final = tuple(name for name in catalog.environments if name in catalog.final_environments() and scope.has(name))
    tally = await reading.tally(scope)
    refusals = await looking.refusals()
    approvals = await reading.approvals_in(scope)
    late = [sign for sign in approvals if out_of_hours(sign.at.astimezone(ZoneInfo(zone)))]
    found = Report(
        scope=scope,
        zone=zone,
        final=final,
        tally=tally,
        outcomes={**tally.ended(), Outcome.OPEN: len(looking.still_open)},
        changes=await looking.changes(final),
        failures=await looking.failures(),
        reverts_failed=await looking.reverts_failed(),
        stuck=await looking.stuck(),
        overdue=_listed([entry for entry in looking.still_open if entry.overdue(scope.span.ends)]),
        out_of_hours=_signs(late),
        self_approved=_signs(await reading.own_approvals_in(scope)),
        catalogs=await looking.catalogs(),
        refusals=refusals,
        refused=sum(tally.types.get(kind, 0) for kind in _REFUSED),
    )
    return replace(found, posted=await _links(reading, found, link))


async def all_entries(reading: Reading, scope: Scope) -> tuple[Entry, ...]:
    """Every deploy that ended in the scope or was open at its end, oldest request first."""
    ended = await _entries(reading, await reading.deploys_with(scope, OUTCOMES), scope.span.ends)
    still_open = await _open_at_the_end(reading, scope)
    return tuple(sorted((*ended, *still_open), key=lambda entry: (entry.requested_at, entry.deploy_id)))


@dataclass(frozen=True, slots=True)
class _Looking:
    """A scope, and the deploys that were open at its end."""

    reading: Reading
    scope: Scope
    still_open: tuple[Entry, ...]

    async def changes(self, final: Sequence[str]) -> Listed:
        """What Nomad took in the final environments: what ended, in that order, then what was still rolling out."""
        if not final:
            return Listed()
        scope = Scope(self.scope.span, frozenset(final))
        maybe = await self._entries(await self.reading.deploys_with(scope, _MAY_HAVE_LANDED))
        never = {entry.deploy_id for entry in maybe if entry.landed_at is None}
        ended = await self.reading.deploys_with(scope, (EventType.DEPLOY_SUCCEEDED, *_MAY_HAVE_LANDED))
        landed = [deploy for deploy in ended if deploy not in never]
        rolling = [
            entry for entry in self.still_open if entry.status is Status.ROLLING and scope.has(entry.environment)
        ]
        shown = (*await self._entries(landed[:MOST_CHANGES]), *rolling)
        return Listed(shown[:MOST_CHANGES], len(landed) + len(rolling))

    async def failures(self) -> Listed:
        """What failed, reverted or not."""
        failed = await self.reading.deploys_with(self.scope, (EventType.DEPLOY_FAILED,))
        return Listed(await self._entries(failed[:MOST_NAMED]), len(failed))

    async def reverts_failed(self) -> Listed:
        """The deploys that Nomad could not revert."""
        bodies = await self._bodies(EventType.DEPLOY_REVERTED)
        failed = [body["deploy"] for body in bodies if body["data"]["status"] == RolloutStatus.FAILED]
        return Listed(await self._entries(failed[:MOST_NAMED]), len(failed))

    async def stuck(self) -> Listed:
        """What was still stuck at the end: rollouts whenever they were called so, and reverts called so in the span."""
        called = await self._entries(await self.reading.deploys_with(self.scope, (EventType.DEPLOY_STUCK,)))
        found = {entry.deploy_id: entry for entry in (*self.still_open, *called) if entry.stuck}
        return _listed([found[deploy] for deploy in sorted(found)])

    async def refusals(self) -> dict[str, int]:
        """How often each rule said no, the most frequent first."""
        codes = Counter(code for body in await self._bodies(*_REFUSED) for code in body["data"]["codes"])
        return dict(sorted(codes.items(), key=lambda each: (-each[1], each[0])))

    async def catalogs(self) -> tuple[CatalogChange, ...]:
        """The catalogs that became active, oldest first."""
        return tuple(
            CatalogChange(
                at=datetime.fromisoformat(body["at"]),
                actor=actor_from_key(body["actor"]),
                before=body["data"]["before"],
                after=body["data"]["after"],
            )
            for body in await self._bodies(EventType.CATALOG_APPLIED)
        )

    async def _bodies(self, *types: EventType) -> list[Body]:
        return [json.loads(stored.body) for stored in await self.reading.events_of(self.scope, types)]

    async def _entries(self, deploys: Sequence[int]) -> tuple[Entry, ...]:
        return await _entries(self.reading, deploys, self.scope.span.ends)


async def _open_at_the_end(reading: Reading, scope: Scope) -> tuple[Entry, ...]:
    """The deploys that were asked for and had not ended, oldest first: their events tell, whatever became of them."""
    found = await _entries(reading, sorted(await reading.maybe_open(scope)), scope.span.ends)
    return tuple(entry for entry in found if entry.outcome is Outcome.OPEN)


async def _entries(reading: Reading, deploys: Sequence[int], until: datetime) -> tuple[Entry, ...]:
    """What those deploys' events before ``until`` tell, in the order given."""
    found: list[Entry | None] = []
    for first in range(0, len(deploys), _AT_ONCE):
        chunk = deploys[first : first + _AT_ONCE]
        timelines = await reading.timelines(chunk)
        found += (entry_of(map(_body, timelines.get(deploy, ())), until) for deploy in chunk)
    return tuple(entry for entry in found if entry is not None)


def _body(stored: Stored) -> Body:
    body: Body = json.loads(stored.body)
    return body


def _listed(entries: Sequence[Entry]) -> Listed:
    return Listed(tuple(entries[:MOST_NAMED]), len(entries))


def _signs(signs: Sequence[Sign]) -> Signs:
    return Signs(tuple(signs[:MOST_NAMED]), len(signs))


async def _links(reading: Reading, found: Report, link: Callable[[str, str], str]) -> dict[int, str]:
    """The address of the message of each deploy that the report names, where it has one."""
    posted = await reading.all_posted(_named(found))
    links = {each.deploy_id: link(each.channel, each.ts) for each in posted if each.ts}
    return {deploy: address for deploy, address in links.items() if address}


def _named(found: Report) -> frozenset[int]:
    listed: Iterable[Listed] = (found.changes, found.failures, found.reverts_failed, found.stuck, found.overdue)
    signs: Iterable[Signs] = (found.out_of_hours, found.self_approved)
    return frozenset(
        [entry.deploy_id for each in listed for entry in each.entries]
        + [sign.deploy_id for each in signs for sign in each.signs]
    )
