"""Every search has its index: what SQLite's planner says of the statements that the store really sends."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from itertools import combinations
from typing import Any

import pytest
from sqlalchemy import event

from bot.domain.audit.events import EventType
from bot.domain.deploy.deploy import Status
from bot.domain.deploy.message import Way
from bot.domain.digest.schedule import Scope, Span
from bot.ports.audit import AuditQuery, Cursor
from bot.ports.claims import Wanted
from store.deploys.retention import Retention
from store.sql.conditions import IS_OPEN
from store.tables import deploys
from tests.builders import ALICE, a_draft
from tests.clocks import NOON

FEW_ROWS = {
    "SCAN CONSTANT ROW",
    "SCAN 2 CONSTANT ROWS",
    "SCAN asked",
    "SCAN astray",
    "SCAN catalogs",
    "SCAN due",
    "SCAN dispatched",
    "SCAN digests",
    "SCAN deploys USING INDEX ix_deploys_unjudged",
    "SCAN deploys USING INDEX ix_deploys_open",
    "SCAN deploys USING COVERING INDEX ix_deploys_open",
    "SCAN locks USING INDEX one_lock_each",
    "SCAN digests USING COVERING INDEX sqlite_autoindex_digests_1",
}
"""What a statement brings along, which is in no table; what a new catalog marked; the locks that nobody ended; the
channels with a digest; the catalogs from their newest, of which one is read."""
WANTED = Wanted(statuses=frozenset({Status.ROLLING, Status.FAILED}), within=timedelta(minutes=1))
DAY = Scope(Span(NOON - timedelta(days=1), NOON))
TODAY = date(2026, 11, 21)
OF_DAY = "COVERING INDEX ix_audit_events_type (type=? AND at>? AND at<?)"


async def statements(store, act):
    """What a store sends while it acts, with values filled in by the driver."""
    sent = []

    def keep(connection, cursor, statement, parameters, context, executemany):
        if not statement.startswith("BEGIN"):
            sent.append((statement, parameters))

    engine = store.engines.writing.sync_engine
    event.listen(engine, "before_cursor_execute", keep)
    await act(store)
    event.remove(engine, "before_cursor_execute", keep)
    return sent


async def plan_of(store, statement, parameters):
    async with store.engines.reading.connect() as connection:
        rows = await connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
        return [row[3] for row in rows]


def reads(name, *arguments):
    async def act(store):
        async with store.read() as reading:
            await getattr(reading, name)(*arguments)

    return pytest.param(act, id=name)


def claims(name, **arguments):
    async def act(store):
        mine = {} if name == "find" else {"owner": "one", "lease": timedelta(minutes=1)}
        await getattr(store, name)(now=NOON, **mine, **arguments)

    return pytest.param(act, id=name)


async def poll(store):
    # as many kinds of work as there are, each with its own rule
    await store.due([Wanted(statuses=frozenset({state}), within=timedelta(minutes=1)) for state in Status], NOON)


def takes(name, *arguments):
    """The claim itself, past the look that comes before it: an empty store would end there."""

    async def act(store):
        async with getattr(store, name)() as session:
            await session.take(*arguments)

    return pytest.param(act, id=name)


async def test_what_landed_next_is_found_by_its_place_and_instant(store):
    async with store.begin() as tx:
        deploy = await tx.add_deploy(a_draft())
        await tx.save_deploy(replace(deploy, status=Status.SUCCEEDED))
    sent = await statements(store, reads("runs", deploy.service, deploy.environment, deploy.release).values[0])
    assert len(sent) == 2
    steps = await plan_of(store, *sent[1])
    searched = "(service=? AND environment=? AND landed_at>?)"
    assert f"SEARCH later USING COVERING INDEX ix_deploys_landed {searched}" in steps
    assert [step for step in steps if "SCAN" in step] == []


def retains(name):
    async def act(store):
        async with store.begin() as tx:
            await getattr(Retention(tx._connection, tx._parsed), name)(NOON)

    return pytest.param(act, id=f"retention_{name}")


@pytest.mark.parametrize(
    "act",
    [
        reads("deploy", 1),
        reads("subject", 1),
        reads("open_deploys"),
        reads("open_deploys", "checkout", "staging"),
        reads("any_unjudged"),
        reads("locks"),
        reads("locks_on", "checkout", "staging"),
        reads("overdue", NOON, {"production": NOON, "staging": NOON}),
        reads("requested_by", ALICE, NOON, NOON),
        reads("last_succeeded", "checkout", "staging"),
        reads("runs", "checkout", "staging", "f"),
        reads("runs", "checkout", "staging", "f", NOON),
        reads("last_passed", "checkout", "staging"),
        reads("first_landed", "checkout", "staging", "v1"),
        reads("last_landed", "checkout", "staging"),
        reads("first_landing", "checkout", "staging"),
        reads("last_landing", "checkout", "staging"),
        reads("success_before", replace(a_draft(), landed_at=NOON)),
        reads("last_succeeded_of", [("checkout", "staging"), ("checkout", "production")]),
        reads("knows_request", "5f3a"),
        reads("release", "f"),
        reads("revisions", "checkout", "v1", "web"),
        reads("plan", 1, 1),
        reads("approvals", 1),
        reads("attempts", 1, 1),
        reads("rollouts", 1),
        reads("versions_made", "checkout", "staging", 10),
        reads("recorded", [("checkout", "staging"), ("checkout", "production")]),
        reads("posted", 1),
        reads("events", 1),
        reads("catalog", "f"),
        reads("requested_page", "checkout", None, None, 10),
        reads("requested_page", "checkout", "staging", 9, 10),
        reads("timelines", [1, 2]),
        reads("tally", DAY),
        reads("deploys_with", DAY, [EventType.DEPLOY_FAILED, EventType.DEPLOY_STUCK]),
        reads("deploys_with", DAY, [EventType.DEPLOY_FAILED], EventType.DEPLOY_LANDED),
        reads("events_of", DAY, [EventType.CATALOG_APPLIED]),
        reads("approvals_in", DAY),
        reads("own_approvals_in", replace(DAY, environments=frozenset({"production"}))),
        reads("maybe_open", DAY),
        reads("maybe_open", replace(DAY, environments=frozenset({"production"}))),
        reads("all_posted", [1, 2]),
        reads("digests_since"),
        reads("edition", "C0AUDIT001", TODAY),
        reads("last_edition", "C0AUDIT001", TODAY),
        reads("edition_days", "C0AUDIT001", TODAY),
        reads("table_refused", NOON),
        reads("newest_editions", TODAY),
        poll,
        claims("claim", wanted=WANTED),
        claims("claim", wanted=replace(WANTED, full=frozenset({"http://10.0.0.1:4646"}))),
        claims("claim_parcel"),
        claims("claim_parcel", resting=[(Way.UPDATE, ""), (Way.POST, "C0PROD0001")]),
        takes("_claims", WANTED, "one", timedelta(minutes=1), NOON),
        takes("_parcels", "one", timedelta(minutes=1), NOON),
        retains("due"),
        retains("empty"),
    ],
)
async def test_no_table_is_read_whole(store, act):
    for statement, parameters in await statements(store, act):
        steps = await plan_of(store, statement, parameters)
        assert [step for step in steps if "SCAN" in step and step not in FEW_ROWS] == [], statement


LOOPS = [
    poll,
    *(claims("claim", wanted=Wanted(statuses=frozenset({state}), within=timedelta(minutes=1))) for state in Status),
    claims("find", wanted=WANTED),
    claims("find", wanted=replace(WANTED, full=frozenset({"http://10.0.0.1:4646"}), besides=frozenset({7}))),
    claims("claim_parcel"),
    reads("any_unjudged"),
    reads("any_of", [Status.DISPATCHING, Status.ROLLING], [("checkout", "staging"), ("checkout", "production")]),
    reads("overdue", NOON, {"production": NOON, "staging": NOON}),
    reads("open_deploys"),
    reads("open_deploys", "checkout", "staging"),
    reads("open_places"),
    reads("ages"),
    reads("last_succeeded", "checkout", "staging"),
    reads("last_passed", "checkout", "staging"),
    takes("_claims", WANTED, "one", timedelta(minutes=1), NOON),
    takes("_parcels", "one", timedelta(minutes=1), NOON),
]
"""What is asked again and again, however long the history is."""


@pytest.fixture
async def with_history(store):
    """A store whose planner knows that nearly every deploy has ended."""
    copied = ", ".join(column.name for column in deploys.columns if column.name not in {"id", "status", "due_at"})
    async with store.begin() as tx:
        await tx.add_deploy(a_draft())
    more = (
        "WITH RECURSIVE n(value) AS (SELECT 1 UNION ALL SELECT value + 1 FROM n WHERE value < 5000) "
        f"INSERT INTO deploys (status, due_at, {copied}) "
        f"SELECT CASE value % 3 WHEN 0 THEN 'succeeded' WHEN 1 THEN 'failed' ELSE 'rejected' END, NULL, {copied} "
        "FROM deploys, n"
    )
    async with store.engines.writing.begin() as connection:
        await connection.exec_driver_sql(more)
        await connection.exec_driver_sql("ANALYZE")
    return store


@pytest.mark.parametrize("act", LOOPS)
async def test_what_has_ended_costs_the_loops_nothing_though_the_planner_knows_how_much_it_is(with_history, act):
    for statement, parameters in await statements(with_history, act):
        steps = await plan_of(with_history, statement, parameters)
        assert [step for step in steps if "SCAN" in step and step not in FEW_ROWS] == [], statement


def test_the_condition_of_open_deploys_names_their_states():
    states = ", ".join(repr(str(state)) for state in Status if state.open)
    assert f"status IN ({states})" == IS_OPEN


COLUMNS: dict[str, Any] = {"service": "checkout", "environment": "staging", "actor": ALICE}
NARROWED = [names for count in range(4) for names in combinations(COLUMNS, count)]
OF_COLUMNS = {
    (): "at",
    ("service",): "service",
    ("environment",): "environment",
    ("actor",): "actor",
    ("service", "environment"): "place",
    ("service", "actor"): "actor_service",
    ("environment", "actor"): "actor_environment",
    ("service", "environment", "actor"): "actor_place",
}


@pytest.mark.parametrize("before", [None, Cursor(NOON - timedelta(minutes=1), 9)], ids=["first", "after"])
@pytest.mark.parametrize("span", [None, DAY.span], ids=["ever", "day"])
@pytest.mark.parametrize("names", NARROWED)
async def test_a_page_of_the_audit_log_is_one_stretch_of_its_own_index(store, names, span, before):
    query = AuditQuery(span=span, before=before, **{name: COLUMNS[name] for name in names})
    ((statement, parameters),) = await statements(store, reads("audit_page", query, 50).values[0])
    (step,) = await plan_of(store, statement, parameters)
    equal = [f"{name}=?" for name in ("actor", "service", "environment") if name in names]
    bounds = [*equal, *(["at>?"] if span else []), *(["at<?"] if span or before else [])]
    searched = f" ({' AND '.join(bounds)})" if bounds else ""
    verb = "SEARCH" if bounds else "SCAN"
    assert step == f"{verb} audit_events USING INDEX ix_audit_events_{OF_COLUMNS[names]}{searched}"


@pytest.mark.parametrize("before", [None, Cursor(NOON - timedelta(minutes=1), 9)], ids=["first", "after"])
@pytest.mark.parametrize("span", [None, DAY.span], ids=["ever", "day"])
@pytest.mark.parametrize("names", NARROWED)
async def test_a_page_of_one_deploys_events_reads_no_others(store, names, span, before):
    query = AuditQuery(deploy=12, span=span, before=before, **{name: COLUMNS[name] for name in names})
    ((statement, parameters),) = await statements(store, reads("audit_page", query, 50).values[0])
    steps = await plan_of(store, statement, parameters)
    assert [step for step in steps if "audit_events" in step] == [
        "SEARCH audit_events USING INDEX ix_audit_events_deploy (deploy=?)"
    ]


@pytest.mark.parametrize(
    "scope", [DAY, replace(DAY, environments=frozenset({"production"}))], ids=["all", "production"]
)
async def test_what_a_day_adds_up_to_is_counted_without_a_look_at_the_bodies(store, scope):
    for statement, parameters in await statements(store, reads("tally", scope).values[0]):
        steps = await plan_of(store, statement, parameters)
        looked = [step for step in steps if step.startswith("SEARCH")]
        assert looked[0] == f"SEARCH audit_events USING {OF_DAY}"
        # what belongs to a deploy is found by the deploy
        assert all("COVERING INDEX ix_audit_events_deploy (deploy=? AND type=?" in step for step in looked[1:]), steps
