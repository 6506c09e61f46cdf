"""Approval rules that can be met, as far as that can be known without asking Slack."""

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
    from bot.gateways.catalog.findings import Finding
    from bot.gateways.catalog.tree import Node

# Nobody: a requester who is in no group that a rule names.
OUTSIDER = ""

# Fixed lists need no answer from Slack, so this one has none.
_NO_ANSWER = Membership(team="", at=datetime(1970, 1, 1, tzinfo=UTC), usergroups={}, people={})


def ownerless(draft: Draft) -> Iterator[Finding]:
    """Services without owners where a rule wants them."""
    for name, service, environment, placed in draft.placements():
        there = draft.environments.get(environment)
        rules = (*(there.items("approvals") if there else ()), *placed.items("approvals"))
        if service.get("owners") is None and any(_source(rule) == SERVICE_OWNERS for rule in rules):
            yield placed.finding(
                f"{environment} wants approvals from {SERVICE_OWNERS} and {name} has none; add `owners` to {name}"
            )


def unmeetable(draft: Draft) -> Iterator[Finding]:
    """Rules over fixed lists that no requester can ever meet."""
    for judged in _judged(draft):
        if not judged.able:
            yield judged.placed.finding(
                f"no request can ever be approved for {judged.service} in {judged.environment}: the rules have "
                f"{judged.seats} seats over fixed lists and one person fills one seat{judged.besides}; "
                "add people to the lists, or lower a `count`"
            )


def unmeetable_for_some(draft: Draft) -> Iterator[Finding]:
    """Warnings: rules over fixed lists that only some requesters can meet."""
    for judged in _judged(draft):
        if judged.able and judged.unable:
            yield judged.placed.finding(
                f"what {', '.join(judged.unable)} asks for {judged.service} in {judged.environment} can never be "
                f"approved: the rules have {judged.seats} seats over fixed lists, without the requester's own; "
                "add people to the lists, or lower a `count`"
            )


@dataclass(frozen=True, slots=True)
class _Judged:
    """One placement's rules over fixed lists, and who could have a request of theirs approved."""

    service: str
    environment: str
    placed: Node
    seats: int
    self_approval: bool
    able: list[str]
    unable: list[str]

    @property
    def besides(self) -> str:
        return "" if self.self_approval else ", the requester none"


def _judged(draft: Draft) -> Iterator[_Judged]:
    lists = {name: _listed(name, group) for name, group in draft.groups.items()}
    for name, service, environment, placed in draft.placements():
        there = draft.environments.get(environment)
        if there is None:
            continue
        own = there.get("self_approval")
        self_approval = bool(own and own.content is True)
        seats = _seats(service, there, placed, lists)
        able: list[str] = []
        unable: list[str] = []
        for requester in sorted(_requesters(draft, lists, name, environment)):
            (able if _met(seats, None if self_approval else requester) else unable).append(requester)
        yield _Judged(name, environment, placed, len(seats), self_approval, able, unable)


def _met(seats: list[Seat], without: str | None) -> bool:
    """Whether everybody in the lists, but for one, would fill all seats."""
    everybody = {user for each in seats for user in each.group.users}
    return seat(seats, sorted(everybody - {without}), _NO_ANSWER).complete


def _seats(service: Node, there: Node, placed: Node, lists: dict[str, Group]) -> list[Seat]:
    """The seats over fixed lists; those of user groups could be anybody's, and are judged when somebody asks."""
    return [
        Seat(source, lists[source])
        for source, count in _rules(service, there, placed)
        if source in lists and lists[source].users
        for _ in range(count)
    ]


def _listed(name: str, group: Node) -> Group:
    return Group(name, users=frozenset(user for user, _ in group.texts("users")))


def _rules(service: Node, there: Node, placed: Node) -> Iterator[tuple[str, int]]:
    owners = service.get("owners")
    for rule in (*there.items("approvals"), *placed.items("approvals")):
        count = rule.get("count")
        seats = count.content if count and isinstance(count.content, int) else 1
        source = _source(rule)
        # a count beyond any list is as unmeetable as one more than the schema allows
        yield ((owners and owners.text) or "") if source == SERVICE_OWNERS else source, min(seats, 21)


def _source(rule: Node) -> str:
    found = rule.get("from")
    return (found and found.text) or ""


def _requesters(draft: Draft, lists: dict[str, Group], service: str, environment: str) -> set[str]:
    """Who might request there: the lists' people, or anybody where a user group may, or where nobody may yet."""
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
    """Whether a role is about that service there; without `services` or `environments` it is about all."""
    return all(
        role.get(key) is None or name in dict(role.texts(key))
        for key, name in (("services", service), ("environments", environment))
    )
