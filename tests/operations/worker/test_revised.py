from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from bot.domain.deploy.gates import Facts
from bot.domain.deploy.plan import Base, JobState
from bot.operations.deploys.decide import Case
from bot.operations.worker.revised import template_note, unchanged_note
from tests.builders import JOBSPEC, a_catalog, a_membership, a_plan
from tests.operations.acts import applied, asked, delivered, planned, succeeded

if TYPE_CHECKING:
    from bot.domain.deploy.deploy import Deploy
    from bot.domain.deploy.message import Note
    from bot.domain.deploy.plan import Plan
    from tests.fakes import World

OLD, NEW = f"{JOBSPEC}cpu = 100\n", f"{JOBSPEC}cpu = 250\n"


async def with_template(world: World, text: str) -> None:
    await applied(world, templates={"web": replace(a_catalog().templates["web"], text=text)})


async def said_of(world: World, deploy: Deploy, base: Base | None, *, unchanged: bool = False) -> Note | None:
    """What people are told of a deploy whose plan replaces that."""
    async with world.store.begin() as tx:
        active = await tx.active_catalog()
        facts = Facts(
            fingerprint=active.fingerprint,
            catalog=active.catalog,
            membership=a_membership(),
            deploy=deploy,
            approvals=(),
        )
        case, plan = Case(tx, facts, world.clock.now()), plan_with(base)
        return await (unchanged_note if unchanged else template_note)(case, plan)


def plan_with(base: Base | None) -> Plan:
    return a_plan(base=base)


def made_by(deploy: Deploy | None) -> Base:
    return Base(state=JobState.RUNNING, deploy=deploy.id if deploy else None)


async def test_the_thread_has_the_templates_difference_with_the_first_plan_of_a_revision(world: World):
    await with_template(world, OLD)
    await succeeded(world)
    await with_template(world, NEW)

    await planned(world)
    await delivered(world)

    (note,) = [note for _, note, _ in world.chat.said if note.text.startswith("The template")]
    assert note.text == "The template web of v1.4.2 r2, compared with that of v1.4.2:"
    assert note.code.splitlines()[-2:] == ["- cpu = 100", "+ cpu = 250"]


async def test_a_version_with_one_text_has_no_difference(world: World):
    assert await said_of(world, await asked(world), None) is None


async def test_it_is_the_difference_to_the_revision_that_runs(world: World):
    await with_template(world, OLD)
    first = await asked(world)
    await with_template(world, NEW)
    second = await asked(world)

    back = await said_of(world, first, made_by(second))
    assert back is not None
    assert back.text == "The template web of v1.4.2, compared with that of v1.4.2 r2:"
    assert "- cpu = 250" in back.code
    # the same revision runs already
    assert await said_of(world, second, made_by(second)) is None
    # nobody knows what runs, or another version does
    assert await said_of(world, first, None) is None
    other = await asked(world, version="v2")
    forward = await said_of(world, second, made_by(other))
    assert forward is not None
    assert forward.text.endswith("compared with that of v1.4.2:")
    outside = await said_of(world, second, made_by(None))
    assert outside == forward


async def test_an_answer_that_nothing_changes_names_the_deploy_that_did_it_and_the_changed_template(world: World):
    maker, deploy = await asked(world), await asked(world, environment="production")

    note = await said_of(world, deploy, made_by(maker), unchanged=True)

    assert note is not None
    assert note.text == (
        "Nothing to do: checkout in production already runs exactly this (v1.4.2, D-2). D-1 deployed it."
    )
    assert note.lines == ()
    await with_template(world, NEW)
    changed = await said_of(world, deploy, made_by(deploy), unchanged=True)
    assert changed is not None
    assert changed.text == "Nothing to do: checkout in production already runs exactly this (v1.4.2, D-2)."
    assert changed.lines[0].startswith("The catalog has another text of the template web now. To deploy that: `/deploy")
    outside = await said_of(world, deploy, made_by(None), unchanged=True)
    assert outside is not None
    assert outside.text == changed.text
