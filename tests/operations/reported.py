"""A digest's report on a world, and deploys in the states that it tells of."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from bot.domain.audit.events import EventType
from bot.domain.deploy.deploy import Status
from bot.domain.deploy.rollout import GroupHealth, NomadDeployment, Observation
from bot.domain.digest.schedule import Scope, Span
from bot.operations.digest.report import all_entries, report
from bot.operations.worker import follow
from tests.builders import a_draft, an_event
from tests.clocks import NOON

if TYPE_CHECKING:
    from bot.domain.actor import Actor
    from bot.domain.audit.history import Entry
    from bot.domain.catalog.catalog import Catalog
    from bot.domain.deploy.deploy import Deploy
    from bot.domain.digest.report import Listed, Report, Signs
    from tests.fakes import World

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
TODAY = Span(NOON - HOUR, NOON + DAY)
LATER = Span(TODAY.ends, TODAY.ends + DAY)


async def drawn(
    world: World, span: Span = TODAY, *of: str, zone: str = "UTC", catalog: Catalog | None = None
) -> Report:
    async with world.store.read() as reading:
        known = catalog or (await reading.active_catalog()).catalog
        return await report(reading, Scope(span, frozenset(of) or None), zone, known, world.directory.link)


async def entries(world: World, span: Span = TODAY, *of: str) -> list[Entry]:
    async with world.store.read() as reading:
        return list(await all_entries(reading, Scope(span, frozenset(of) or None)))


def numbers(listed: Listed) -> list[int]:
    return [entry.deploy_id for entry in listed.entries]


def approvers(signs: Signs) -> list[Actor]:
    return [sign.actor for sign in signs.signs]


async def recorded(world: World, deploy: Deploy, *kinds: EventType, **data: Any) -> None:
    """More events of a deploy, as if they had happened now."""
    async with world.store.begin() as tx:
        for kind in kinds:
            event = an_event(kind, at=world.clock.now(), deploy_id=deploy.id, environment=deploy.environment, data=data)
            await tx.record(event)


async def that_succeeded(world: World, how_many: int) -> list[int]:
    """So many deploys in production, by their events alone."""
    async with world.store.begin() as tx:
        made = [await tx.add_deploy(a_draft(environment="production")) for _ in range(how_many)]
        for deploy in made:
            await tx.save_deploy(replace(deploy, status=Status.SUCCEEDED, due_at=None))
    for deploy in made:
        kinds = (EventType.DEPLOY_REQUESTED, EventType.DEPLOY_LANDED, EventType.DEPLOY_SUCCEEDED)
        await recorded(world, deploy, *kinds, version="v1.4.2")
    return [deploy.id for deploy in made]


async def seen(world: World, said: str, **more: Any) -> None:
    """One look at the rollout that is due, of which Nomad says that."""
    web = GroupHealth(name="web", desired=2, placed=2, healthy=1)
    deployment = NomadDeployment(
        id="d-1", status=said, description="", job_version=0, job_spec_modify_index=101, groups=(web,)
    )
    world.nomad.seen = Observation(exists=True, deployment=deployment, wanted={"web": 2}, **more)
    assert await follow.step(world.ports())
