"""Generated days, and everything that is said of them, side by side."""

from __future__ import annotations

import csv
import json
from collections import Counter
from dataclasses import replace
from datetime import datetime, timedelta
from io import StringIO
from itertools import pairwise
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from bot.domain.audit.history import Outcome
from bot.domain.decision import Refused
from bot.domain.digest.csv import csv_of
from bot.domain.digest.report import MOST_CHANGES, MOST_NAMED
from bot.domain.digest.schedule import Scope, Span
from bot.operations.digest.report import all_entries, report
from bot.operations.queries.history import history
from bot.ports.audit import AuditQuery, Cursor
from tests.clocks import NOON
from tests.operations.days import SERVICES, Days
from tests.operations.recount import ENDS, Recount, middle

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from random import Random

    from bot.domain.audit.history import Entry
    from bot.domain.catalog.catalog import Catalog
    from bot.domain.digest.report import Listed, Report, Signs
    from bot.ports.store import Reading
    from tests.fakes import World

ZONE = ZoneInfo("America/New_York")
SCOPES = (None, frozenset({"production"}), frozenset({"staging", "preview"}))
AT_ONCE = 7


async def live_and_compare(world: World, random: Random, days: int) -> Counter[str]:
    """Live through that many spans, and compare; how often each outcome came, so that nothing is proved of nothing."""
    lived = Days(world, random)
    await lived.begin()
    moments = [NOON - timedelta(hours=3), *(NOON + timedelta(days=n, hours=9 - (n > 1)) for n in range(1, days + 1))]
    spans = [Span(begins, ends) for begins, ends in pairwise(moments)]
    in_time: dict[Scope, Report] = {}
    for span in spans:
        await lived.live(span.ends)
        world.clock.advance(seconds=15)
        in_time |= {scope: await drawn(world, scope) for scope in scopes_of(span)}
    await lived.live(world.clock.now() + timedelta(hours=5))

    log = await whole_log(world)
    for scope, then in in_time.items():
        await compare(world, log, scope, then)
    assert_each_ended_once([in_time[Scope(span)] for span in spans], [Recount(log, Scope(s), (), ZONE) for s in spans])
    await compare_history(world, log, spans)
    return Counter(body["type"] for body in log)


def scopes_of(span: Span) -> list[Scope]:
    return [Scope(span, environments) for environments in SCOPES]


async def whole_log(world: World) -> list[dict]:
    async with world.store.read() as reading:
        return [json.loads(stored.body) for stored in await reading.events(None, 10**6)]


async def catalog_now(reading: Reading) -> Catalog:
    return (await reading.active_catalog()).catalog


async def drawn(world: World, scope: Scope) -> Report:
    async with world.store.read() as reading:
        return await report(reading, scope, ZONE.key, await catalog_now(reading), world.directory.link)


async def compare(world: World, log: list[dict], scope: Scope, in_time: Report) -> None:
    """One scope: drawn late as in time, counted naively, in its CSV and in the pages of the audit log."""
    late = await drawn(world, scope)
    assert replace(late, posted={}) == replace(in_time, posted={})
    again = Recount(log, scope, late.final, ZONE)
    assert_numbers(late, again)
    assert_lists(late, again)
    async with world.store.read() as reading:
        entries = await all_entries(reading, scope)
        pages = await audit_pages(reading, scope.span)
    assert len([body for body in pages if scope.has(body.get("environment"))]) == late.tally.events == len(again.mine())
    assert_csv(csv_of(entries, ZONE), late, again)


def assert_numbers(found: Report, again: Recount) -> None:
    assert {outcome.value: count for outcome, count in found.outcomes.items()} == again.counts()
    assert sum(found.outcomes.values()) == len(again.outcomes())
    assert {kind.value: count for kind, count in found.tally.types.items()} == again.types()
    assert found.tally.events == len(again.mine())
    assert found.requested == len(again.mine("deploy.requested"))
    assert sorted(found.tally.to_approve) == again.to_approve()
    assert sorted(found.tally.to_succeed) == again.to_succeed()
    assert found.time_to_approve == middle(again.to_approve())
    assert found.time_to_succeed == middle(again.to_succeed())
    assert dict(found.refusals) == again.refusals()
    assert found.refused == len(again.mine("deploy.refused", "action.refused"))
    assert [(change.before, change.after) for change in found.catalogs] == again.catalogs()


def assert_lists(found: Report, again: Recount) -> None:
    def listed(what: Listed, most: int = MOST_NAMED) -> tuple[list[int], int]:
        assert len(what.entries) == min(most, what.total)
        return [entry.deploy_id for entry in what.entries], what.total

    def signed(what: Signs) -> tuple[list[tuple[int, str]], int]:
        assert len(what.signs) == min(MOST_NAMED, what.total)
        return [(sign.deploy_id, sign.actor.id) for sign in what.signs], what.total

    assert listed(found.changes, MOST_CHANGES) == (again.changes()[:MOST_CHANGES], len(again.changes()))
    failed = [body["deploy"] for body in again.mine("deploy.failed")]
    assert listed(found.failures) == first(failed)
    assert listed(found.reverts_failed) == first(again.reverts_failed())
    assert listed(found.stuck) == first(again.stuck())
    assert listed(found.overdue) == first(again.overdue())
    assert signed(found.out_of_hours) == first(again.out_of_hours())
    assert signed(found.self_approved) == first(again.self_approved())


def first(several: list) -> tuple[list, int]:
    return several[:MOST_NAMED], len(several)


def assert_csv(written: bytes, found: Report, again: Recount) -> None:
    rows = list(csv.DictReader(StringIO(written.decode("utf-8-sig"), newline="")))
    assert {int(row["deploy"].removeprefix("D-")): row["outcome"] for row in rows} == again.outcomes()
    assert len(rows) == len(again.outcomes())
    counted = Counter(row["outcome"] for row in rows)
    assert {outcome: counted[outcome.value] for outcome in found.outcomes} == dict(found.outcomes)
    assert [row["asked at"] for row in rows] == sorted(row["asked at"] for row in rows)
    span = found.scope.span
    for row in rows:
        ended = row["ended at"]
        assert bool(ended) == (row["outcome"] != "open")
        # the CSV says whole seconds, rounded down
        assert not ended or span.begins - timedelta(seconds=1) < datetime.fromisoformat(ended) < span.ends
        assert row["reason"] in {"", "hotfix"}
        assert not row["detail"].startswith("=")
    took = [row["seconds to succeed"] for row in rows if row["outcome"] == "deployed"]
    assert sorted(map(int, took)) == sorted(round(each.total_seconds()) for each in again.to_succeed())


def assert_each_ended_once(reports: Sequence[Report], recounts: Sequence[Recount]) -> None:
    ended = [deploy for each in recounts for deploy, outcome in each.outcomes().items() if outcome != "open"]
    assert len(ended) == len(set(ended))
    at_the_end = recounts[-1].outcomes()
    still_open = [deploy for deploy, outcome in at_the_end.items() if outcome == "open"]
    assert sorted(ended + still_open) == sorted(recounts[-1].deploys())
    told = sum(sum(each.outcomes.values()) - each.outcomes[Outcome.OPEN] for each in reports)
    assert told == len(ended)


async def audit_pages(reading: Reading, span: Span) -> list[dict]:
    """The span's events as ``audit`` pages through them."""
    found: list[dict] = []
    before = None
    while page := await reading.audit_page(AuditQuery(span=span, before=before), AT_ONCE):
        bodies = [json.loads(stored.body) for stored in page]
        found += bodies
        before = Cursor(datetime.fromisoformat(bodies[-1]["at"]), page[-1].index)
    return found


async def compare_history(world: World, log: list[dict], spans: Sequence[Span]) -> None:
    """What ``history`` says of each deploy now is what was told when it ended, and what the other tables know."""
    entries = {entry.deploy_id: entry for service in SERVICES for entry in await whole_history(world, service)}
    now = Recount(log, Scope(Span(NOON - timedelta(days=9), world.clock.now() + timedelta(days=9))), (), ZONE)
    assert {deploy: entry.outcome.value for deploy, entry in entries.items()} == now.outcomes()
    for span in spans:
        async with world.store.read() as reading:
            told = await all_entries(reading, Scope(span))
        for entry in (entry for entry in told if entry.ended_at):
            # a revert may have gone on, and been called stuck, since
            later = replace(entries[entry.deploy_id], reverted=entry.reverted, stuck_at=entry.stuck_at)
            assert later == entry
    for entry in entries.values():
        await compare_row(world, entry)


async def whole_history(world: World, service: str) -> Iterable[Entry]:
    found: list[Entry] = []
    before: int | None = None
    while True:
        page = await history(world.ports(), service, None, before, AT_ONCE)
        assert not isinstance(page, Refused)
        found += page.entries
        before = page.next
        if before is None:
            assert found == sorted(found, key=lambda entry: -entry.deploy_id)
            return found


async def compare_row(world: World, entry: Entry) -> None:
    """The events tell of a deploy what its own row, its plan and its approvals say."""
    async with world.store.read() as reading:
        deploy = await reading.deploy(entry.deploy_id)
        assert deploy is not None
        plan = await reading.plan(deploy.id, deploy.plan)
        approvals = await reading.approvals(deploy.id)
    told = (entry.service, entry.environment, entry.version, entry.requester, entry.requested_at, entry.reason)
    asked = (deploy.service, deploy.environment, deploy.version, deploy.requester, deploy.requested_at)
    assert told == (*asked, deploy.reason or "")
    assert (entry.status, entry.changed_at, entry.expires_at) == (deploy.status, deploy.changed_at, deploy.expires_at)
    if plan is not None and not plan.unchanged:
        assert entry.from_version == plan.from_version
    assert sorted(entry.approvers) == sorted(each.user.id for each in approvals if not each.void)
    if entry.outcome.value in ENDS.values():
        assert entry.detail == deploy.detail[:500]
