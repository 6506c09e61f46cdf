"""Fixtures for everybody; those of one part stay beside its tests."""

from __future__ import annotations

import asyncio
import importlib
import pkgutil
import re
import shutil
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING

import coverage
import pytest
from hypothesis import HealthCheck, settings

from store import SqlStore
from store.migrate import migrate
from store.sql.connect import Engines, sqlite_engines
from tests import stores
from tests.source import PACKAGES

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator
    from pathlib import Path

    from store.sql.sqlite import SqliteConnection


WHOLE = ("tests/e2e/", "tests/sandbox/pages/")
"""The tests of whole sandboxes and of pages in a browser: they take longest, and mostly wait."""
LONGEST = (*WHOLE, "tests/faults/")
"""What to begin with; 20,000 random calls, as in the CI, are one file."""
REPEATED = (
    "tests/bench/",
    "tests/contract/nomad/",
    "tests/domain/digest/test_digest_zones.py",
    "tests/domain/jobdiff/test_golden_plans.py",
    "tests/domain/jobdiff/test_golden_secrets.py",
    "tests/domain/jobdiff/test_mutations.py",
    "tests/faults/",
    "tests/gateways/blocks/digest/test_blocks_digest_nasty.py",
    "tests/gateways/blocks/test_blocks_nasty.py",
    "tests/gateways/blocks/test_blocks_text.py",
    "tests/gateways/catalog/test_catalog_total.py",
    "tests/gateways/nomad/test_nomad_forms.py",
    "tests/handlers/cli/test_cli_lookups.py",
    "tests/handlers/slack/test_slack_guard.py",
    "tests/handlers/slack/test_slack_promote.py",
    "tests/operations/digest/test_report.py",
    "tests/operations/digest/test_report_agrees.py",
    "tests/operations/test_dead_ends.py",
    "tests/operations/worker/test_order.py",
    "tests/operations/worker/test_register_any_order.py",
    "tests/sandbox/nomad/test_nomad_invariants.py",
    "tests/sandbox/test_sandbox_run.py",
    "tests/store/contract/test_contract_audit.py",
    "tests/store/contract/test_contract_parcels.py",
    "tests/store/sql/test_mapping.py",
    "tests/store/test_digest_tickers.py",
    "tests/store/test_generated_days.py",
    "tests/test_architecture.py",
    "tests/test_wheel.py",
)
"""Tests that lead through lines which others reach too, with much other data, or that run none of our code in this
process: they cost much, and their coverage adds nothing."""

# how long an example takes says something about the machine, and nothing about what is tested
settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")


@contextmanager
def _unmeasured() -> Iterator[None]:
    """Measure no coverage meanwhile."""
    stopped = []
    # in a process that xdist has started, pytest-cov starts two: to stop the second would set the first going again
    while (running := coverage.Coverage.current()) is not None:
        running.stop()
        stopped.append(running)
    yield
    for each in reversed(stopped):
        each.start()


@pytest.hookimpl(hookwrapper=True)
def pytest_collection(session: pytest.Session) -> Iterator[None]:
    """Collect unmeasured, which takes a third of the time; what our modules run as they are imported counts, too."""
    # the processes that run the tests leave that to the one that started them
    if coverage.Coverage.current() is not None and not hasattr(session.config, "workerinput"):
        for package in PACKAGES:
            for module in pkgutil.walk_packages(importlib.import_module(package).__path__, f"{package}."):
                # Alembic runs the one, and the other runs at once; neither counts for coverage
                if ".migrations." not in module.name and not re.fullmatch(r"sandbox\..*__main__", module.name):
                    importlib.import_module(module.name)
    with _unmeasured():
        yield


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    """Measure no coverage where that only costs time, which it doubles."""
    # PostgreSQL runs the tests that SQLite runs
    repeated = item.nodeid.startswith(WHOLE + REPEATED) or item.get_closest_marker("postgres")
    with _unmeasured() if repeated else nullcontext():
        yield


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes longest, so that no process is left alone with it in the end; else in the order given."""
    items.sort(key=lambda item: not item.nodeid.startswith(LONGEST))


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


class _OneFile:
    """Where the engines of the ``store`` fixture open their connections: another file for each test."""

    path: Path

    def __init__(self) -> None:
        self.opened: list[SqliteConnection] = []

    async def connect(self) -> SqliteConnection:
        self.opened.append(await stores.connect(self.path))
        return self.opened[-1]


@pytest.fixture(scope="session")
def one_file() -> tuple[_OneFile, Engines]:
    """Engines for every test: they keep the statements that SQLAlchemy has compiled."""
    file = _OneFile()
    return file, sqlite_engines(file.connect)


@pytest.fixture
async def store(
    one_file: tuple[_OneFile, Engines], migrated_sqlite: Callable[[Path], str], tmp_path: Path
) -> AsyncIterator[SqlStore]:
    """An empty store on a SQLite file of this test's own, whose commits do not wait for the disk."""
    file, engines = one_file
    file.path = tmp_path / "nomatron.db"
    migrated_sqlite(file.path)
    # what a test listens to ends with it; whoever listens to the pool needs engines of its own (`stores.open_file`)
    own = engines.writing.execution_options()
    async with SqlStore(Engines(own, own.execution_options(ro=True))) as opened:
        yield opened
    # otherwise the garbage collector says so much later, in the middle of another test
    left, file.opened = [each for each in file.opened if each._connection is not None], []
    assert not left, "a connection was left open"
