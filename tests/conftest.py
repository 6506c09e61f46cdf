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


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes longest, so that no process is left alone with it in the end; else in the order given."""
    items.sort(key=lambda item: not item.nodeid.startswith(LONGEST))
    for item in items:
        # to measure coverage doubles the time; PostgreSQL runs the tests that SQLite runs
        if item.nodeid.startswith(WHOLE + REPEATED) or item.get_closest_marker("postgres"):
            item.add_marker(pytest.mark.no_cover)


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
