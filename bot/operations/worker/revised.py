"""What people are told of a plan's release: an older version, a changed template, and that nothing would change."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from bot.domain.catalog.release import release_name
from bot.domain.deploy.message import Note
from bot.domain.deploy.plan import Change, Flag
from bot.domain.deploy.variables import newer_template
from bot.domain.deploy.versions import is_older
from bot.domain.jobdiff.changes import by_danger
from bot.domain.jobdiff.template import template_diff
from bot.domain.rollback import place_of
from bot.operations.require import require

if TYPE_CHECKING:
    from bot.domain.catalog.release import Release
    from bot.domain.deploy.deploy import Deploy
    from bot.domain.deploy.plan import Plan
    from bot.operations.deploys.decide import Case
    from bot.ports.store import Reading


async def with_downgrade(reading: Reading, deploy: Deploy, plan: Plan) -> Plan:
    """The plan, with a flagged change and a warning if it replaces a newer version by an older one."""
    replaced = plan.from_version
    if replaced is None or replaced == deploy.version:
        return plan
    place = deploy.service, deploy.environment
    first = [await reading.first_landed(*place, version) for version in (deploy.version, replaced)]
    if not is_older(deploy.version, replaced, [run for run in first if run is not None]):
        return plan
    change = Change(path=("version",), kind="Edited", old=replaced, new=deploy.version, flags=(Flag.OLDER_VERSION,))
    warning = f"It replaces {replaced} by the older {deploy.version}."
    return replace(plan, changes=by_danger((change, *plan.changes)), warnings=(warning, *plan.warnings))


async def template_note(case: Case, plan: Plan) -> Note | None:
    """The difference to the template that runs there, or to the revision before; None if the version has one text."""
    deploy, tx = case.deploy, case.tx
    if not deploy.release:
        return None
    release = require(await tx.release(deploy.release), f"the release of {deploy.number}")
    known = await tx.revisions(release.service, release.version, release.template_name)
    if len(known) == 1:
        return None
    number = await _running(case, plan, known) or deploy.revision - 1
    if number in {0, deploy.revision}:
        return None
    diff = template_diff(known[number - 1].template, release.template)
    before = release_name(deploy.version, number)
    text = f"The template {release.template_name} of {deploy.release_name}, compared with that of {before}:"
    return Note(text=text, code=diff)


async def _running(case: Case, plan: Plan, known: tuple[Release, ...]) -> int | None:
    """The revision that the plan replaces; None if another version runs there, or nobody knows."""
    source = await case.tx.deploy(plan.base.deploy) if plan.base and plan.base.deploy else None
    texts = [release.fingerprint for release in known]
    return texts.index(source.release) + 1 if source is not None and source.release in texts else None


async def unchanged_note(case: Case, plan: Plan) -> Note:
    """The answer to a request that changes nothing: the deploy that made what runs, and a changed template."""
    deploy = case.deploy
    if deploy.rollback is not None:
        return _nothing_to_undo(deploy, plan)
    release = require(await case.tx.release(deploy.release), f"the release of {deploy.number}")
    # never the deploy itself: it has not registered anything
    maker = plan.base.deploy if plan.base else None
    by = f" D-{maker} deployed it." if maker is not None and maker != deploy.id else ""
    newer = newer_template(case.facts.catalog, release, deploy.environment)
    return Note(
        text=f"Nothing to do: {deploy.service} in {deploy.environment} already runs exactly this "
        f"({deploy.release_name}, {deploy.number}).{by}",
        lines=(newer,) if newer else (),
        action=("Deploy again anyway", "deploy.again", f"{deploy.number}:{plan.number}"),
    )


def _nothing_to_undo(deploy: Deploy, plan: Plan) -> Note:
    """The answer to a rollback that changes nothing: Nomad or somebody has gone back already. Its lock stays."""
    place = place_of(deploy)
    by = "A revert in Nomad has restored it. " if plan.base and plan.base.reverted else ""
    return Note(
        text=f"Nothing to do: {place} already runs what {deploy.number} would go back to ({deploy.release_name}). {by}"
        f"The lock on {place} stays: `/deploy unlock {place} because TEXT`."
    )
