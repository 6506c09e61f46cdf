"""Checks that the approval rules can be met, as far as that can be known without asking Slack."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from bot.domain.access import Group, Membership, Permission
from bot.domain.catalog.catalog import SERVICE_OWNERS
from bot.domain.deploy.approval import Seat, seat

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bot.gateways.catalog.draft import Draft
    from bot.gateways.catalog.issues import Issue
    from bot.gateways.catalog.tree import Node

# A requester who is in no group that a rule names.
OUTSIDER = ""

# Slack need not be asked who is in a fixed list, so this snapshot is empty.
_NO_ANSWER = Membership(team="", at=datetime(1970, 1, 1, tzinfo=UTC), usergroups={}, people={})


def services_without_owners(draft: Draft) -> Iterator[Issue]:
    """Errors: services without owners, in environments whose rules need approvals from the owners."""
    for name, service, environment, placed in draft.placements():
        there = draft.environments.get(environment)
        own = (*there.items("approvals"), *there.items("rollback_approvals")) if there else ()
        rules = (*own, *placed.items("approvals"))
        if service.get("owners") is None and any(_source(rule) == SERVICE_OWNERS for rule in rules):
            yield placed.issue(
                f"{environment} needs approvals from {SERVICE_OWNERS}, but {name} has no owners; add `owners` to {name}"
            )


def impossible_rules(draft: Draft) -> Iterator[Issue]:
    """Errors: rules over fixed lists that no requester can ever meet."""
    for each in _approvability(draft):
        if not each.approvable:
            yield each.placed.issue(
                f"nobody could ever get {each.service} approved in {each.environment}: the rules need "
                f"{each.seats} approvals from fixed lists, and one person can give only one{each.except_own}; "
                "add people to the lists, or lower a `count`"
            )


def rules_impossible_for_some(draft: Draft) -> Iterator[Issue]:
    """Warnings: rules over fixed lists that only some requesters can meet."""
    for each in _approvability(draft):
        if each.approvable and each.unapprovable:
            yield each.placed.issue(
                f"a request by {' or '.join(each.unapprovable)} for {each.service} in {each.environment} can never be "
                f"approved: the rules need {each.seats} approvals from fixed lists, and the requester cannot give one; "
                "add people to the lists, or lower a `count`"
            )


@dataclass(frozen=True, slots=True)
class _Approvability:
    """The rules over fixed lists for one service in one environment, and whose requests could be approved there."""

    service: str
    environment: str
    placed: Node
    seats: int
    self_approval: bool
    approvable: list[str]
    unapprovable: list[str]

    @property
    def except_own(self) -> str:
        return "" if self.self_approval else " (the requester none)"


def _approvability(draft: Draft) -> Iterator[_Approvability]:
    lists = {name: _fixed_list(name, group) for name, group in draft.groups.items()}
    for name, service, environment, placed in draft.placements():
        there = draft.environments.get(environment)
        if there is None:
            continue
        own = there.get("self_approval")
        self_approval = bool(own and own.content is True)
        seats = _seats(service, there, placed, lists)
        approvable: list[str] = []
        unapprovable: list[str] = []
        for requester in sorted(_requesters(draft, lists, name, environment)):
            can = _can_fill(seats, None if self_approval else requester)
            (approvable if can else unapprovable).append(requester)
        yield _Approvability(name, environment, placed, len(seats), self_approval, approvable, unapprovable)


def _can_fill(seats: list[Seat], without: str | None) -> bool:
    """Whether all seats are filled if everybody in the lists approves, except ``without``."""
    everybody = {user for each in seats for user in each.group.users}
    return seat(seats, sorted(everybody - {without}), _NO_ANSWER).complete


def _seats(service: Node, there: Node, placed: Node, lists: dict[str, Group]) -> list[Seat]:
    """The seats for people in fixed lists. Only Slack knows who is in a user group, so those wait for a request."""
    return [
        Seat(source, lists[source])
        for source, count in _rules(service, there, placed)
        if source in lists and lists[source].users
        for _ in range(count)
    ]


def _fixed_list(name: str, group: Node) -> Group:
    return Group(name, users=frozenset(user for user, _ in group.texts("users")))


def _rules(service: Node, there: Node, placed: Node) -> Iterator[tuple[str, int]]:
    owners = service.get("owners")
    for rule in (*there.items("approvals"), *placed.items("approvals")):
        count = rule.get("count")
        seats = count.content if count and isinstance(count.content, int) else 1
        source = _source(rule)
        # a count beyond any list is as impossible as one more than the schema allows
        yield ((owners and owners.text) or "") if source == SERVICE_OWNERS else source, min(seats, 21)


def _source(rule: Node) -> str:
    found = rule.get("from")
    return (found and found.text) or ""


def _requesters(draft: Draft, lists: dict[str, Group], service: str, environment: str) -> set[str]:
    """Who might request there: the people in the lists, or anybody if a user group may request or nobody may yet."""
    found: set[str] = set()
    for role in draft.main.items("roles"):
        group = role.get("group")
        if Permission.REQUEST in dict(role.texts("may")) and covers(role, service, environment):
            users = lists[group.text].users if group and group.text in lists else frozenset[str]()
            if not users:
                return _anybody(lists)
            found |= users
    return found or _anybody(lists)


def _anybody(lists: dict[str, Group]) -> set[str]:
    return {OUTSIDER, *(user for group in lists.values() for user in group.users)}


def covers(role: Node, service: str, environment: str) -> bool:
    """Whether a role covers that service in that environment; a role without either covers everything."""
    return all(
        role.get(key) is None or name in dict(role.texts(key))
        for key, name in (("services", service), ("environments", environment))
    )
