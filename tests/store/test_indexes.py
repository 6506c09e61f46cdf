"""Every search has its index: what SQLite's planner says of the statements that the store really sends."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from itertools import combinations
from typing import Any

import pytest

from bot.domain.deploy.deploy import Status
from bot.ports.audit import AuditQuery, Cursor
from store.sql.conditions import IS_OPEN
from store.tables import deploys
from tests.builders import ALICE, a_draft
from tests.clocks import NOON
from tests.store.sent import DAY, LOOPS, SEARCHES, reads, statements

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
OF_DAY = "COVERING INDEX ix_audit_events_type (type=? AND at>? AND at<?)"


async def plan_of(store, statement, parameters):
    async with store.engines.reading.connect() as connection:
        rows = await connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
        return [row[3] for row in rows]


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


@pytest.mark.parametrize("act", SEARCHES)
async def test_no_table_is_read_whole(store, act):
    for statement, parameters in await statements(store, act):
        steps = await plan_of(store, statement, parameters)
        assert [step for step in steps if "SCAN" in step and step not in FEW_ROWS] == [], statement


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
