"""Checks that templates declare the variables that they are given, and are given those that they need."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.domain.catalog.kind import Mismatch
from bot.gateways.catalog.draft import template_name
from bot.gateways.catalog.issues import quote, suggestion

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bot.domain.catalog.environment import Value
    from bot.domain.catalog.variable import Declaration
    from bot.gateways.catalog.draft import Draft
    from bot.gateways.catalog.issues import Issue
    from bot.gateways.catalog.tree import Node


def undeclared_variables(draft: Draft) -> Iterator[Issue]:
    """Errors: variables that the catalog gives a value or makes settable, but that the template does not declare."""
    for name, entry in draft.templates.items():
        for variable, node in entry.entries("variables").items():
            yield from _undeclared_issues(draft, name, variable, node)
    for service in draft.service_list:
        named = [*service.entries("variables").items(), *draft.settable(service)]
        version = service.get("version_variable")
        if version and version.text is not None:
            named.append((version.text, version))
        for template in sorted(draft.template_names(service)):
            for variable, node in named:
                yield from _undeclared_issues(draft, template, variable, node)
        for placed in service.entries("environments").values():
            for variable, node in placed.entries("variables").items():
                yield from _undeclared_issues(draft, template_name(service, placed), variable, node)


def _undeclared_issues(draft: Draft, template: str, variable: str, node: Node) -> Iterator[Issue]:
    # Nomad ignores variables that the jobspec does not declare, so a typo would deploy the default
    text = draft.texts.get(template)
    if text and variable not in text.declared:
        yield node.issue(
            f"template `{template}` does not declare a variable `{variable}`; {suggestion(variable, text.declared)}"
        )


def mistyped_values(draft: Draft) -> Iterator[Issue]:
    """Errors: values that do not fit the type or the bounds that the template declares for the variable."""
    for template, holder in _holders(draft):
        text = draft.texts.get(template)
        for variable, node in holder.entries("variables").items():
            declared = text.declarations.get(variable) if text else None
            if declared and not _fits(declared, node.plain()):
                yield node.issue(
                    f"`{variable}`: {quote(node.plain())} does not fit the variable of template `{template}`; "
                    f"write {declared.takes or 'text'}"
                )


def _holders(draft: Draft) -> Iterator[tuple[str, Node]]:
    """Each template's name with an entry that gives it variables."""
    yield from draft.templates.items()
    for _, service, environment, placed in draft.placements():
        levels = (draft.environments.get(environment), service, placed)
        yield from ((template_name(service, placed), level) for level in levels if level)


def _fits(declared: Declaration, value: Value) -> bool:
    try:
        declared.fit(value)
    except Mismatch:
        return False
    return True


def unusable_settings(draft: Draft) -> Iterator[Issue]:
    """Errors: variables that are settable twice, and patterns for variables that are no text."""
    for service in draft.service_list:
        first: dict[str, Node] = {}
        for variable, node in draft.settable(service):
            other = first.setdefault(variable, node)
            if other is not node:
                yield node.issue(f"`{variable}` is in `settable` twice (first on line {other.line}); keep one")
        for item in service.items("settable"):
            pattern = item.get("pattern")
            for kind in _kinds(draft, service, item) if pattern else ():
                yield item.issue(
                    f"a pattern is for text, and the template declares a {kind}; "
                    "remove the pattern, and write a `validation` block in the template"
                )


def _kinds(draft: Draft, service: Node, item: Node) -> set[str]:
    """The types, other than text, that the templates of a service declare for a settable variable."""
    name = item.get("name")
    texts = [draft.texts[each] for each in draft.template_names(service) if each in draft.texts]
    declared = [text.declarations.get((name and name.text) or "") for text in texts]
    return {each.kind.name for each in declared if each} - {"string", "any"}


def version_set_twice(draft: Draft) -> Iterator[Issue]:
    """Errors: the variable that takes the version also has a value, or is also settable."""
    for service in draft.service_list:
        version = service.get("version_variable")
        if version is None or version.text is None:
            continue
        for node in _givers(draft, service, version.text):
            yield node.issue(
                f"`{version.text}` is set twice: it is the `version_variable`, so each request sets it to the version; "
                "remove it here, or name another `version_variable`"
            )


def _givers(draft: Draft, service: Node, version: str) -> Iterator[Node]:
    placements = service.entries("environments").items()
    holders = [service, *(placed for _, placed in placements)]
    holders += [draft.templates[each] for each in sorted(draft.template_names(service)) if each in draft.templates]
    holders += [draft.environments[name] for name, _ in placements if name in draft.environments]
    for holder in holders:
        found = holder.entries("variables").get(version)
        if found:
            yield found
    yield from (node for settable, node in draft.settable(service) if settable == version)


def unused_variables(draft: Draft) -> Iterator[Issue]:
    """Warnings: variables of an environment that no template used there declares."""
    for name, environment in draft.environments.items():
        used = {template_name(service, placed) for _, service, there, placed in draft.placements() if there == name}
        if not used <= draft.texts.keys():
            continue
        declared = {variable for template in used for variable in draft.texts[template].declared}
        for variable, node in environment.entries("variables").items():
            if variable not in declared:
                yield node.issue(
                    f"no template used in {name} declares `{variable}`, so this value has no effect; "
                    f"{suggestion(variable, declared)}"
                )


def missing_variables(draft: Draft) -> Iterator[Issue]:
    """Warnings: variables without a default or a value that no request may set, so every plan would fail."""
    for name, service, environment, placed in draft.placements():
        template = template_name(service, placed)
        text = draft.texts.get(template)
        if text is None:
            continue
        levels = [draft.templates[template], draft.environments.get(environment), service, placed]
        given = {variable for level in levels if level for variable in level.entries("variables")}
        given |= {variable for variable, _ in draft.settable(service)}
        version = service.get("version_variable")
        missing = sorted(text.required - given - {version.text if version else None})
        if missing:
            listed = ", ".join(f"`{variable}`" for variable in missing)
            yield placed.issue(
                f"every plan of {name} in {environment} will fail: template `{template}` needs values for {listed}; "
                "add them under `variables`, or make them `settable`"
            )
