"""Where a database fails in the middle of things."""

from __future__ import annotations

import asyncio
import sqlite3
from typing import Any

import pytest
from sqlalchemy import event, text
from sqlalchemy.util import await_only

from bot.errors import AmbiguousCommit, StoreBusy, StoreError, StoreFull, StoreUnavailable
from bot.ports.audit import AuditQuery
from store import open_store
from store.unit_of_work import _commit
from tests import stores
from tests.builders import (
    a_catalog,
    a_deploy,
    a_draft,
    an_event,
    an_outgoing,
)
from tests.clocks import NOON

SLOW_COMMIT = (
    "CREATE FUNCTION wait() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(60); RETURN NULL; END $$",
    """CREATE CONSTRAINT TRIGGER wait AFTER INSERT ON requests DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION wait()""",
)


@pytest.fixture
async def store(migrated_sqlite, tmp_path):
    """A store with a pool of its own, to which a test may listen."""
    migrated_sqlite(tmp_path / "nomatron.db")
    async with stores.open_file(tmp_path / "nomatron.db") as opened:
        yield opened


async def add_one(store, **changes):
    async with store.begin() as tx:
        return await tx.add_deploy(a_draft(**changes))


async def everything(store):
    async with store.read() as reading:
        return await reading.open_deploys()


def on_connect(store, *pragmas):
    """Set more pragmas on each of the store's connections, after its own."""

    def run(connection, _record):
        cursor = connection.cursor()
        for pragma in pragmas:
            cursor.execute(pragma)
        cursor.close()

    event.listen(store.engines.writing.sync_engine, "connect", run)


async def test_a_full_disk_is_said_so_and_what_was_there_stays(store):
    on_connect(store, "PRAGMA max_page_count = 80")
    kept = await add_one(store)
    with pytest.raises(StoreFull, match="free disk space"):
        await add_one(store, reason="x" * 1_000_000)
    assert await everything(store) == (kept,)
    assert (await add_one(store)).id == kept.id + 1


async def test_locked_by_another_process_for_too_long_is_busy(store, tmp_path):
    on_connect(store, "PRAGMA busy_timeout = 10")
    with sqlite3.connect(tmp_path / "nomatron.db", isolation_level=None) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreBusy):
            await add_one(store)
        other.execute("ROLLBACK")
    other.close()
    await add_one(store)


async def test_a_writer_that_waits_for_its_turn_can_be_cancelled(store):
    async with store.begin() as tx:
        waiting = asyncio.create_task(add_one(store))
        await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        await tx.add_deploy(a_draft())
    assert await everything(store) == (a_deploy(1),)


class Gate:
    """Holds whatever passes by until it is opened."""

    def __init__(self):
        self.reached, self.opened = asyncio.Event(), asyncio.Event()

    def wait(self, *_):
        self.reached.set()
        await_only(self.opened.wait())


async def test_cancelled_right_after_the_commit_it_is_ambiguous_too(store):
    gate = Gate()
    event.listen(store.engines.writing.sync_engine, "reset", gate.wait)
    adding = asyncio.create_task(add_one(store))
    await gate.reached.wait()
    adding.cancel()
    gate.opened.set()
    with pytest.raises(AmbiguousCommit):
        await adding
    assert await everything(store) == (a_deploy(1),)


async def test_a_connection_whose_opening_is_cancelled_is_kept_for_the_next(store):
    gate, opened = Gate(), []

    def connect(made, _record):
        opened.append(made)
        gate.wait()

    event.listen(store.engines.writing.sync_engine, "connect", connect)
    reading = asyncio.create_task(everything(store))
    await gate.reached.wait()
    reading.cancel()
    gate.opened.set()
    with pytest.raises(asyncio.CancelledError):
        await reading
    assert await everything(store) == ()
    assert len(opened) == 1


async def test_a_reader_that_is_cancelled_while_it_closes_is_just_cancelled(store):
    gate = Gate()
    event.listen(store.engines.writing.sync_engine, "reset", gate.wait)
    reading = asyncio.create_task(everything(store))
    await gate.reached.wait()
    reading.cancel()
    gate.opened.set()
    with pytest.raises(asyncio.CancelledError):
        await reading


ORPHAN = (
    "CREATE TABLE orphans (deploy_id INTEGER REFERENCES deploys (id) DEFERRABLE INITIALLY DEFERRED)",
    "INSERT INTO orphans VALUES (99)",
)


async def test_a_commit_that_fails_leaves_no_transaction_open_for_the_next(one):
    async def refused():
        async with one.begin() as tx:
            await tx.add_deploy(a_draft())
            for statement in ORPHAN:
                await tx._connection.execute(text(statement))

    for _ in range(2):
        with pytest.raises(StoreError, match=r"(?i)foreign key"):
            await refused()
    kept = await add_one(one)
    assert await everything(one) == (kept,)


class Broken:
    """A transaction whose commit ends in an error, and its connection."""

    def __init__(self, error):
        self.error = error
        self.connection = self

    async def commit(self):
        raise self.error

    async def invalidate(self):
        self.error = None


async def commit_that_ends_in(error):
    broken: Any = Broken(error)
    try:
        await _commit(broken)
    finally:
        assert broken.error is None


async def test_a_commit_during_which_the_process_ends_is_ambiguous():
    with pytest.raises(AmbiguousCommit):
        await commit_that_ends_in(asyncio.CancelledError())


async def test_a_commit_that_loses_its_connection_is_ambiguous():
    with pytest.raises(AmbiguousCommit):
        await commit_that_ends_in(ConnectionResetError("gone"))


async def test_a_commit_that_the_database_refuses_is_not():
    full = sqlite3.OperationalError("database or disk is full")
    full.sqlite_errorcode = sqlite3.SQLITE_FULL
    with pytest.raises(StoreFull):
        await commit_that_ends_in(full)


@pytest.mark.postgres
async def test_a_connection_lost_during_the_commit_is_ambiguous(own_postgres_url):
    """A deferred trigger keeps the commit waiting, and its backend is shot meanwhile."""
    async with open_store(own_postgres_url) as store, open_store(own_postgres_url) as other:
        async with other.engines.writing.begin() as connection:
            for statement in SLOW_COMMIT:
                await connection.execute(text(statement))

        async def remember():
            async with store.begin() as tx:
                await tx.remember_request("f" * 64, NOON)

        remembering = asyncio.create_task(remember())
        shot = text("SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE wait_event = 'PgSleep'")
        async with other.engines.writing.connect() as connection:
            while not (await connection.execute(shot)).scalar():
                await connection.rollback()
                await asyncio.sleep(0.01)
        with pytest.raises(AmbiguousCommit):
            await remembering
        await add_one(store)


@pytest.mark.postgres
async def test_a_connection_lost_before_the_commit_wrote_nothing(postgres_url):
    async def add_and_lose(store, other):
        async with store.begin() as tx:
            await tx.add_deploy(a_draft())
            async with other.engines.writing.connect() as connection:
                shot = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid != pg_backend_pid() AND "
                await connection.execute(text(shot + "datname = current_database()"))
            await tx.record(an_event())

    async with open_store(postgres_url) as store, open_store(postgres_url) as other:
        with pytest.raises(StoreUnavailable):
            await add_and_lose(store, other)
        assert await everything(store) == ()


async def test_a_database_that_cannot_be_reached_is_unavailable(tmp_path):
    for url in (f"sqlite:///{tmp_path / 'missing' / 'nomatron.db'}", "postgresql://sam@127.0.0.1:1/nomatron"):
        async with open_store(url) as store:
            with pytest.raises(StoreUnavailable):
                await everything(store)
            with pytest.raises(StoreUnavailable):
                await add_one(store)


async def test_a_transaction_reads_the_events_and_cards_that_it_keeps_back(one):
    async with one.begin() as tx:
        await tx.apply_catalog(a_catalog(), NOON)
        await tx.add_deploy(a_draft())
        await tx.record(an_event())
        await tx.send(an_outgoing(), NOON)
        assert len(await tx.events(1)) == 1
        await tx.record(an_event())
        assert len(await tx.audit_page(AuditQuery(), 10)) == 2
        assert await tx.unsend_card(1)
        await tx.send(an_outgoing(), NOON)
    async with one.read() as reading:
        assert len(await reading.events(1)) == 2


async def test_what_is_kept_back_is_not_written_if_the_block_raises(one):
    class Stopped(Exception):
        pass

    async def stopped():
        async with one.begin() as tx:
            await tx.record(an_event())
            raise Stopped

    await add_one(one)
    with pytest.raises(Stopped):
        await stopped()
    async with one.read() as reading:
        assert await reading.events() == ()
