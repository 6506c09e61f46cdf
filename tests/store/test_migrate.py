"""The schema: one that the revisions make and the tables describe."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import text

from bot.domain.deploy.deploy import Status
from bot.errors import StoreUnavailable
from store import open_store
from store.migrate import _upgrade, migrate, scripts
from store.revision import head, revision
from store.sql.connect import open_engines
from store.tables import Row
from tests.builders import a_catalog, a_deploy, a_draft, a_rollout, an_attempt
from tests.clocks import NOON

PROJECT = Path(__file__).parents[2]


async def run(url, act):
    """Do something with a connection, and commit."""
    engine = open_engines(url).writing
    try:
        async with engine.begin() as connection:
            return await connection.run_sync(act)
    finally:
        await engine.dispose()


def schema(connection):
    """The text of everything in a SQLite database that a table's definition can say."""
    found = connection.execute(
        text("SELECT name, sql FROM sqlite_master WHERE type IN ('table', 'index') AND name != 'alembic_version'")
    )
    # SQLite writes blanks around a column that was added later
    return {
        name: re.sub(r"\s*([(),])\s*", r"\1", " ".join((sql or "").replace('"', "").split())) for name, sql in found
    }


async def test_the_tables_are_what_the_revisions_make(url):
    def differences(connection):
        return compare_metadata(MigrationContext.configure(connection), Row.metadata)

    assert await run(url, differences) == []


async def test_on_sqlite_they_are_so_to_the_letter(migrated_sqlite, tmp_path):
    url = f"sqlite:///{tmp_path / 'described.db'}"
    await run(url, Row.metadata.create_all)
    described, migrated = await run(url, schema), await run(migrated_sqlite(tmp_path / "migrated.db"), schema)
    migrated.pop("sqlite_autoindex_alembic_version_1")
    assert migrated == described


async def test_migrating_again_changes_nothing_and_loses_nothing(url):
    async with open_store(url) as store, store.begin() as tx:
        await tx.add_deploy(a_draft())
    await migrate(url)
    assert await revision(url) == head()
    async with open_store(url) as store, store.read() as reading:
        assert await reading.deploy(1) == a_deploy(1)


async def test_open_deploys_get_their_lane_and_the_attempts_of_a_dispatch_its_number(migrated_sqlite, tmp_path):
    url, catalog = migrated_sqlite(tmp_path / "nomatron.db"), a_catalog()
    lane = catalog.clusters["main"].lane
    regional = a_catalog(clusters={"main": replace(catalog.clusters["main"], region="eu")})
    drafts = [
        a_draft(status=Status.DISPATCHING, plan=1),
        a_draft(environment="production", catalog=regional.fingerprint),
        a_draft(status=Status.EXPIRED, due_at=None),
    ]
    async with open_store(url) as store, store.begin() as tx:
        for each in (catalog, regional):
            await tx.apply_catalog(each, NOON)
        for draft in drafts:
            await tx.add_deploy(draft)
        for number, at in enumerate((NOON - timedelta(minutes=1), NOON), 1):
            await tx.add_attempt(an_attempt(number=number, at=at))

    await run(url, _back_to("0005"))
    await migrate(url)

    async with open_store(url) as store, store.read() as reading:
        found = [await reading.deploy(number) for number in (1, 2, 3)]
        tried = await reading.attempts(1, 1)
    assert [(each.lane, each.dispatches) for each in found] == [(lane, 1), (f"{lane} eu", 0), ("", 0)]
    assert [each.dispatch for each in tried] == [0, 1]


async def test_what_was_registered_before_has_its_instant(url):
    async with open_store(url) as store, store.begin() as tx:
        for _ in range(2):
            await tx.add_deploy(a_draft())
        await tx.save_rollout(a_rollout(1, started_at=NOON))
        await tx.save_rollout(a_rollout(1, 2, started_at=NOON + timedelta(minutes=1)))

    await run(url, _back_to("0010"))
    await migrate(url)

    async with open_store(url) as store, store.read() as reading:
        assert [(await reading.deploy(number)).landed_at for number in (1, 2)] == [NOON, None]


def _back_to(before):
    def downgrade(connection):
        config = scripts()
        config.attributes["connection"] = connection
        command.downgrade(config, before)

    return downgrade


async def test_a_database_that_was_never_migrated_has_no_revision(tmp_path):
    url = f"sqlite:///{tmp_path / 'nomatron.db'}"
    assert await revision(url) is None
    await migrate(url)
    assert await revision(url) == head()


async def test_a_migration_that_is_interrupted_leaves_nothing(tmp_path):
    url = f"sqlite:///{tmp_path / 'nomatron.db'}"

    def interrupted(connection):
        _upgrade(connection)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        await run(url, interrupted)
    assert await run(url, schema) == {}


@pytest.mark.postgres
async def test_two_that_migrate_at_once_take_turns(own_postgres_url):
    def clear(connection):
        connection.execute(text("DROP SCHEMA public CASCADE"))
        connection.execute(text("CREATE SCHEMA public"))

    await run(own_postgres_url, clear)
    await asyncio.gather(migrate(own_postgres_url), migrate(own_postgres_url))
    assert await revision(own_postgres_url) == head()


@pytest.mark.parametrize("act", [migrate, revision])
async def test_a_database_that_cannot_be_reached_is_said_so(tmp_path, act):
    for url in (f"sqlite:///{tmp_path / 'missing' / 'nomatron.db'}", "postgresql://sam@127.0.0.1:1/nomatron"):
        with pytest.raises(StoreUnavailable):
            await act(url)


def test_every_revision_says_when_it_is_safe_to_run():
    for script in ScriptDirectory.from_config(scripts()).walk_revisions():
        assert any(word in script.doc + script.longdoc for word in ("Safe before", "Safe after")), script.revision


def test_the_newest_revision_is_the_one_that_alembic_ends_with():
    assert ScriptDirectory.from_config(scripts()).get_current_head() == head()


def test_an_installed_package_needs_nothing_else(tmp_path):
    site = tmp_path / "site"
    for package in ("bot", "store"):
        shutil.copytree(PROJECT / package, site / package, ignore=shutil.ignore_patterns("__pycache__", "sandbox"))
    code = "import asyncio, store, store.migrate as m; print(store.__file__); asyncio.run(m.migrate('sqlite:///n.db'))"
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(site)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == str(site / "store" / "__init__.py")
    assert (tmp_path / "n.db").exists()
