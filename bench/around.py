"""What a bench of lanes needs: Nomads that answer and that hang, people, a catalog, and deploys in any state."""

from __future__ import annotations

import asyncio
import socket
import sys
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from bot.domain.access import Grant, Group, Membership, Permission, Person
from bot.domain.actor import SlackUser
from bot.domain.catalog.catalog import Catalog
from bot.domain.catalog.environment import Cluster, Environment, Rule
from bot.domain.catalog.service import Placement, Service, Template
from bot.domain.deploy.deploy import Deploy, Status
from bot.domain.deploy.plan import Plan
from bot.domain.deploy.rollout import Rollout, RolloutKind, RolloutStatus

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Collection
    from datetime import datetime

    from store import SqlStore

TEAM: Final = "T0NOMATRON"
ALICE, BOB = SlackUser(TEAM, "U0ALICE001"), SlackUser(TEAM, "U0BOB00001")
JOBSPEC: Final = """variable "version" { type = string }
job "web" {
  group "web" {
    task "app" {
      driver = "raw_exec"
      config {
        command = "/bin/sleep"
        args    = [var.version]
      }
    }
  }
}
"""


def free_port() -> int:
    """A port on which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@asynccontextmanager
async def simulated_nomad() -> AsyncIterator[str]:
    """The address of a simulated Nomad, in a process of its own."""
    port = free_port()
    program = [sys.executable, "-m", "sandbox.nomad", "--port", str(port)]
    process = await asyncio.create_subprocess_exec(*program, stdout=asyncio.subprocess.DEVNULL)
    try:
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                await asyncio.sleep(0.1)
            else:
                writer.close()
                break
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        await process.wait()


@asynccontextmanager
async def hanging() -> AsyncIterator[str]:
    """A socket that takes every connection and never answers."""
    held: set[asyncio.StreamWriter] = set()

    async def hold(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        held.add(writer)

    server = await asyncio.start_server(hold, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        for writer in held:
            writer.close()


class People:
    """Slack's people, who are known at once; there are no user groups."""

    team = TEAM

    def __init__(self, store: SqlStore) -> None:
        self._clock = store.clock

    async def membership(self, _: Collection[str], users: Collection[str], **__: bool) -> Membership:
        """Everybody is an active person of our workspace."""
        people = {user: Person(id=user, team=TEAM) for user in users}
        return Membership(team=TEAM, at=self._clock.now(), usergroups={}, people=people)


def a_catalog(addresses: dict[str, str], word: str = "a word") -> Catalog:
    """An environment for each cluster, without approvals, and a guarded one on the healthy cluster."""
    everybody = Group("everybody", users=frozenset({ALICE.id, BOB.id, "U0CAROL001"}))
    names = {**{name: name for name in addresses}, "guarded": "healthy"}
    rules = {"guarded": (Rule("everybody", 2),)}
    return Catalog(
        timezone="UTC",
        admin_channel=None,
        groups={"everybody": everybody},
        grants=(Grant("everybody", frozenset({Permission.REQUEST})),),
        clusters={name: Cluster(name=name, address=address) for name, address in addresses.items()},
        environments={
            name: Environment(
                name=name,
                cluster=cluster,
                channel="C0STAGING1",
                variables={"note": word},
                approvals=rules.get(name, ()),
            )
            for name, cluster in names.items()
        },
        templates={
            "web": Template(
                name="web",
                file="web.nomad.hcl",
                text=JOBSPEC,
                declared=frozenset({"version"}),
                required=frozenset({"version"}),
                variables={},
            )
        },
        services={
            "web": Service(
                name="web",
                template="web",
                owners=None,
                job="web-{environment}",
                version_variable="version",
                compare=None,
                variables={},
                settable=frozenset(),
                show=frozenset(),
                placements={name: Placement(environment=name, variables={}) for name in names},
            )
        },
    )


def a_deploy(catalog: Catalog, environment: str, status: Status, release: str, at: datetime) -> Deploy:
    """A deploy that was requested at that time, in any state, and due since."""
    return Deploy(
        service="web",
        environment=environment,
        version="v1",
        release=release,
        overrides={},
        reason=None,
        requester=ALICE,
        requested_at=at,
        expires_at=at + timedelta(hours=24),
        catalog=catalog.fingerprint,
        status=status,
        changed_at=at,
        due_at=at,
        plan=0 if status is Status.PLANNING else 1,
        lane=catalog.clusters[catalog.environments[environment].cluster].lane,
    )


def a_plan(deploy: Deploy) -> Plan:
    """Its first plan, of a job that does not exist yet."""
    return Plan(
        deploy_id=deploy.id,
        number=1,
        at=deploy.changed_at,
        job='{"ID":"web"}',
        fingerprint="0" * 64,
        base_index=0,
        base_version=None,
        from_version=None,
        changes=(),
        effect="web: 1 started",
    )


def a_rollout(deploy: Deploy) -> Rollout:
    """Its running rollout."""
    return Rollout(
        deploy_id=deploy.id,
        number=1,
        kind=RolloutKind.DEPLOY,
        status=RolloutStatus.RUNNING,
        started_at=deploy.changed_at,
        changed_at=deploy.changed_at,
        job_version=0,
        job_modify_index=10,
    )
