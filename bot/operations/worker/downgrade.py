"""A plan that goes back to an older version says so, before anything is sent to Nomad."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from bot.domain.deploy.plan import Change, Flag
from bot.domain.deploy.versions import is_older
from bot.domain.jobdiff.changes import by_danger

if TYPE_CHECKING:
    from bot.domain.deploy.deploy import Deploy
    from bot.domain.deploy.plan import Plan
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
