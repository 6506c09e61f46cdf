"""A long history costs PostgreSQL's planner no table: what it says of the statements that the store really sends."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import asyncpg
import pytest

from bot.domain.actor import System
from bot.domain.audit.events import EventType, event_of
from bot.domain.deploy.message import Delivery, Note, Outgoing
from store import open_store
from store.tables import audit_events, deploys, messages, outbox
from tests.builders import ALICE, a_catalog, a_draft
from tests.clocks import NOON
from tests.store.sent import LOOPS, SEARCHES, statements

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from sqlalchemy import Table

    from store import SqlStore

pytestmark = pytest.mark.postgres

LONG = frozenset(table.name for table in (deploys, audit_events, messages))
"""What grows with every deploy. The outbox does not: it has what is still to be sent."""
AT_NOON = f"timestamptz '{NOON.isoformat()}'"
THEN = f"{AT_NOON} - n * interval '25 minutes'"
USES = 7
"""PostgreSQL plans a prepared statement five times for its values before it considers one plan for all."""
PLACE = {
    "service": "(ARRAY['checkout', 'search', 'mail', 'pay'])[1 + n % 4]",
    "environment": "(ARRAY['staging', 'production', 'testing'])[1 + n % 3]",
}
ENDED = PLACE | {
    "status": "(ARRAY['succeeded', 'failed', 'rejected', 'cancelled', 'expired'])[1 + n % 5]",
    "requester": "'slack:T0TEAM:U' || n % 50",
    "release": "'r' || n % 500",
    "requested_at": THEN,
    "changed_at": THEN,
    "landed_at": f"CASE n % 5 WHEN 0 THEN {THEN} END",
    "due_at": "NULL::timestamptz",
}
HAPPENED = PLACE | {
    "at": f"{AT_NOON} - n * interval '5 minutes'",
    "type": "(ARRAY['deploy.requested', 'deploy.planned', 'approval.given', 'deploy.landed'])[1 + n % 4]",
    "deploy": "1 + n / 4",
    "actor": "'slack:T0TEAM:U' || n % 50",
}
LATER = {
    "kind": "'thread'",
    "deploy_id": "1 + n",
    "turn": "n",
    "due_at": f"{AT_NOON} + interval '1 minute'",
    "put_at": AT_NOON,
    "lane": "'C' || n % 50",
}
SHOWN = {"deploy_id": "1 + n", "ts": "n || '.000100'"}


def copies(table: Table, changed: dict[str, str], number: int) -> str:
    """Copies of the table's only row, with other values in some columns."""
    given = {column.name: f'"{table.name}"."{column.name}"' for column in table.columns}
    given = {name: value for name, value in given.items() if name not in {"id", "index"}} | changed
    names = ", ".join(f'"{name}"' for name in given)
    return (
        f"INSERT INTO {table.name} ({names}) SELECT {', '.join(given.values())} "
        f"FROM {table.name}, generate_series(1, {number}) AS n"
    )


async def fill(url: str) -> None:
    async with open_store(url) as store, store.begin() as tx:
        await tx.apply_catalog(a_catalog(), NOON)
        deploy = await tx.add_deploy(a_draft())
        await tx.record(event_of(EventType.DEPLOY_REQUESTED, System("worker"), deploy, NOON, deploy.catalog))
        await tx.send(Outgoing(kind=Delivery.TELL, user=ALICE.id, note=Note(text="Hello.")), NOON)
    connection = await asyncpg.connect(url)
    try:
        await connection.execute("INSERT INTO messages (deploy_id, channel, ts, twice) VALUES (1, 'C0', '1.1', false)")
        for table, changed, number in (
            (deploys, ENDED, 5000),
            (messages, SHOWN, 5000),
            (audit_events, HAPPENED, 20000),
            (outbox, LATER, 4000),
        ):
            await connection.execute(copies(table, changed, number))
        await connection.execute("ANALYZE")
    finally:
        await connection.close()


@pytest.fixture(scope="module")
def long_history(postgres_server: str) -> Iterator[str]:
    """A database with a year of deploys, and with replies that wait because Slack is away."""

    async def run(statement: str) -> None:
        connection = await asyncpg.connect(f"{postgres_server}/postgres")
        await connection.execute(statement)
        await connection.close()

    asyncio.run(run("CREATE DATABASE long_history TEMPLATE template"))
    asyncio.run(fill(f"{postgres_server}/long_history"))
    yield f"{postgres_server}/long_history"
    asyncio.run(run("DROP DATABASE long_history WITH (FORCE)"))


@pytest.fixture
async def with_history(long_history: str) -> AsyncIterator[SqlStore]:
    async with open_store(long_history) as store:
        # what a new connection asks is not the store's
        async with store.read() as reading:
            await reading.deploy(1)
        yield store


async def plans_of(store: SqlStore, statement: str, parameters: Any) -> list[dict[str, Any]]:
    """What the planner chooses at first, and once it may keep one plan for any values."""
    given = f"({', '.join(map(literal, parameters))})" if parameters else ""
    async with store.engines.writing.connect() as connection:
        driver: Any = (await connection.get_raw_connection()).driver_connection
        await driver.execute(f"PREPARE asked AS {statement}")
        found = [await driver.fetchval(f"EXPLAIN (FORMAT JSON) EXECUTE asked{given}") for _ in range(USES)]
        await driver.execute("DEALLOCATE asked")
    return [found[0][0]["Plan"], found[-1][0]["Plan"]]


def literal(value: object) -> str:
    return "NULL" if value is None else "'" + str(value).replace("'", "''") + "'"


def read_whole(plan: dict[str, Any]) -> list[str]:
    """The long tables that a plan reads from one end to the other."""
    mine = [plan["Relation Name"]] if plan["Node Type"] == "Seq Scan" else []
    return [name for name in mine if name in LONG] + [
        name for part in plan.get("Plans", []) for name in read_whole(part)
    ]


@pytest.mark.parametrize("act", [*LOOPS, *SEARCHES])
async def test_no_long_table_is_read_whole(with_history, act):
    sent = await statements(with_history, act)
    assert sent
    for statement, parameters in sent:
        for plan in await plans_of(with_history, statement, parameters):
            assert read_whole(plan) == [], f"{statement}\n{json.dumps(plan, indent=1)}"
