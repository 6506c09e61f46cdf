"""Databases of both kinds, a fresh one for each test."""

from __future__ import annotations

import asyncio
from itertools import count
from typing import TYPE_CHECKING

import asyncpg
import pytest

from store import open_store
from store.migrate import migrate
from store.tables import Row
from tests.store.cluster import programs, running_cluster, server_user

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator
    from pathlib import Path

    from store import SqlStore

_NUMBERS = count(1)


_EMPTY = f"""
    ALTER TABLE audit_events DISABLE TRIGGER USER;
    TRUNCATE {", ".join(Row.metadata.tables)} RESTART IDENTITY;
    ALTER TABLE audit_events ENABLE TRIGGER USER;
"""


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """A PostgreSQL server with two migrated databases; its URL without a database's name."""
    folder, user = programs(), server_user()
    if folder is None or user is None:
        pytest.skip("PostgreSQL's server programs are not here (make test-deps installs them)")
    with running_cluster(folder, user) as server:
        asyncio.run(_make_databases(server))
        yield server


async def _make_databases(server: str) -> None:
    await _execute(f"{server}/postgres", "CREATE DATABASE template")
    await migrate(f"{server}/template")
    await _execute(f"{server}/postgres", "CREATE DATABASE emptied TEMPLATE template")


async def _execute(database: str, statement: str) -> None:
    connection = await asyncpg.connect(database)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


@pytest.fixture
async def postgres_url(postgres_server: str) -> str:
    """A migrated PostgreSQL database without rows, shared by tests that leave its schema alone."""
    await _execute(f"{postgres_server}/emptied", _EMPTY)
    return f"{postgres_server}/emptied"


@pytest.fixture
async def own_postgres_url(postgres_server: str) -> AsyncIterator[str]:
    """A migrated PostgreSQL database of this test's own; making one takes half a second."""
    name = f"test_{next(_NUMBERS)}"
    await _execute(f"{postgres_server}/postgres", f"CREATE DATABASE {name} TEMPLATE template")
    yield f"{postgres_server}/{name}"
    await _execute(f"{postgres_server}/postgres", f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def url(request: pytest.FixtureRequest, migrated_sqlite: Callable[[Path], str], tmp_path: Path) -> str:
    """A migrated, empty database: the test runs on each engine that is here."""
    if request.param == "sqlite":
        return migrated_sqlite(tmp_path / "nomatron.db")
    found: str = request.getfixturevalue("postgres_url")
    return found


@pytest.fixture
async def one(url: str) -> AsyncIterator[SqlStore]:
    """A store on that database."""
    async with open_store(url) as opened:
        yield opened


@pytest.fixture
async def two(url: str) -> AsyncIterator[SqlStore]:
    """Another store on the same database, with connections of its own."""
    async with open_store(url) as opened:
        yield opened
