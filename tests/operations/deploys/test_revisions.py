from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from bot.domain.actor import System
from bot.domain.decision import Refused
from bot.domain.deploy.deploy import Status
from bot.errors import NomadRefused
from bot.operations.catalog import apply
from bot.operations.deploys.request import Requested, request
from tests.builders import ALICE, JOBSPEC, a_catalog, a_placement, a_service
from tests.operations.acts import HERE, after_staging, an_ask, applied, asked, change, events, planned, succeeded

if TYPE_CHECKING:
    from tests.fakes import World

NEWER = f"{JOBSPEC}# newer"


async def with_template(world: World, text: str, **changes: Any) -> None:
    """Put a catalog in force whose template has this text."""
    await applied(world, templates={"web": replace(a_catalog().templates["web"], text=text)}, **changes)


async def answered(world: World, **changes: Any) -> Requested:
    answer = await request(world.ports(), ALICE, an_ask(**changes), origin=HERE)
    assert isinstance(answer, Requested), answer
    return answer


async def test_a_changed_template_makes_a_new_revision_of_the_same_version(world: World):
    first = await asked(world)
    await with_template(world, NEWER)

    second = await answered(world)

    # also while r1 is open: it is another deploy
    assert (first.revision, first.release_name) == (1, "v1.4.2")
    assert (second.existing, second.deploy.revision, second.deploy.release_name) == (False, 2, "v1.4.2 r2")
    assert second.notes[0] == "r2 is new: the template web has changed since r1 of v1.4.2."
    assert (await events(world, second.deploy.id))[-1]["data"]["revision"] == 2
    async with world.store.read() as reading:
        release = await reading.release(second.deploy.release)
    assert release is not None
    assert release.template == NEWER
    again = await answered(world)
    assert (again.existing, again.deploy.id) == (True, second.deploy.id)


async def test_an_earlier_text_gets_its_earlier_number(world: World):
    first = await asked(world)
    await with_template(world, NEWER)
    await asked(world)
    await change(world, first.advance(Status.WITHDRAWN, world.clock.now()))
    await with_template(world, JOBSPEC)

    third = await answered(world)

    assert (third.deploy.release, third.deploy.revision) == (first.release, 1)
    assert third.notes[0] == "r1 is an earlier revision of v1.4.2; the newest is r2."
    assert (await asked(world, version="v1.4.3")).revision == 1


async def test_a_text_that_another_template_had_first_has_its_number_there(world: World):
    await asked(world)
    web = a_catalog().templates["web"]
    placed = {"staging": a_placement(), "production": a_placement("production", template="other")}
    templates = {"web": replace(web, text=NEWER), "other": replace(web, name="other", text=NEWER)}
    await applied(world, templates=templates, services={"checkout": a_service(placements=placed)})
    in_staging = await asked(world)

    in_production = await asked(world, environment="production")

    assert (in_production.release, in_production.revision) == (in_staging.release, 2)


async def test_where_an_environment_comes_before_the_newest_revision_that_passed_there_is_deployed(world: World):
    await after_staging(world)
    first = await succeeded(world)
    await with_revisions_after_staging(world, NEWER)
    world.clock.advance(seconds=20)
    second = await succeeded(world)
    assert (first.revision, second.revision) == (1, 2)

    # r2 has not soaked yet, so it has not passed
    early = await answered(world, environment="production")
    assert (early.deploy.release, early.deploy.revision) == (first.release, 1)
    assert early.notes[:2] == (
        "r1 is the newest revision of v1.4.2 that has passed.",
        "The catalog has another text of the template web now. To deploy that: `/deploy checkout v1.4.2 to staging`.",
    )
    world.clock.advance(seconds=20)
    later = await answered(world, environment="production")
    assert (later.deploy.release, later.deploy.revision) == (second.release, 2)
    assert later.notes[0] == "r2 is the newest revision of v1.4.2 that has passed."


async def test_if_no_revision_passed_the_refusal_is_about_the_newest(world: World):
    await after_staging(world)
    await asked(world)
    await with_revisions_after_staging(world, NEWER)
    newest = await asked(world)

    answer = await request(world.ports(), ALICE, an_ask(environment="production"), origin=HERE)

    assert isinstance(answer, Refused)
    assert answer.codes == ("not-passed",)
    assert answer.reasons[0].text.startswith(
        f"checkout v1.4.2 r2 has not succeeded in staging. {newest.number} is on its way there"
    )


async def with_revisions_after_staging(world: World, text: str) -> None:
    """The catalog of ``after_staging`` with another text of the template."""
    known = await after_staging(world)
    await apply(
        world.ports(), System("test"), replace(known, templates={"web": replace(known.templates["web"], text=text)})
    )


async def test_a_template_that_nomad_refused_is_a_revision_too(world: World):
    world.nomad.trouble = NomadRefused("line 6: Missing task driver")
    broken = await planned(world)
    assert broken.status is Status.INVALID
    world.nomad.trouble = None
    await with_template(world, NEWER)

    again = await planned(world)

    assert (again.status, again.revision) == (Status.READY, 2)


async def test_a_promoted_template_that_lacks_a_new_variable_is_named_with_what_to_do(world: World):
    deploy = await planned(world)
    newer = replace(a_catalog().templates["web"], text=NEWER, declared=frozenset({"version", "colour"}))
    await applied(world, templates={"web": newer}, services={"checkout": a_service(variables={"colour": "blue"})})

    ask = an_ask(environment="production", release=deploy.release)
    answer = await request(world.ports(), ALICE, ask, origin=HERE)

    assert isinstance(answer, Refused)
    (reason,) = answer.reasons
    assert reason.text == (
        "The template web declares no variable colour. The catalog has another text of the template web now. "
        "To deploy that: `/deploy checkout v1.4.2 to staging` or `/deploy checkout v1.4.2 to production`. "
        "Or remove colour from the catalog."
    )
