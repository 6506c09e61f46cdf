"""Days in the life of a few services, made up at random and lived through the real verbs."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from bot.domain.actor import CiIdentity, Operator
from bot.domain.catalog.environment import After, Rule
from bot.domain.deploy.dispatch import Answer
from bot.domain.deploy.rollout import GroupHealth, NomadDeployment, Observation
from bot.errors import NomadRefused, NomadUnavailable, TargetGone
from bot.operations.catalog import apply
from bot.operations.deploys.approve import approve
from bot.operations.deploys.decide import Origin
from bot.operations.deploys.promote import Promotion, promote
from bot.operations.deploys.redeploy import again
from bot.operations.deploys.reject import reject
from bot.operations.deploys.replace_rollout import replace_rollout
from bot.operations.deploys.replan import replan
from bot.operations.deploys.request import Requested, request
from bot.operations.deploys.retract import retract
from bot.operations.deploys.withdraw import withdraw
from bot.operations.outbox import deliver
from bot.operations.worker import dispatch, expire, follow, offer, recheck, register
from bot.operations.worker import plan as plan_deploy
from tests.builders import ALICE, BOB, CAROL, GUS, NORA, SAM, a_catalog, a_service, an_environment
from tests.operations.acts import an_ask

if TYPE_CHECKING:
    from random import Random

    from bot.domain.actor import Actor
    from bot.domain.catalog.catalog import Catalog
    from tests.fakes import World

PEOPLE = (ALICE, BOB, CAROL, SAM, GUS, NORA)
PIPELINE = CiIdentity("https://ci.example", "repo:checkout", ALICE.id)
SERVICES = ("checkout", "billing")
CHANNEL = Origin(channel="C0GENERAL1")
WEB = GroupHealth(name="web", desired=2, placed=2, healthy=2)
WAITS = (1, 20, 90, 600, 2400, 9000)


def a_small_catalog(count: int = 1, *, billing_in_preview: bool = True) -> Catalog:
    """Staging is free, then comes preview, which one may approve for oneself; production stands alone."""
    places = a_service().placements
    preview = an_environment(
        "preview", approvals=(Rule("developers"),), self_approval=True, after=(After(environment="staging"),)
    )
    known = a_catalog().environments
    made = {
        name: a_service(
            name,
            job=f"{name}-{{environment}}",
            variables={"count": count},
            placements={
                **places,
                **({"preview": replace(places["staging"], environment="preview")} if cut else {}),
            },
        )
        for name, cut in (("checkout", True), ("billing", billing_in_preview))
    }
    return a_catalog(
        environments={
            "staging": replace(known["staging"], expires=timedelta(hours=12)),
            "preview": preview,
            "production": known["production"],
        },
        services=made,
    )


class Days:
    """A world whose people and Nomad do one thing or another, and its clock."""

    def __init__(self, world: World, random: Random) -> None:
        self.world = world
        self.random = random
        self.asked: list[int] = []

    async def begin(self) -> None:
        await apply(self.world.ports(), Operator("root"), a_small_catalog())

    async def live(self, until: datetime) -> None:
        """Go on until then: the clock stops right before that moment, or at it."""
        clock, random = self.world.clock, self.random
        while clock.now() < until:
            await self._act()
            await self._work()
            step = timedelta(seconds=random.choice(WAITS) * random.random(), microseconds=random.randrange(1000))
            if clock.now() + step < until:
                clock.advance(step)
                continue
            clock.instant = until - timedelta(microseconds=1)
            await self._act()
            await self._work()
            clock.instant = until

    async def _act(self) -> None:
        acts = {
            self._request: 6,
            self._approve: 9,
            self._promote: 1,
            self._on_a_deploy: 2,
            self._somebody_else: 1,
            self._apply: 0.4,
        }
        (act,) = self.random.choices(list(acts), list(acts.values()))
        # what is no longer anywhere is withdrawn by the worker: people are told so by their surface
        with suppress(TargetGone):
            await act()

    async def _request(self) -> None:
        random = self.random
        people: list[Actor] = [ALICE, ALICE, BOB, CAROL, PIPELINE, GUS, SAM]
        ask = an_ask(
            service=random.choice([*SERVICES, *SERVICES, *SERVICES, "chekout"]),
            environment=random.choice(["staging", "preview", "production", "production", None]),
            version=f"v1.{random.randrange(6)}",
            reason=random.choice([None, "hotfix"]),
        )
        self._keep(await request(self.world.ports(), random.choice(people), ask, origin=CHANNEL))

    def _keep(self, answer: object) -> None:
        if isinstance(answer, Requested) and not answer.existing:
            self.asked.append(answer.deploy.id)

    def _one(self) -> int:
        return self.random.choice(self.asked[-8:] or [1])

    async def _approve(self) -> None:
        who = self.random.choice([BOB, SAM, SAM, CAROL, ALICE, NORA])
        await approve(self.world.ports(), who, self._one(), plan=None, origin=CHANNEL)

    async def _promote(self) -> None:
        what = Promotion(deploy_id=self._one(), overrides={})
        self._keep(await promote(self.world.ports(), self.random.choice(PEOPLE), what, origin=CHANNEL))

    async def _on_a_deploy(self) -> None:
        ports, deploy, who = self.world.ports(), self._one(), self.random.choice(PEOPLE)
        match self.random.choice(["retract", "reject", "withdraw", "replan", "replace", "again"]):
            case "retract":
                await retract(ports, who, deploy, origin=CHANNEL)
            case "reject":
                reason = self.random.choice(["=1+1 is no reason", ""])
                await reject(ports, who, deploy, plan=None, reason=reason, origin=CHANNEL)
            case "withdraw":
                await withdraw(ports, who, deploy, origin=CHANNEL)
            case "replan":
                await replan(ports, who, deploy, origin=CHANNEL)
            case "replace":
                await replace_rollout(ports, who, deploy, origin=CHANNEL)
            case _:
                self._keep(await again(ports, who, deploy, origin=CHANNEL))

    async def _somebody_else(self) -> None:
        """Another changes a job on Nomad: the plans made against it have moved."""
        jobs = self.world.nomad.jobs
        if jobs:
            job = jobs[self.random.choice(sorted(jobs))]
            self.world.nomad.change({**job, "Meta": {"by": str(self.random.random())}})

    async def _apply(self) -> None:
        cut = self.random.random() < 0.5
        catalog = a_small_catalog(self.random.randrange(3), billing_in_preview=cut)
        await apply(self.world.ports(), Operator("root"), catalog)

    async def _work(self) -> None:
        """What the workers do meanwhile, or some of it."""
        for step, how_often in (
            (self._plan, 0.8),
            (self._dispatch, 0.8),
            (self._register, 0.8),
            (self._follow, 0.5),
            (self._recheck, 0.3),
            (self._expire, 0.5),
            (self._offer, 0.1),
            (self._deliver, 0.05),
        ):
            if self.random.random() < how_often:
                await step()

    async def _plan(self) -> None:
        nomad, dice = self.world.nomad, self.random.random()
        nomad.unchanged = dice < 0.08
        if dice > 0.88:
            nomad.trouble = NomadRefused("line 3: no such driver") if dice > 0.94 else NomadUnavailable("no leader")
        await plan_deploy.step(self.world.ports())
        nomad.unchanged, nomad.trouble = False, None

    async def _dispatch(self) -> None:
        await dispatch.step(self.world.ports())

    async def _register(self) -> None:
        others = [Answer.NO_OP, Answer.CONFLICT, Answer.DENIED, Answer.DENIED, Answer.NOT_SENT, Answer.UNKNOWN]
        self.world.nomad.answers = [self.random.choice([Answer.LANDED] * 8 + others)]
        await register.step(self.world.ports())

    async def _follow(self) -> None:
        self.world.nomad.seen = self._seen()
        await follow.step(self.world.ports())

    def _seen(self) -> Observation:
        said = self.random.choice(["running"] * 3 + ["successful"] * 3 + ["failed", "failed", "cancelled", "gone"])
        if said == "gone":
            return Observation(exists=False)
        deployment = NomadDeployment(
            id="d-1", status=said, description=said, job_version=0, job_spec_modify_index=1, groups=(WEB,)
        )
        reverted = (7, 700) if said == "failed" and self.random.random() < 0.7 else None
        return Observation(exists=True, deployment=deployment, wanted={"web": 2}, reverted_to=reverted)

    async def _recheck(self) -> None:
        await recheck.step(self.world.ports())

    async def _expire(self) -> None:
        await expire.step(self.world.ports())

    async def _offer(self) -> None:
        await offer.step(self.world.ports())

    async def _deliver(self) -> None:
        while await deliver.step(self.world.ports()):
            pass
