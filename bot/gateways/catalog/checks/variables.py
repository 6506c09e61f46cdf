"""Variables: what is passed to a template is declared by it, and given once on each level."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.gateways.catalog.draft import template_name
from bot.gateways.catalog.findings import suggestion

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bot.gateways.catalog.draft import Draft
    from bot.gateways.catalog.findings import Finding
    from bot.gateways.catalog.tree import Node


def undeclared(draft: Draft) -> Iterator[Finding]:
    """Variables that a template, service or placement gives, or lets be set, and that a template in use lacks."""
    for name, entry in draft.templates.items():
        for variable, node in entry.entries("variables").items():
            yield from _undeclared(draft, name, variable, node)
    for service in draft.service_list:
        named = [*service.entries("variables").items(), *service.texts("settable")]
        version = service.get("version_variable")
        if version and version.text is not None:
            named.append((version.text, version))
        for template in sorted(draft.template_names(service)):
            for variable, node in named:
                yield from _undeclared(draft, template, variable, node)
        for placed in service.entries("environments").values():
            for variable, node in placed.entries("variables").items():
                yield from _undeclared(draft, template_name(service, placed), variable, node)


def _undeclared(draft: Draft, template: str, variable: str, node: Node) -> Iterator[Finding]:
    # Nomad's parse ignores what is not declared, so a typing error would deploy the default
    text = draft.texts.get(template)
    if text and variable not in text.declared:
        yield node.finding(
            f"template `{template}` declares no variable `{variable}`; {suggestion(variable, text.declared)}"
        )


def version_given_twice(draft: Draft) -> Iterator[Finding]:
    """The variable that the version goes into, given a value or made settable besides."""
    for service in draft.service_list:
        version = service.get("version_variable")
        if version is None or version.text is None:
            continue
        for node in _givers(draft, service, version.text):
            yield node.finding(
                f"`{version.text}` is set twice: a request's version goes into it; take it out here, or name another "
                "`version_variable`"
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
    yield from (node for settable, node in service.texts("settable") if settable == version)


def passed_to_nobody(draft: Draft) -> Iterator[Finding]:
    """Warnings: an environment's variables that no template of a service there declares."""
    for name, environment in draft.environments.items():
        used = {template_name(service, placed) for _, service, there, placed in draft.placements() if there == name}
        if not used <= draft.texts.keys():
            continue
        declared = {variable for template in used for variable in draft.texts[template].declared}
        for variable, node in environment.entries("variables").items():
            if variable not in declared:
                yield node.finding(
                    f"no template of a service in {name} declares `{variable}`, so it is passed to none; "
                    f"{suggestion(variable, declared)}"
                )


def never_given(draft: Draft) -> Iterator[Finding]:
    """Warnings: variables without a default that nothing gives and no request may set, so every plan would fail."""
    for name, service, environment, placed in draft.placements():
        template = template_name(service, placed)
        text = draft.texts.get(template)
        if text is None:
            continue
        levels = [draft.templates[template], draft.environments.get(environment), service, placed]
        given = {variable for level in levels if level for variable in level.entries("variables")}
        given |= {variable for variable, _ in service.texts("settable")}
        version = service.get("version_variable")
        missing = sorted(text.required - given - {version.text if version else None})
        if missing:
            listed = ", ".join(f"`{variable}`" for variable in missing)
            yield placed.finding(
                f"nothing gives {name} in {environment} the variables that template `{template}` needs: {listed}; "
                "write them under `variables`, or make them `settable`"
            )
