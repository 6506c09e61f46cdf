"""docs/interfaces.md and what the programs print: every name on the page is printed, and nothing else is."""

from __future__ import annotations

import asyncio
import json
import re
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from prometheus_client.parser import text_string_to_metric_families

from bot.__main__ import main
from bot.domain.actor import Operator
from bot.domain.audit.events import EventType
from bot.domain.audit.history import Outcome
from bot.domain.catalog.environment import After, Cluster
from bot.domain.deploy import matrix
from bot.domain.deploy.deploy import Status
from bot.domain.diagnosis.finding import Finding, ok, unknown, warning
from bot.operations.catalog import apply
from bot.operations.doctor.run import CatalogFolder, Setup
from bot.ports import Limits
from handlers.cli import doctor
from handlers.web.health import Health
from store import open_store
from tests.builders import a_catalog, a_job
from tests.clocks import FixedClock
from tests.e2e.driver import Sandbox
from tests.examined import FakeExaminedNomads
from tests.fakes import HookedStore, World
from tests.operations.acts import change, ended, environments, ready, succeeded
from tests.operations.closing import locked
from tests.operations.conftest import bare, world
from tests.operations.digests import configured
from tests.source import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

__all__ = ["bare", "world"]

PAGE = (ROOT / "docs" / "interfaces.md").read_text("utf-8")
# in these objects the keys are names from the catalog
BY_NAME = frozenset({"services[].environments", "clusters"})
# the keys in here depend on the type of the event
OPAQUE = frozenset({"events[].data"})


def rows(heading: str) -> dict[str, list[str]]:
    """The cells of a section's tables, by the code in their first cell."""
    part = PAGE.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    lines = [[cell.strip() for cell in line.strip("|").split("|")] for line in part.splitlines()]
    return {cells[0].strip("`"): cells[1:] for cells in lines if cells[0].startswith("`")}


def paths(value: Any, path: str = "") -> set[str]:
    """The names of all values in a JSON document, as the page writes them."""
    if isinstance(value, dict) and path not in OPAQUE:
        steps = {key: f"{path}.*" if path in BY_NAME else f"{path}.{key}".lstrip(".") for key in value}
        found = {each for key, inner in value.items() for each in paths(inner, steps[key])}
    elif isinstance(value, list):
        found = {each for inner in value for each in paths(inner, f"{path}[]")}
    else:
        found = {path}
    # an object is null until it exists; its keys are then printed elsewhere in the document
    return {each for each in found if not any(other.startswith(f"{each}.") for other in found)}


@pytest.fixture
def printed(
    migrated_sqlite: Callable[[Path], str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Callable[..., Any]:
    """Runs a verb with ``--json`` on a database with deploys: each environment has a success, one has approvals."""
    url = migrated_sqlite(tmp_path / "nomatron.db")
    monkeypatch.setenv("NOMATRON_DATABASE_URL", url)

    async def fill() -> None:
        limits = Limits(lease=timedelta(seconds=60), write_timeout=timedelta(seconds=20))
        async with open_store(url) as store:
            filled = World(store=HookedStore(store), clock=FixedClock(), limits=limits)
            after = environments("production", after=(After(environment="staging"),))
            # nobody answers there, so that it says why
            nowhere = Cluster(name="main", address="http://127.0.0.1:1")
            await apply(filled.ports(), Operator("root"), a_catalog(environments=after, clusters={"main": nowhere}))
            await succeeded(filled)
            filled.nomad.parsed = a_job("registry.example/checkout:v1.4.2-debug")
            await ended(filled, await ready(filled))
            filled.nomad.parsed = a_job()
            offered = await succeeded(filled, version="v1.4.3")
            await change(filled, replace(offered, offers=("production",)))
            await ready(filled, version="v1.4.3")
            await locked(filled)

    def run(*words: str) -> Any:
        assert main([*words, "--json"]) == 0
        return json.loads(capsys.readouterr().out)

    asyncio.run(fill())
    return run


def test_status(printed: Callable[..., Any]) -> None:
    documented = rows("nomatron status --json")
    of_deploy = {name for name in documented if "." not in name and "[" not in name}
    places = {name for name in documented if documented[name][0].startswith("deploy")}

    expanded = {f"{place}.{key}" for place in places for key in of_deploy}
    assert paths(printed("status", "checkout")) == (set(documented) - of_deploy - places) | expanded


def test_history(printed: Callable[..., Any]) -> None:
    assert paths(printed("history", "checkout")) == set(rows("nomatron history --json"))


def test_audit_list(printed: Callable[..., Any]) -> None:
    assert paths(printed("audit", "list")) == set(rows("nomatron audit list --json"))


async def test_doctor(capsys: pytest.CaptureFixture[str]) -> None:
    host = (ok("a", "is fine"), warning("b", "odd", "do"), unknown("c", "hidden", "do"), Finding("d", "broken", "do"))
    setup = Setup(
        host=host, folder=CatalogFolder(path="catalog", errors=1, catalog=None), clock=FixedClock(), store=None,
        database=None, slack=None, nomads=FakeExaminedNomads(), seconds=5,
    )  # fmt: skip
    await doctor.execute(doctor.parse(["--json"]), setup, str)
    document = json.loads(capsys.readouterr().out)

    documented = rows("nomatron doctor --json")
    assert paths(document) == set(documented)
    severities = {each["severity"] for each in document["findings"]}
    assert severities == set(re.findall(r"`(\w+)`", documented["findings[].severity"][1]))


def test_sandbox(tmp_path: Path) -> None:
    with Sandbox(tmp_path, "--no-bot") as sandbox:
        assert sandbox.about.keys() == rows("nomatron sandbox --json").keys()


@pytest.fixture
async def client(world: World) -> Any:
    app = web.Application()
    await configured(world)
    Health(world.ports()).add_to(app)
    async with TestClient(TestServer(app)) as opened:
        yield opened


async def test_healthz(client: TestClient) -> None:
    assert paths(await (await client.get("/healthz")).json()) == set(rows("GET /healthz"))


async def test_readyz(client: TestClient, world: World) -> None:
    world.nomad.trouble = ZeroDivisionError("a bug")
    broken = await (await client.get("/readyz")).json()
    world.nomad.trouble = None
    fine = await (await client.get("/readyz")).json()

    assert paths(broken) | paths(fine) == set(rows("GET /readyz"))


async def test_metrics(client: TestClient) -> None:
    text = await (await client.get("/metrics")).text()

    found = {each.name: {label for sample in each.samples for label in sample.labels} for each in
             text_string_to_metric_families(text)}  # fmt: skip
    assert found == {name: set(re.findall(r"`(\w+)`", cells[0])) for name, cells in rows("GET /metrics").items()}


@pytest.mark.parametrize(
    ("words", "status"),
    [
        (("check", "examples/catalog"), "0"),
        (("check", "nowhere-at-all"), "1"),
        (("history", "nobody-knows-this"), "1"),
        (("status", "--no-such-option"), "2"),
        (("no-such-verb",), "2"),
    ],
)
def test_exit_status(
    words: tuple[str, ...], status: str, printed: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    del printed  # only its database and settings are needed
    monkeypatch.chdir(ROOT)
    try:
        ended = main(words)
    except SystemExit as end:
        ended = int(end.code or 0)

    assert str(ended) == status
    assert rows("Exit status").keys() == {"0", "1", "2"}


def test_values_and_event_types() -> None:
    values = {key: set(re.findall(r"`([\w-]+)`", cells[0])) for key, cells in rows("Values").items()}

    known = {"status": Status, "outcome": Outcome, "health": matrix.Health, "origin": matrix.Origin}
    assert values == {key: {each.value for each in kind} for key, kind in known.items()}
    assert set(rows("Audit events")) == {each.value for each in EventType}
