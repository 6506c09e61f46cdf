"""Database URLs, and SQLite as it loses nothing."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from bot.errors import SettingsInvalid
from store.sql.connect import database_url, open_engines


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("sqlite:///nomatron.db", "sqlite+aiosqlite:///nomatron.db"),
        ("sqlite+aiosqlite:////var/nomatron.db", "sqlite+aiosqlite:////var/nomatron.db"),
        ("postgres://sam:pw@db/nomatron", "postgresql+asyncpg://sam:pw@db/nomatron"),
        ("postgresql://db/nomatron", "postgresql+asyncpg://db/nomatron"),
        ("postgresql+asyncpg://db:5433/nomatron", "postgresql+asyncpg://db:5433/nomatron"),
        ("postgres://db/n?sslmode=require", "postgresql+asyncpg://db/n?ssl=require"),
    ],
)
def test_the_url_that_people_write_gets_its_driver(given, meant):
    assert database_url(given).render_as_string(hide_password=False) == meant


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ("mysql://db/nomatron", "starts with mysql"),
        ("nomatron.db", "malformed"),
        ("sqlite://", "names no file"),
        ("sqlite:///:memory:", "names no file"),
        ("sqlite:///file:x?mode=memory&uri=true", "names no file"),
    ],
)
def test_any_other_url_is_refused_with_what_to_write(given, says):
    with pytest.raises(SettingsInvalid, match=says):
        database_url(given)


def test_a_refusal_does_not_show_the_password():
    with pytest.raises(SettingsInvalid) as refusal:
        database_url("mysql://sam:hunter2@db/nomatron")
    assert "hunter2" not in str(refusal.value)


@pytest.mark.parametrize(
    ("pragma", "value"),
    [
        ("journal_mode", "wal"),
        ("synchronous", 2),
        ("busy_timeout", 1000),
        ("foreign_keys", 1),
        ("trusted_schema", 0),
    ],
)
async def test_every_sqlite_connection_is_set_up(tmp_path, pragma, value):
    engines = open_engines(f"sqlite:///{tmp_path / 'nomatron.db'}")
    async with engines.reading.connect() as first, engines.writing.connect() as second:
        for connection in (first, second):
            assert (await connection.execute(text(f"PRAGMA {pragma}"))).scalar() == value
    await engines.writing.dispose()


async def test_a_failed_change_of_the_schema_leaves_nothing_on_sqlite(tmp_path):
    engines = open_engines(f"sqlite:///{tmp_path / 'nomatron.db'}")
    async with engines.writing.connect() as connection:
        await connection.execute(text("CREATE TABLE half (done INTEGER)"))
        await connection.rollback()
        assert (await connection.execute(text("SELECT count(*) FROM sqlite_master"))).scalar() == 0
    await engines.writing.dispose()
