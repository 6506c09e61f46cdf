"""Whether the catalog's values fit the template text that a version keeps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from bot.domain.catalog.catalog import Catalog
from bot.domain.catalog.environment import Value
from bot.domain.catalog.release import Release
from bot.domain.decision import Decision, Reason, Refused
from bot.domain.deploy.gates import check_variables


def check_values(catalog: Catalog, release: Release, environment: str, overrides: Mapping[str, Value]) -> Decision:
    """Refused with the names that do not fit, and with what to do where the catalog's own text would take them."""
    values = catalog.variables_for(release.service, environment, release.version, overrides, release.declared)
    fit = check_variables(values, release.declared, release.required, release.template_name)
    template = catalog.template_for(release.service, environment)
    if not isinstance(fit, Refused) or template.text == release.template:
        return fit
    strange = sorted((values.keys() - release.declared) & template.declared)
    return Refused(tuple(_kept(reason, release, strange) for reason in fit.reasons))


def _kept(reason: Reason, release: Release, strange: list[str]) -> Reason:
    mend = f", or take {', '.join(strange)} out of the catalog" if strange and reason.code == "unknown-variable" else ""
    words = (
        f"{reason.text} {release.version} keeps the template that it was first requested with, which is not the "
        f"catalog's any more: request another version{mend}."
    )
    return replace(reason, text=words)
