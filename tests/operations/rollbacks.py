"""What tests of rollbacks do again and again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bot.domain.decision import Refused
from bot.domain.deploy.deploy import Deploy, Status
from bot.domain.deploy.rollout import GroupHealth, NomadDeployment, Observation
from bot.domain.rollback import Rollback
from bot.operations.deploys.approve import approve
from bot.operations.deploys.decide import Origin
from bot.operations.deploys.request import Requested
from bot.operations.rollback.request import request_rollback
from bot.operations.worker import dispatch, follow
from bot.operations.worker import plan as planning
from tests.builders import ALICE, BOB, SAM, a_job
from tests.operations.acts import HERE, asked, now

if TYPE_CHECKING:
    from bot.domain.actor import Actor
    from tests.fakes import World


def a_rollback(**changes: Any) -> Rollback:
    """checkout in production, because of errors."""
    return Rollback(**{"service": "checkout", "environment": "production", "reason": "5xx since noon", **changes})


async def rolled_back(world: World, by: Actor = ALICE, *, origin: Origin = HERE, **changes: Any) -> Requested | Refused:
    """The answer to a rollback."""
    return await request_rollback(world.ports(), by, a_rollback(**changes), origin=origin)


async def taken(world: World, by: Actor = ALICE, **changes: Any) -> Deploy:
    """A rollback that was recorded."""
    answer = await rolled_back(world, by, **changes)
    assert isinstance(answer, Requested), answer
    assert not answer.existing
    return answer.deploy


async def refused(world: World, by: Actor = ALICE, **changes: Any) -> tuple[str, ...]:
    """The texts of a refusal."""
    answer = await rolled_back(world, by, **changes)
    assert isinstance(answer, Refused), answer
    return tuple(f"{reason.code}: {reason.text}" for reason in answer.reasons)


async def sent(world: World, deploy: Deploy) -> Deploy:
    """The deploy after everything that takes it to Nomad; Bob and Sam approve what needs it."""
    assert await planning.step(world.ports())
    deploy = await now(world, deploy)
    for who in (BOB, SAM) if deploy.status is Status.WAITING else ():
        done = await approve(world.ports(), who, deploy.id, plan=deploy.plan, origin=Origin())
        assert not isinstance(done, Refused), done
    assert await dispatch.step(world.ports())
    deploy = await now(world, deploy)
    assert deploy.status is Status.ROLLING, deploy
    return deploy


async def over(world: World, deploy: Deploy, said: str = "successful", **changes: Any) -> Deploy:
    """The deploy after Nomad's deployment came to that end."""
    job = world.nomad.jobs[deploy.service]
    group = GroupHealth(name="web", desired=2, placed=2, healthy=2 if said == "successful" else 0)
    deployment = NomadDeployment(
        id=f"d-{deploy.id}",
        status=said,
        description="",
        job_version=job["Version"],
        job_spec_modify_index=job["JobModifyIndex"],
        groups=(group,),
        **changes.pop("deployment", {}),
    )
    seen = {"exists": True, "deployment": deployment, "wanted": {"web": 2}, "index": job["JobModifyIndex"]}
    world.nomad.seen = Observation(**{**seen, **changes})
    world.clock.advance(follow.POLL)
    assert await follow.step(world.ports())
    return await now(world, deploy)


async def started(world: World, version: str = "v1.4.2", environment: str = "production", **changes: Any) -> Deploy:
    """A deploy of a version that Nomad rolls out; its job has the version's image."""
    world.nomad.parsed = a_job(f"registry.example/checkout:{version}")
    return await sent(world, await asked(world, environment=environment, version=version, **changes))


async def shipped(world: World, version: str = "v1.4.2", environment: str = "production", **changes: Any) -> Deploy:
    """A deploy of a version that succeeded."""
    deploy = await over(world, await started(world, version, environment, **changes))
    assert deploy.status is Status.SUCCEEDED, deploy
    return deploy


async def went_back(world: World, by: Actor = ALICE, **changes: Any) -> Deploy:
    """A rollback that succeeded."""
    deploy = await over(world, await sent(world, await taken(world, by, **changes)))
    assert deploy.status is Status.SUCCEEDED, deploy
    return deploy


def image(world: World) -> str:
    """The image that runs in the fake Nomad."""
    found: str = world.nomad.jobs["checkout"]["TaskGroups"][0]["Tasks"][0]["Config"]["image"]
    return found
