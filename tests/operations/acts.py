"""What tests of the verbs do again and again."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from bot.domain.access import Grant, Permission
from bot.domain.actor import System
from bot.domain.audit.events import EventType
from bot.domain.catalog.environment import After
from bot.domain.decision import Refused
from bot.domain.deploy.deploy import Status
from bot.domain.deploy.rollout import GroupHealth, NomadDeployment, Observation
from bot.operations.catalog import apply
from bot.operations.deploys.approve import approve
from bot.operations.deploys.decide import Origin
from bot.operations.deploys.request import Ask, Requested, request
from bot.operations.deploys.transitions import transition
from bot.operations.outbox import deliver
from bot.operations.worker import dispatch, follow, judge, recheck
from bot.operations.worker import plan as plan_deploy
from bot.operations.worker.claim import WORKER
from tests.builders import ALICE, BOB, SAM, a_catalog, a_service

if TYPE_CHECKING:
    from bot.domain.actor import Actor
    from bot.domain.catalog.catalog import Catalog
    from bot.domain.catalog.environment import Environment
    from bot.domain.deploy.deploy import Deploy
    from bot.domain.deploy.dispatch import Attempt
    from bot.domain.deploy.plan import Plan
    from bot.domain.deploy.rollout import Rollout
    from tests.fakes import World

SOAK = timedelta(seconds=10)
HERE = Origin(channel="C0GENERAL1", response_url="https://hooks.slack.com/r/1")


def an_ask(**changes: Any) -> Ask:
    fields: dict[str, Any] = {
        "service": "checkout",
        "version": "v1.4.2",
        "environment": "staging",
        "overrides": {},
        "reason": None,
    }
    return Ask(**{**fields, **changes})


async def asked(world: World, actor: Actor = ALICE, *, origin: Origin = HERE, **changes: Any) -> Deploy:
    """A deploy that was asked for."""
    answer = await request(world.ports(), actor, an_ask(**changes), origin=origin)
    assert isinstance(answer, Requested), answer
    return answer.deploy


async def planned(world: World, environment: str = "staging", **changes: Any) -> Deploy:
    """A deploy with its first plan."""
    deploy = await asked(world, environment=environment, **changes)
    assert await plan_deploy.step(world.ports())
    return await now(world, deploy)


async def ready(world: World, **changes: Any) -> Deploy:
    """A production deploy that Bob and Sam approved."""
    deploy = await planned(world, "production", **changes)
    for who in (BOB, SAM):
        answer = await approve(world.ports(), who, deploy.id, plan=deploy.plan, origin=Origin())
        assert not isinstance(answer, Refused), answer
    return await now(world, deploy)


async def dispatching(world: World, **changes: Any) -> Deploy:
    """A deploy that passed every gate, and that nothing was sent of: as a process of an older version may leave it."""
    deploy = await ready(world, **changes)
    at = world.clock.now()
    async with world.store.begin() as tx:
        locked = await tx.lock_deploy(deploy.id)
        assert locked is not None
        event, catalog = EventType.DEPLOY_DISPATCHING, deploy.catalog
        return await transition(
            tx, locked, Status.DISPATCHING, at=at, event=event, actor=WORKER, catalog=catalog, data={}
        )


async def rolling_in_staging(world: World) -> Deploy:
    """A staging deploy that Nomad took; nobody has to approve it."""
    deploy = await planned(world)
    assert await dispatch.step(world.ports())
    return await now(world, deploy)


async def rolling(world: World, **changes: Any) -> Deploy:
    """A deploy that Nomad took."""
    deploy = await ready(world, **changes)
    assert await dispatch.step(world.ports())
    deploy = await now(world, deploy)
    assert deploy.status is Status.ROLLING, deploy
    return deploy


async def ended(world: World, deploy: Deploy, said: str = "successful") -> Deploy:
    """A deploy that everything was done for until Nomad's deployment came to that end."""
    for step in (plan_deploy.step, dispatch.step):
        await step(world.ports())
    deploy = await now(world, deploy)
    assert deploy.status is Status.ROLLING, deploy
    group = GroupHealth(name="web", desired=2, placed=2, healthy=2)
    deployment = NomadDeployment(
        id="d-1", status=said, description="", job_version=0, job_spec_modify_index=101, groups=(group,)
    )
    world.nomad.seen = Observation(exists=True, deployment=deployment, wanted={"web": 2})
    assert await follow.step(world.ports())
    return await now(world, deploy)


async def succeeded(world: World, environment: str = "staging", **changes: Any) -> Deploy:
    """A deploy that succeeded in an environment without approvals."""
    return await ended(world, await asked(world, environment=environment, **changes))


async def after_staging(world: World, **changes: Any) -> Catalog:
    """Production comes after ten seconds in staging, each with a job of its own, and developers may promote."""
    rule = After(**{"environment": "staging", "soak": SOAK, **changes})
    may = frozenset({Permission.REQUEST, Permission.PROMOTE})
    grants = (Grant("developers", may), Grant("sre", frozenset(Permission)))
    services = {"checkout": a_service(job="checkout-{environment}")}
    known = environments("production", after=(rule,))
    return await applied(world, environments=known, grants=grants, services=services)


async def now(world: World, deploy: Deploy | int) -> Deploy:
    """The deploy as it is stored."""
    async with world.store.read() as reading:
        found = await reading.deploy(deploy if isinstance(deploy, int) else deploy.id)
    assert found is not None
    return found


async def change(world: World, deploy: Deploy) -> None:
    """Write a deploy as it is given."""
    async with world.store.begin() as tx:
        await tx.lock_deploy(deploy.id)
        await tx.save_deploy(deploy)


async def events(world: World, deploy_id: int | None = None) -> list[dict[str, Any]]:
    """The audit events' bodies, oldest first."""
    async with world.store.read() as reading:
        return [json.loads(stored.body) for stored in await reading.events(deploy_id)]


async def types(world: World, deploy_id: int | None = None) -> list[str]:
    """The audit events' types."""
    return [event["type"] for event in await events(world, deploy_id)]


async def delivered(world: World) -> None:
    """Send everything that is due."""
    while await deliver.step(world.ports()):
        pass


async def rechecked(world: World) -> bool:
    """Recheck what is due."""
    return await recheck.step(world.ports())


def texts(world: World, kind: str) -> list[str]:
    """What was said in one way."""
    return [note.text for said, note, _ in world.chat.said if said == kind]


async def rollouts(world: World, deploy: Deploy) -> tuple[Rollout, ...]:
    """The deploy's rollouts as they are stored."""
    async with world.store.read() as reading:
        return await reading.rollouts(deploy.id)


async def newest_plan(world: World, deploy: Deploy) -> Plan:
    """The deploy's current plan."""
    async with world.store.read() as reading:
        plan = await reading.plan(deploy.id, (await now(world, deploy)).plan)
    assert plan is not None
    return plan


async def attempts(world: World, deploy: Deploy) -> tuple[Attempt, ...]:
    """The attempts of its current plan."""
    async with world.store.read() as reading:
        return await reading.attempts(deploy.id, deploy.plan)


async def applied(world: World, **changes: Any) -> Catalog:
    """Another catalog in force: ``a_catalog()`` with changes."""
    catalog = a_catalog(**changes)
    answer = await apply(world.ports(), System("test"), catalog)
    assert not isinstance(answer, Refused), answer
    await judged(world)
    return catalog


async def judged(world: World) -> None:
    """Judge everything by the catalog in force."""
    while await judge.step(world.ports()):
        pass


def environments(name: str, **changes: Any) -> dict[str, Environment]:
    """The environments of ``a_catalog()``, one of them changed."""
    known = a_catalog().environments
    return {**known, name: replace(known[name], **changes)}
