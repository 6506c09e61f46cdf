"""Database URLs, and SQLite as it loses nothing."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from bot.errors import SettingsInvalid
from store import open_store
from store.migrate import migrate
from store.revision import revision
from store.sql.connect import database_url, open_engines, sqlite_file


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
        # both name the file of sqlite:///n.db, and the second without any lock of SQLite's
        ("sqlite:///file:n.db?uri=true", "plain path"),
        ("sqlite:///file:n.db?uri=true&nolock=1", "plain path"),
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


async def test_a_file_with_two_names_is_opened_by_none_of_them(tmp_path):
    first, second = tmp_path / "nomatron.db", tmp_path / "second.db"
    await migrate(f"sqlite:///{first}")
    second.hardlink_to(first)
    for name in (first, second):
        for opening in (open_store, open_engines):
            with pytest.raises(SettingsInvalid, match=rf"2 names.*samefile {name}.*symlink"):
                opening(f"sqlite:///{name}")
        for running in (migrate, revision):
            with pytest.raises(SettingsInvalid, match="hard links"):
                await running(f"sqlite:///{name}")
    second.unlink()
    assert await revision(f"sqlite:///{first}")


async def test_a_symlink_to_a_file_with_two_names_is_refused_and_one_to_a_single_name_is_not(tmp_path):
    file, link = tmp_path / "nomatron.db", tmp_path / "link.db"
    link.symlink_to(file)
    await migrate(f"sqlite:///{link}")
    assert (sqlite_file(database_url(f"sqlite:///{link}")), await revision(f"sqlite:///{file}") != "") == (file, True)
    (tmp_path / "second.db").hardlink_to(file)
    with pytest.raises(SettingsInvalid, match="hard links"):
        open_store(f"sqlite:///{link}")


async def test_every_connection_is_to_the_file_that_was_named_first(tmp_path, monkeypatch):
    """Neither a symlink that is pointed elsewhere later nor another working directory changes the database."""
    (tmp_path / "elsewhere").mkdir()
    link = tmp_path / "link.db"
    link.symlink_to("one.db")
    monkeypatch.chdir(tmp_path)
    engines = open_engines("sqlite:///link.db")
    monkeypatch.chdir(tmp_path / "elsewhere")
    link.unlink()
    link.symlink_to("two.db")
    async with engines.writing.connect() as connection:
        await connection.execute(text("CREATE TABLE t (n INTEGER)"))
        await connection.commit()
    await engines.writing.dispose()

    assert (tmp_path / "one.db").stat().st_size
    assert not (tmp_path / "two.db").exists()


def test_a_loop_of_symlinks_is_named_and_a_folder_is_left_to_sqlite(tmp_path):
    (tmp_path / "a.db").symlink_to("b.db")
    (tmp_path / "b.db").symlink_to("a.db")
    (tmp_path / "folder" / "inner").mkdir(parents=True)
    with pytest.raises(SettingsInvalid, match="loop of symlinks"):
        open_engines(f"sqlite:///{tmp_path / 'a.db'}")
    assert sqlite_file(database_url(f"sqlite:///{tmp_path / 'folder'}")) == tmp_path / "folder"
    assert sqlite_file(database_url("postgres://db/nomatron")) is None
