"""SQLite's thread is asked once for each statement, and answers as SQLAlchemy expects."""

from __future__ import annotations

import pytest
from sqlalchemy import insert, text
from sqlalchemy.exc import IntegrityError, OperationalError

from store.tables import requests
from tests.clocks import NOON


class Trips:
    """Counts what an open connection's driver is asked; its adapter may have no other attribute, so in the driver."""

    def __init__(self, driver):
        self.driver, self.names, self._execute = driver, [], driver._execute
        driver._execute = self

    async def __call__(self, function, *arguments):
        self.names.append(function.__name__)
        return await self._execute(function, *arguments)

    def taken(self):
        found, self.names = self.names, []
        return found


async def trips_of(connection):
    raw = await connection.get_raw_connection()
    return Trips(raw.driver_connection)


async def test_a_read_is_one_trip_with_its_begin_and_one_back(store):
    async with store.engines.reading.connect() as connection:
        trips = await trips_of(connection)
        assert (await connection.execute(text("SELECT 1 UNION SELECT 2"))).scalars().all() == [1, 2]
        await connection.execute(text("SELECT 3"))
    assert trips.taken() == ["_execute", "_execute", "rollback"]


async def test_what_was_read_is_of_one_moment(store):
    count = text("SELECT count(*) FROM requests")
    async with store.engines.reading.connect() as connection:
        assert (await connection.execute(count)).scalar() == 0
        async with store.begin() as tx:
            await tx.remember_request("5f3a", NOON)
        assert (await connection.execute(count)).scalar() == 0
        await connection.commit()
        assert (await connection.execute(count)).scalar() == 1


async def test_nothing_is_asked_where_nothing_was_read(store):
    async with store.engines.reading.connect() as connection:
        trips = await trips_of(connection)
        for end in (connection.rollback, connection.commit):
            await connection.begin()
            await end()
        assert trips.taken() == []


async def test_many_rows_are_one_trip_and_their_number_is_known(store):
    rows = [{"signature": str(number), "at": NOON} for number in range(3)]
    async with store.engines.writing.begin() as connection:
        trips = await trips_of(connection)
        assert (await connection.execute(insert(requests), rows)).rowcount == 3
        assert trips.taken() == ["_execute_many"]
        assert (await connection.execute(requests.delete().where(requests.c.signature != "1"))).rowcount == 2


async def test_errors_are_those_of_the_database(store):
    async with store.engines.writing.connect() as connection:
        with pytest.raises(OperationalError, match="no such table"):
            await connection.execute(text("SELECT * FROM missing"))
        row = {"signature": "5f3a", "at": NOON}
        await connection.execute(insert(requests), row)
        with pytest.raises(IntegrityError):
            await connection.execute(insert(requests), [row])
        await connection.rollback()
        assert (await connection.execute(text("SELECT count(*) FROM requests"))).scalar() == 0
