"""The rules that a schema cannot state: each check reads the whole draft and yields every issue that it finds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.gateways.catalog.checks import approvals, hygiene, jobs, names, order, references, variables

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from bot.gateways.catalog.draft import Draft
    from bot.gateways.catalog.issues import Issue

    Check = Callable[[Draft], Iterator[Issue]]

ERRORS: tuple[Check, ...] = (
    names.duplicate_names,
    names.ambiguous_names,
    names.shared_channels,
    references.unknown_groups,
    references.unknown_templates,
    references.unknown_clusters,
    references.unknown_environments,
    references.unknown_services,
    order.cycles,
    order.unreachable_environments,
    order.automatic_without_before,
    jobs.shared_jobs,
    variables.undeclared_variables,
    variables.mistyped_values,
    variables.unusable_settings,
    variables.version_set_twice,
    approvals.services_without_owners,
    approvals.impossible_rules,
)

WARNINGS: tuple[Check, ...] = (
    approvals.rules_impossible_for_some,
    variables.unused_variables,
    variables.missing_variables,
    hygiene.plain_http,
    hygiene.secrets,
    hygiene.secret_settings,
    hygiene.ungranted_permissions,
)
