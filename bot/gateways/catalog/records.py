"""Turns validated files into the domain's records. This never fails: every file that fits the schema has a record."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.domain.access import Grant, Group
from bot.domain.catalog.catalog import Catalog
from bot.domain.catalog.digest import Digest
from bot.domain.catalog.environment import After, Cluster, Environment, Require, Rule, Versions
from bot.domain.catalog.service import Placement, Service, Template

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from bot.gateways.catalog import schema
    from bot.gateways.catalog.templates import TemplateText


def catalog(
    main: schema.CatalogFile, files: Iterable[schema.ServicesFile], texts: Mapping[str, TemplateText]
) -> Catalog:
    """The catalog's record; ``texts`` holds the text of every template."""
    services = [*main.services, *(service for file in files for service in file.services)]
    return Catalog(
        timezone=main.timezone,
        admin_channel=main.admin_channel,
        groups={name: _group(name, part) for name, part in main.groups.items()},
        grants=tuple(_grant(part) for part in main.roles),
        clusters={name: _cluster(name, part) for name, part in main.clusters.items()},
        environments={part.name: _environment(part) for part in main.environments},
        templates={name: _template(name, part, texts[name]) for name, part in main.templates.items()},
        services={part.name: _service(part) for part in services},
        digests=tuple(_digest(part) for part in main.digests),
    )


def _group(name: str, part: schema.GroupPart) -> Group:
    return Group(name, part.usergroup, frozenset(part.users or ()))


def _grant(part: schema.RolePart) -> Grant:
    return Grant(part.group, frozenset(part.may), _scope(part.environments), _scope(part.services))


def _scope(names: Sequence[str] | None) -> frozenset[str] | None:
    return None if names is None else frozenset(names)


def _cluster(name: str, part: schema.ClusterPart) -> Cluster:
    return Cluster(
        name=name,
        address=part.address.rstrip("/"),
        region=part.region,
        token_env=part.token_env,
        ca_file=part.ca_file,
        ui=part.ui.rstrip("/") if part.ui else None,
    )


def _rules(parts: Iterable[schema.RulePart]) -> tuple[Rule, ...]:
    return tuple(Rule(part.source, part.count) for part in parts)


def _environment(part: schema.EnvironmentPart) -> Environment:
    return Environment(
        name=part.name,
        cluster=part.cluster,
        namespace=part.namespace,
        channel=part.channel,
        variables=part.variables,
        approvals=_rules(part.approvals),
        self_approval=part.self_approval,
        expires=part.expires,
        reason_required=part.reason == "required",
        after=tuple(
            After(environment=each.environment, soak=each.soak, require=Require(each.require), within=each.within)
            for each in part.after
        ),
        auto=part.auto,
        supersede=part.supersede,
        logs=part.logs,
        rollback_window=part.rollback_window,
        rollback_approvals=None if part.rollback_approvals is None else _rules(part.rollback_approvals),
        versions=_versions(part.versions),
        wait=part.wait,
    )


def _versions(part: schema.VersionsPart | None) -> Versions:
    return Versions(allow=tuple(part.allow or ()), deny=tuple(part.deny or ())) if part else Versions()


def _digest(part: schema.DigestPart) -> Digest:
    environments = None if part.environments is None else tuple(part.environments)
    return Digest(channel=part.channel, at=part.at, environments=environments, timezone=part.timezone or "")


def _template(name: str, part: schema.TemplatePart, text: TemplateText) -> Template:
    return Template(
        name=name,
        file=part.file,
        text=text.text,
        declared=text.declared,
        required=text.required,
        variables=part.variables,
        declarations=text.declarations,
    )


def _service(part: schema.ServicePart) -> Service:
    return Service(
        name=part.name,
        template=part.template,
        owners=part.owners,
        job=part.job or part.name,
        version_variable=part.version_variable,
        compare=part.compare,
        variables=part.variables,
        settable=frozenset(each.name for each in part.settable),
        patterns={each.name: each.pattern for each in part.settable if each.pattern},
        show=frozenset(part.show),
        placements={name: _placement(name, placed) for name, placed in part.environments.items()},
    )


def _placement(name: str, part: schema.PlacementPart | None) -> Placement:
    if part is None:
        return Placement(environment=name, variables={})
    return Placement(
        environment=name,
        variables=part.variables,
        approvals=_rules(part.approvals),
        channel=part.channel,
        template=part.template,
    )
