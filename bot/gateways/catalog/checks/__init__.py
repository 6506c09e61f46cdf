"""What a catalog must hold beyond its form: each check reads the whole draft and yields every finding it has."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.gateways.catalog.checks import approvals, hygiene, jobs, names, order, references, variables

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from bot.gateways.catalog.draft import Draft
    from bot.gateways.catalog.findings import Finding

    Check = Callable[[Draft], Iterator[Finding]]

ERRORS: tuple[Check, ...] = (
    names.duplicates,
    names.mistakable,
    names.shared_channels,
    references.unknown_groups,
    references.unknown_templates,
    references.unknown_clusters,
    references.unknown_environments,
    references.unknown_services,
    order.cycles,
    order.unreachable,
    jobs.shared_jobs,
    variables.undeclared,
    variables.version_given_twice,
    approvals.ownerless,
    approvals.unmeetable,
)

WARNINGS: tuple[Check, ...] = (
    approvals.unmeetable_for_some,
    variables.passed_to_nobody,
    variables.never_given,
    hygiene.plain_http,
    hygiene.secrets,
    hygiene.held_by_nobody,
)
