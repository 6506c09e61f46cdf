"""Whether the catalog's values fit the template that a version was first requested with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from bot.domain.catalog.catalog import Catalog
from bot.domain.catalog.environment import Value
from bot.domain.catalog.release import Release
from bot.domain.decision import Decision, Reason, Refused
from bot.domain.deploy.gates import check_variables


def check_values(catalog: Catalog, release: Release, environment: str, overrides: Mapping[str, Value]) -> Decision:
    """Whether the values fit the release's template; refused with the names that do not, and with what to do."""
    values = catalog.variables_for(release.service, environment, release.version, overrides, release.declared)
    fit = check_variables(values, release.declared, release.required, release.template_name)
    template = catalog.template_for(release.service, environment)
    if not isinstance(fit, Refused) or template.text == release.template:
        return fit
    strange = sorted((values.keys() - release.declared) & template.declared)
    return Refused(tuple(_explain(reason, release, strange) for reason in fit.reasons))


def _explain(reason: Reason, release: Release, strange: list[str]) -> Reason:
    """The reason, with the fact that the release has an older template than the catalog."""
    remove = (
        f", or remove {', '.join(strange)} from the catalog" if strange and reason.code == "unknown-variable" else ""
    )
    words = (
        f"{reason.text} {release.version} still has the template that it was first requested with, and the catalog's "
        f"template has changed since. Request another version{remove}."
    )
    return replace(reason, text=words)
