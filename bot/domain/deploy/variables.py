"""Whether the catalog's values fit a release's template, and whether the catalog has another text of it by now."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from bot.domain.catalog.catalog import Catalog
from bot.domain.catalog.environment import Value
from bot.domain.catalog.release import Release
from bot.domain.decision import Decision, Refused
from bot.domain.deploy.gates import check_variables


def check_values(catalog: Catalog, release: Release, environment: str, overrides: Mapping[str, Value]) -> Decision:
    """Whether the values fit the release's template; refused with the names that do not, and with what to do."""
    values = catalog.variables_for(release.service, environment, release.version, overrides, release.declared)
    fit = check_variables(values, release.declared, release.required, release.template_name)
    newer = newer_template(catalog, release, environment)
    if not isinstance(fit, Refused) or not newer:
        return fit
    template = catalog.template_for(release.service, environment)
    strange = sorted((values.keys() - release.declared) & template.declared)
    remove = f" Or remove {', '.join(strange)} from the catalog." if strange else ""
    ends = {"unknown-variable": remove}
    return Refused(tuple(replace(each, text=f"{each.text} {newer}{ends.get(each.code, '')}") for each in fit.reasons))


def newer_template(catalog: Catalog, release: Release, environment: str) -> str:
    """A sentence if the catalog has another text of the release's template, with the request that deploys it."""
    template = catalog.template_for(release.service, environment)
    if template.name != release.template_name or template.text == release.template:
        return ""
    # where an environment comes before, a request takes a revision that has passed there
    placed = catalog.services[release.service].placements
    first = [name for name in placed if not catalog.environments[name].after]
    commands = " or ".join(f"`/deploy {release.service} {release.version} to {name}`" for name in first)
    return f"The catalog has another text of the template {template.name} now. To deploy that: {commands}."
