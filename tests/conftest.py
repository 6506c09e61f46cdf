"""Fixtures for everybody; those of one part stay beside its tests."""

from __future__ import annotations

import asyncio
import shutil
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, settings
from sqlalchemy import event

from store import open_store
from store.migrate import migrate

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from store import SqlStore


WHOLE = ("tests/e2e/", "tests/sandbox/pages/")
"""The tests of whole sandboxes and of pages in a browser: they take longest, and mostly wait."""

# how long an example takes says something about the machine, and nothing about what is tested
settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes longest, so that no process is left alone with it in the end; else in the order given."""
    items.sort(key=lambda item: not item.nodeid.startswith(WHOLE))


@pytest.fixture(scope="session")
def migrated_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated SQLite file without rows, never opened again."""
    path = tmp_path_factory.mktemp("template") / "nomatron.db"
    asyncio.run(migrate(f"sqlite:///{path}"))
    return path


@pytest.fixture
def migrated_sqlite(migrated_template: Path) -> Callable[[Path], str]:
    """Puts a fresh migrated database at a path; its URL."""

    def copy(path: Path) -> str:
        shutil.copyfile(migrated_template, path)
        return f"sqlite:///{path}"

    return copy


@pytest.fixture
async def store(migrated_sqlite: Callable[[Path], str], tmp_path: Path) -> AsyncIterator[SqlStore]:
    """An empty store on a SQLite file of this test's own, whose commits do not wait for the disk."""
    async with open_store(migrated_sqlite(tmp_path / "nomatron.db")) as opened:
        event.listen(opened.engines.writing.sync_engine, "connect", _forgo_the_disk)
        yield opened


def _forgo_the_disk(connection: Any, _: object) -> None:
    """No power is cut in these tests; what survives a killed process is asked of the real thing (``tests/e2e``)."""
    cursor = connection.cursor()
    cursor.execute("PRAGMA synchronous = off")
    cursor.close()
