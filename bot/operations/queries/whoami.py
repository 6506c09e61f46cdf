"""Whoami: a person's groups, permissions, and what they can approve, as of now."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.domain.access import Holding, Whoami
from bot.domain.actor import human_behind
from bot.domain.decision import Refused, refuse
from bot.domain.deploy.gates import seats_for
from bot.operations.deploys.decide import ask_membership

if TYPE_CHECKING:
    from bot.domain.access import Membership
    from bot.domain.actor import Actor
    from bot.domain.catalog.catalog import Catalog
    from bot.ports import Ports


async def whoami(ports: Ports, actor: Actor) -> Whoami | Refused:
    """A person's standing, groups and permissions by the active catalog and Slack; refused if it is no person."""
    user = human_behind(actor)
    if user is None:
        return refuse("nobody-behind", "This identity belongs to no person, so it has no groups in Slack.")
    async with ports.store.read() as reading:
        catalog = (await reading.active_catalog()).catalog
    usergroups = [group.usergroup for group in catalog.groups.values() if group.usergroup]
    membership = await ask_membership(ports, usergroups, [user])
    return membership if isinstance(membership, Refused) else _whoami(user, catalog, membership)


def _whoami(user: str, catalog: Catalog, membership: Membership) -> Whoami:
    groups = tuple(name for name, group in catalog.groups.items() if user in membership.members(group))
    holdings = tuple(
        Holding(
            tuple(sorted(grant.may)),
            tuple(sorted(grant.environments)) if grant.environments is not None else None,
            tuple(sorted(grant.services)) if grant.services is not None else None,
        )
        for grant in catalog.grants
        if grant.group in groups
    )
    seats = tuple(
        (service.name, environment)
        for service in catalog.services.values()
        for environment in service.placements
        if any(user in membership.members(each.group) for each in seats_for(catalog, service.name, environment))
    )
    return Whoami(user, membership.standing(user), groups, holdings, seats)
