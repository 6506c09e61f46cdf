"""A digest's content: numbers that the store adds up, and deploys computed from their audit events."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

from bot.domain.actor import actor_from_key
from bot.domain.audit.events import EventType
from bot.domain.audit.history import OUTCOMES, Outcome, entry_of
from bot.domain.deploy.deploy import Status
from bot.domain.deploy.rollout import RolloutStatus
from bot.domain.digest.report import (
    MOST_CHANGES,
    MOST_NAMED,
    CatalogChange,
    Listed,
    LockChange,
    Report,
    Signs,
    closed_hours,
)
from bot.domain.digest.schedule import Scope
from bot.domain.locks import LockScope

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from bot.domain.audit.history import Body, Entry
    from bot.domain.catalog.catalog import Catalog
    from bot.domain.digest.report import Sign
    from bot.ports.audit import Stored
    from bot.ports.store import Reading

_AT_ONCE: Final = 100
"""Deploys whose events are read at once; other tasks of this process run in between."""
_REFUSED: Final = (EventType.DEPLOY_REFUSED, EventType.ACTION_REFUSED)
_LOCKS: Final = (EventType.LOCK_PLACED, EventType.LOCK_LIFTED, EventType.LOCK_EXPIRED)
_READ: Final = (*_REFUSED, *_LOCKS, EventType.DEPLOY_REVERTED, EventType.CATALOG_APPLIED)
"""Events whose bodies are needed, because no column has their data."""
_LANDED_ENDS: Final = (EventType.DEPLOY_SUCCEEDED, EventType.DEPLOY_FAILED, EventType.DEPLOY_SUPERSEDED)


async def report(
    reading: Reading, scope: Scope, zone: str, catalog: Catalog, link: Callable[[str, str], str]
) -> Report:
    """The digest of that scope, as of the end of its span.

    ``catalog`` says which environments are final; ``link`` returns a message's address by channel and ts, or nothing.
    Everything comes from one ``reading``, so it is consistent.
    """
    final = tuple(name for name in catalog.environments if name in catalog.final_environments() and scope.has(name))
    looking = await _collect(reading, scope, final)
    tally = await reading.tally(scope)
    closed = [Scope(part, scope.environments) for part in closed_hours(scope.span, ZoneInfo(zone))]
    late = [sign for each in closed for sign in await reading.approvals_in(each)]
    found = Report(
        scope=scope,
        zone=zone,
        final=final,
        tally=tally,
        outcomes={**tally.ended(), Outcome.OPEN: len(looking.still_open)},
        changes=looking.changes(final),
        failures=looking.listed(looking.failed),
        reverts_failed=looking.listed(looking.not_reverted()),
        stuck=looking.stuck(),
        landed_late=looking.listed(looking.landed_late),
        resolved=looking.listed(looking.resolved),
        overdue=_listed([entry for entry in looking.still_open if entry.overdue(scope.span.ends)]),
        out_of_hours=_signs(late),
        self_approved=_signs(await reading.own_approvals_in(scope)),
        catalogs=looking.catalogs(),
        locks=looking.locks(),
        refusals=looking.refusals(),
        refused=sum(tally.types.get(kind, 0) for kind in _REFUSED),
    )
    return replace(found, posted=await _links(reading, found, link))


async def all_entries(reading: Reading, scope: Scope) -> tuple[Entry, ...]:
    """Every deploy that ended in the scope or was open at its end, oldest request first."""
    ended = await _entries(reading, await reading.deploys_with(scope, OUTCOMES), scope.span.ends)
    still_open = await _open_at_the_end(reading, scope)
    return tuple(sorted((*ended, *still_open), key=lambda entry: (entry.requested_at, entry.deploy_id)))


@dataclass(frozen=True, slots=True)
class _Material:
    """The material of a report: the deploys that it may name, and the bodies of events that are read one by one.

    ``still_open`` were open at the end of the scope. ``landed`` are the numbers of the deploys that ended in the final
    environments after Nomad had registered them, ``failed``, ``called_stuck``, ``landed_late`` and ``resolved`` of
    those to which that happened in the scope. ``entries`` has the deploys that are shown.
    """

    scope: Scope
    still_open: tuple[Entry, ...]
    landed: Sequence[int]
    failed: Sequence[int]
    called_stuck: Sequence[int]
    landed_late: Sequence[int]
    resolved: Sequence[int]
    bodies: Sequence[Body]
    entries: Mapping[int, Entry]

    def listed(self, deploys: Sequence[int], most: int = MOST_NAMED) -> Listed:
        """The first of those deploys, and how many there are."""
        shown = tuple(self.entries[deploy] for deploy in deploys[:most] if deploy in self.entries)
        return Listed(shown, len(deploys))

    def changes(self, final: Sequence[str]) -> Listed:
        """What Nomad registered in the final environments: first what ended, then what was still rolling out."""
        ended = self.listed(self.landed, MOST_CHANGES)
        rolling = [entry for entry in self.still_open if entry.status is Status.ROLLING and entry.environment in final]
        return Listed((*ended.entries, *rolling)[:MOST_CHANGES], ended.total + len(rolling))

    def stuck(self) -> Listed:
        """What was still stuck at the end: all rollouts, and reverts that became stuck in the span."""
        called = [self.entries[deploy] for deploy in self.called_stuck if deploy in self.entries]
        found = {entry.deploy_id: entry for entry in (*self.still_open, *called) if entry.stuck}
        return _listed([found[deploy] for deploy in sorted(found)])

    def not_reverted(self) -> list[int]:
        """The deploys that Nomad could not revert."""
        return _not_reverted(self.bodies)

    def refusals(self) -> dict[str, int]:
        """How often each reason refused something, the most frequent first."""
        codes = Counter(code for body in _of(self.bodies, *_REFUSED) for code in body["data"]["codes"])
        return dict(sorted(codes.items(), key=lambda each: (-each[1], each[0])))

    def catalogs(self) -> tuple[CatalogChange, ...]:
        """The catalogs that became active, oldest first."""
        return tuple(
            CatalogChange(
                at=datetime.fromisoformat(body["at"]),
                actor=actor_from_key(body["actor"]),
                before=body["data"]["before"],
                after=body["data"]["after"],
            )
            for body in _of(self.bodies, EventType.CATALOG_APPLIED)
        )

    def locks(self) -> tuple[LockChange, ...]:
        """The locks that were placed, lifted or ended, oldest first."""
        return tuple(_lock_change(body) for body in _of(self.bodies, *_LOCKS))


def _lock_change(body: Body) -> LockChange:
    data = body["data"]
    until = data.get("until")
    return LockChange(
        kind=EventType(body["type"]),
        at=datetime.fromisoformat(body["at"]),
        actor=actor_from_key(body["actor"]),
        what=LockScope(body.get("service", ""), body.get("environment", "")).name,
        reason=data.get("reason") or data["locked"],
        until=datetime.fromisoformat(until) if until else None,
    )


async def _collect(reading: Reading, scope: Scope, final: Sequence[str]) -> _Material:
    """Read everything but numbers and approvals; each deploy's events only once."""
    of_final = Scope(scope.span, frozenset(final))
    landed = await reading.deploys_with(of_final, _LANDED_ENDS, after=EventType.DEPLOY_LANDED) if final else ()
    failed = await reading.deploys_with(scope, (EventType.DEPLOY_FAILED,))
    called = await reading.deploys_with(scope, (EventType.DEPLOY_STUCK,))
    landed_late = await reading.deploys_with(scope, (EventType.DEPLOY_LANDED_LATE,))
    resolved = await reading.deploys_with(scope, (EventType.DEPLOY_RESOLVED,))
    bodies = [_body(stored) for stored in await reading.events_of(scope, _READ)]
    named = (failed, landed_late, resolved, _not_reverted(bodies))
    shown = {*landed[:MOST_CHANGES], *called, *(deploy for each in named for deploy in each[:MOST_NAMED])}
    entries = await _entries(reading, sorted(shown), scope.span.ends)
    return _Material(
        scope=scope,
        still_open=await _open_at_the_end(reading, scope),
        landed=landed,
        failed=failed,
        called_stuck=called,
        landed_late=landed_late,
        resolved=resolved,
        bodies=bodies,
        entries={entry.deploy_id: entry for entry in entries},
    )


def _of(bodies: Sequence[Body], *types: EventType) -> list[Body]:
    return [body for body in bodies if body["type"] in types]


def _not_reverted(bodies: Sequence[Body]) -> list[int]:
    reverts = _of(bodies, EventType.DEPLOY_REVERTED)
    return [body["deploy"] for body in reverts if body["data"]["status"] == RolloutStatus.FAILED]


async def _open_at_the_end(reading: Reading, scope: Scope) -> tuple[Entry, ...]:
    """The deploys that were open at the end of the scope, oldest first, whatever became of them later."""
    found = await _entries(reading, sorted(await reading.maybe_open(scope)), scope.span.ends)
    return tuple(entry for entry in found if entry.outcome is Outcome.OPEN)


async def _entries(reading: Reading, deploys: Sequence[int], until: datetime) -> tuple[Entry, ...]:
    """Those deploys as their events before ``until`` describe them, in the order given."""
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
    """The link to the message of each deploy that the report names, if it has one."""
    posted = await reading.all_posted(_named(found))
    links = {each.deploy_id: link(each.channel, each.ts) for each in posted}
    return {deploy: address for deploy, address in links.items() if address}


def _named(found: Report) -> frozenset[int]:
    problems = (found.failures, found.reverts_failed, found.stuck, found.overdue, found.landed_late, found.resolved)
    listed: Iterable[Listed] = (found.changes, *problems)
    signs: Iterable[Signs] = (found.out_of_hours, found.self_approved)
    return frozenset(
        [entry.deploy_id for each in listed for entry in each.entries]
        + [sign.deploy_id for each in signs for sign in each.signs]
    )
