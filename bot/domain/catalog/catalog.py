"""The catalog as validated records, with the lookups that decisions need."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

from bot.domain.access import Grant, Group
from bot.domain.canonical import canonical
from bot.domain.catalog.digest import Digest
from bot.domain.catalog.environment import Cluster, Environment, Rule, Value
from bot.domain.catalog.service import Placement, Service, Template
from bot.domain.documents import document_of

SERVICE_OWNERS = "service.owners"


@dataclass(frozen=True, slots=True, kw_only=True)
class Catalog:
    """A complete, validated catalog. Mappings are keyed by name, in the order of the files."""

    timezone: str
    admin_channel: str | None
    groups: Mapping[str, Group]
    grants: tuple[Grant, ...]
    clusters: Mapping[str, Cluster]
    environments: Mapping[str, Environment]
    templates: Mapping[str, Template]
    services: Mapping[str, Service]
    digests: tuple[Digest, ...] = ()

    def placement(self, service: str, environment: str) -> Placement | None:
        """The service's settings for that environment; None if it is not deployed there."""
        found = self.services.get(service)
        return found.placements.get(environment) if found else None

    def template_for(self, service: str, environment: str) -> Template:
        """The template of the service's job there; ``KeyError`` if the service is not deployed there."""
        placed = self.services[service].placements[environment]
        return self.templates[placed.template or self.services[service].template]

    def channel_for(self, service: str, environment: str) -> str:
        """The Slack channel of a deploy: the placement's, else the environment's."""
        placed = self.placement(service, environment)
        return (placed and placed.channel) or self.environments[environment].channel

    def rules_for(self, service: str, environment: str, *, rollback: bool = False) -> tuple[Rule, ...]:
        """The approval rules of the environment and of the placement; all of them must be met.

        For a ``rollback``, the environment's rules for rollbacks stand in for its approvals, if it has some.
        """
        placed, there = self.placement(service, environment), self.environments[environment]
        instead = there.rollback_approvals if rollback else None
        return (there.approvals if instead is None else instead) + (placed.approvals if placed else ())

    def group_of(self, rule: Rule, service: str) -> Group:
        """The group whose members fill a rule's seats; ``service.owners`` is the group of the service's owners."""
        name = self.services[service].owners if rule.source == SERVICE_OWNERS else rule.source
        return self.groups[name or ""]

    def variables_for(
        self, service: str, environment: str, version: str, overrides: Mapping[str, Value], declared: frozenset[str]
    ) -> dict[str, Value]:
        """The variables for Nomad's parse: template < environment < service < service there < request, and the version.

        ``declared`` are the variables that the template in use declares: an environment's variables only go to
        templates that declare them. All other values of the catalog and the request are passed as they are.
        """
        template = self.template_for(service, environment)
        found = self.services[service]
        shared = {k: v for k, v in self.environments[environment].variables.items() if k in declared}
        placed = found.placements[environment].variables
        return {
            **template.variables,
            **shared,
            **found.variables,
            **placed,
            **overrides,
            found.version_variable: version,
        }

    def final_environments(self) -> frozenset[str]:
        """The environments that no other environment comes after. The digest treats them as production."""
        before = {after.environment for environment in self.environments.values() for after in environment.after}
        return frozenset(self.environments) - before

    @property
    def fingerprint(self) -> str:
        """SHA-256 over the canonical form, in hexadecimal; each decision names the catalog it was made under by it."""
        return hashlib.sha256(canonical(document_of(self))).hexdigest()
