"""Every search has its index: what SQLite's planner says of the statements that the store really sends."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import event, text

from bot.domain.deploy import Status
from tests.clocks import NOON

FEW_ROWS = {"SCAN CONSTANT ROW", "SCAN 2 CONSTANT ROWS", "SCAN asked"}
"""What a statement brings along, which is in no table."""


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
        await getattr(store, name)(owner="one", lease=timedelta(minutes=1), now=NOON, **arguments)

    return pytest.param(act, id=name)


def takes(name, *arguments):
    """The claim itself, past the look that comes before it: an empty store would end there."""

    async def act(store):
        async with getattr(store, name)() as session:
            await session.take(*arguments)

    return pytest.param(act, id=name)


@pytest.mark.parametrize(
    "act",
    [
        reads("deploy", 1),
        reads("open_deploys"),
        reads("open_deploys", "checkout", "staging"),
        reads("recent_deploys", "checkout", "staging"),
        reads("last_succeeded", "checkout", "staging"),
        reads("last_succeeded_of", [("checkout", "staging"), ("checkout", "production")]),
        reads("knows_request", "5f3a"),
        reads("release", "f"),
        reads("release_of", "checkout", "v1", "web"),
        reads("plan", 1, 1),
        reads("approvals", 1),
        reads("attempts", 1, 1),
        reads("rollouts", 1),
        reads("posted", 1),
        reads("events", 1),
        reads("catalog", "f"),
        claims("claim", status=Status.READY),
        claims("claim_parcel"),
        takes("_claims", Status.READY, "one", timedelta(minutes=1), NOON),
        takes("_parcels", "one", timedelta(minutes=1), NOON),
    ],
)
async def test_no_table_is_read_whole(store, act):
    for statement, parameters in await statements(store, act):
        steps = await plan_of(store, statement, parameters)
        assert [step for step in steps if "SCAN" in step and step not in FEW_ROWS] == [], statement


async def test_a_page_of_the_audit_log_of_one_place_comes_from_its_index(store):
    page = text(
        'SELECT "index" FROM audit_events WHERE service = :s AND environment = :e AND "index" < :i '
        'ORDER BY "index" DESC LIMIT 50'
    )
    async with store.engines.reading.connect() as connection:
        explained = await connection.execute(text(f"EXPLAIN QUERY PLAN {page}"), {"s": "a", "e": "b", "i": 9})
        (step,) = [row[3] for row in explained]
    assert "ix_audit_events_place (service=? AND environment=? AND index<?)" in step
