"""The agents under test, job ids that nobody else has, and callers with few rights.

Every test runs on the simulated Nomad. If ``NOMATRON_TEST_NOMAD`` names a real agent, it runs there too: that agent
needs ``raw_exec``, ``/bin/sleep``, ``/bin/false`` and ``/bin/echo``, and ``NOMATRON_TEST_NOMAD_TOKEN`` has to be a
management token if ACLs are on.
"""

from __future__ import annotations

import os
import uuid
from typing import TYPE_CHECKING, NamedTuple

import pytest

from tests.contract.nomad.callers import PretendedRights, Rights, TokenRights
from tests.contract.nomad.client import Nomad
from tests.contract.nomad.simulated import Simulator
from tests.gateways.nomad.worlds import REAL_NOMAD, REAL_TOKEN

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

# "not healthy within any test" is 20 minutes: 40 s on this clock
FAST = 30.0
OUR_PACE = 1.0
REAL = [pytest.param("real", marks=pytest.mark.nomad)]
NOMADS = ["simulated", *(REAL if REAL_NOMAD in os.environ else [])]


class Agents(NamedTuple):
    """Where one Nomad answers: as fast as it can, and at our pace. A real agent has one pace, and one address."""

    fast: str
    realtime: str
    token: str
    simulated: bool


@pytest.fixture(scope="session", params=NOMADS)
def agents(request: pytest.FixtureRequest) -> Iterator[Agents]:
    """Each Nomad that there is."""
    if request.param == "simulated":
        with Simulator(FAST) as fast, Simulator(OUR_PACE) as realtime:
            yield Agents(fast.address, realtime.address, "", simulated=True)
        return
    address = os.environ[REAL_NOMAD]
    yield Agents(address, address, os.environ.get(REAL_TOKEN, ""), simulated=False)


@pytest.fixture
def nomad(agents: Agents, request: pytest.FixtureRequest) -> Iterator[Nomad]:
    """A caller that may do everything; a test marked ``realtime`` gets a Nomad whose clock runs at our pace."""
    only = request.node.get_closest_marker("agent_only")
    if only and agents.simulated:
        pytest.skip(f"the simulated Nomad does not do this: {only.args[0]}")
    realtime = request.node.get_closest_marker("realtime")
    with Nomad(agents.realtime if realtime else agents.fast, agents.token) as caller:
        needed = request.node.get_closest_marker("since")
        if needed and version_of(caller) < numbers(needed.args[0]):
            pytest.skip(f"needs Nomad {needed.args[0]}")
        yield caller


def version_of(nomad: Nomad) -> tuple[int, ...]:
    """The agent's version, without its pre-release mark."""
    return numbers(nomad.get("agent", "self").ok()["config"]["Version"]["Version"])


def numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))


@pytest.fixture
def new_id(nomad: Nomad) -> Iterator[Callable[[], str]]:
    """Makes job ids that nobody else has; the jobs and their dispatched children are purged afterwards."""
    ids: list[str] = []

    def make() -> str:
        ids.append(f"contract-{uuid.uuid4().hex[:12]}")
        return ids[-1]

    yield make
    for job_id in ids:
        nomad.stop(job_id, purge=True).ok()
        for child in nomad.get("jobs", params={"prefix": f"{job_id}/"}).ok():
            nomad.stop(child["ID"], purge=True).ok()


@pytest.fixture
def job_id(new_id: Callable[[], str]) -> str:
    return new_id()


@pytest.fixture
def rights(agents: Agents, nomad: Nomad) -> Iterator[Rights]:
    """Makes callers with few rights; skips on an agent whose ACLs are off."""
    found: Rights = PretendedRights(nomad) if agents.simulated else TokenRights(nomad)
    if not found.enforced():
        pytest.skip("needs ACLs and a management token")
    yield found
    found.close()
