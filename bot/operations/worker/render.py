"""Render a deploy's job: the template and variables through Nomad's own parser, then the live counts."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bot.domain.catalog.service import UNADDRESSABLE
from bot.domain.decision import Refused, every
from bot.domain.deploy.plan import same_kind, with_live_counts, without_server_fields
from bot.domain.deploy.variables import check_values
from bot.domain.settings import check_settings, typed_settings
from bot.errors import NomadRefused
from bot.operations.deploys.target import Target  # noqa: TC001

if TYPE_CHECKING:
    from bot.domain.catalog.catalog import Catalog
    from bot.domain.catalog.release import Release
    from bot.domain.deploy.deploy import Deploy
    from bot.domain.deploy.plan import Job

AGAIN_KEY = "nomatron_again"
"""The Meta key of a forced redeploy: a changed Meta replaces every allocation (docs/nomad.md, "Meta changes")."""


_UNNAMED = frozenset({None, "", "default", "global"})
"""What Nomad's parser leaves or fills in if a jobspec names no namespace or region."""


@dataclass(frozen=True, slots=True)
class Rendered:
    """The job to register, and the live job (None if there is none).

    ``overruled`` has a sentence for each place that the template names and the catalog does not.
    """

    job: Job
    live: Job | None
    overruled: tuple[str, ...] = ()


async def render(target: Target, catalog: Catalog, deploy: Deploy, release: Release) -> Rendered:
    """Render the job, once for each plan: a second parse may differ (docs/nomad.md, "Rendering twice").

    Raises ``NomadRefused``, with a sentence for each problem, for settings and variables that do not fit, a jobspec
    that Nomad refuses, and a change of the job's type that a register would refuse. Raises ``NomadUnavailable`` and
    ``NomadForbidden``.
    """
    values = catalog.variables_for(
        deploy.service, deploy.environment, deploy.version, deploy.overrides, release.declared
    )
    _require_fit(catalog, deploy, release)
    _require_addressable(target.job_id)
    parsed = await target.nomad.parse(release.template, values, target.namespace)
    _require_addressable(parsed["ID"])
    live = await target.nomad.job(target.namespace, target.job_id)
    job = with_live_counts(_with_target(without_server_fields(parsed), target, deploy), live)
    problems = same_kind(job, live)
    if problems:
        raise NomadRefused(*problems)
    return Rendered(job, live, _overruled(parsed, job))


def render_frozen(frozen: str, live: Job | None, target: Target, deploy: Deploy) -> Rendered:
    """The stored job of a rollback, with the live counts of scaled groups: nothing is rendered anew.

    Raises ``NomadRefused`` if it is no longer stored, or if a register would refuse the change of the job's type.
    """
    if not frozen:
        raise NomadRefused("The job to go back to is no longer kept.", by="Nomatron")
    job = with_live_counts(_with_target(json.loads(frozen), target, deploy), live)
    problems = same_kind(job, live)
    if problems:
        raise NomadRefused(*problems)
    return Rendered(job, live)


def _require_addressable(job_id: str) -> None:
    if job_id in UNADDRESSABLE:
        raise NomadRefused(f"The job id `{job_id}` cannot be used: rename the job", by="Nomatron")


def _overruled(parsed: Job, job: Job) -> tuple[str, ...]:
    """What the template says about where the job goes, and the catalog says otherwise."""
    said = [(name, parsed.get(name), job.get(name)) for name in ("Namespace", "Region")]
    return tuple(
        f"The template names {name.casefold()} `{named}`; the catalog's `{used}` is used."
        for name, named, used in said
        if named not in _UNNAMED and named != used
    )


def _require_fit(catalog: Catalog, deploy: Deploy, release: Release) -> None:
    """Check the values again: the catalog may have changed, and an older version may have recorded the request."""
    fit = every(
        [
            check_settings(catalog, deploy.service, deploy.environment, deploy.overrides),
            typed_settings(catalog, release, deploy.environment, deploy.overrides)[1],
            check_values(catalog, release, deploy.environment, deploy.overrides),
        ]
    )
    if isinstance(fit, Refused):
        raise NomadRefused(*(reason.text for reason in fit.reasons), by="Nomatron")


def _with_target(job: Job, target: Target, deploy: Deploy) -> Job:
    """The parsed job with the catalog's id, namespace and region, and the nonce of a forced redeploy."""
    # the catalog decides where a deploy goes, whatever the template says: approvals and permissions depend on it
    placed = {**job, "ID": target.job_id, "Name": target.job_id, "Namespace": target.namespace}
    if target.cluster.region:
        placed["Region"] = target.cluster.region
    if deploy.nonce:
        placed["Meta"] = {**(job.get("Meta") or {}), AGAIN_KEY: deploy.nonce}
    return placed
