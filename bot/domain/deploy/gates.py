"""The gates of a deploy: what people may request, who approves it, and what blocks it. Each refusal has a reason."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import islice

from bot.domain.access import Group, Membership, Permission, Resource, authorize
from bot.domain.actor import Actor, Operator, human_behind
from bot.domain.catalog.catalog import SERVICE_OWNERS, Catalog
from bot.domain.catalog.environment import Value
from bot.domain.catalog.release import check_version
from bot.domain.decision import Allowed, Decision, Reason, Refused, every, refuse
from bot.domain.deploy.approval import (
    Approval,
    Seat,
    Seating,
    check_wait,
    meetable,
    mentions,
    seat,
)
from bot.domain.deploy.deploy import Deploy, Status
from bot.domain.deploy.turns import turn
from bot.domain.locks import Lock, check_locks
from bot.domain.names import unknown_name

SHORTEST_REASON, LONGEST_REASON = 3, 1000
"""Characters that a person's reason may have; the shortest applies if a reason is required."""
MOST_OPEN, MOST_A_MINUTE = 100, 30
"""How many open deploys a person may have, and how many new ones in a minute: more is a script that ran away."""
RECHECK = timedelta(seconds=60)
"""How often Nomatron checks by itself a waiting deploy's live job and seats."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """What somebody requests; ``environment`` is None if it was left out.

    ``promotes`` is the environment that a promoted release comes from, and ``release`` the fingerprint of that release,
    which is deployed even if the catalog has another template by now. ``automatic``: nobody typed it, so it is made at
    most once for the release there.
    """

    service: str
    version: str
    environment: str | None
    overrides: Mapping[str, Value]
    reason: str | None
    promotes: str = ""
    release: str = ""
    automatic: bool = False

    @property
    def permission(self) -> Permission:
        """The permission that the requester needs."""
        return permission_for(self.promotes)


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """The basis of a decision about a deploy: one catalog, one snapshot of the groups, the plan's approvals."""

    fingerprint: str
    catalog: Catalog
    membership: Membership
    deploy: Deploy
    approvals: tuple[Approval, ...]

    @property
    def seats(self) -> tuple[Seat, ...]:
        """The seats of the deploy's rules, in the order of the rules."""
        return seats_of(self.catalog, self.deploy)

    @property
    def requester(self) -> str | None:
        """The Slack user id of the requester; None if that is not a person."""
        return human_behind(self.deploy.requester)

    @property
    def self_approval(self) -> bool:
        """Whether the requester may approve in this environment."""
        return self.catalog.environments[self.deploy.environment].self_approval

    @property
    def approvers(self) -> tuple[str, ...]:
        """The people whose approval counts now, oldest first: active, and not the requester unless that is allowed."""
        # counted anew at each decision: people leave groups and Slack after they approved
        return tuple(
            approval.user.id
            for approval in self.approvals
            if not approval.void
            and self.membership.counts(approval.user.id)
            and (self.self_approval or approval.user.id != self.requester)
        )

    @property
    def seating(self) -> Seating:
        """Who fills which seat now."""
        return seat(self.seats, self.approvers, self.membership)

    def waited(self, now: datetime) -> Decision:
        """Whether the environment's `wait` after the last approval is over; a rollback does not wait."""
        if self.deploy.rollback is not None:
            return Allowed()
        environment = self.catalog.environments[self.deploy.environment]
        return check_wait(environment, self.seating, self.approvals, self.deploy.blocked, now)

    def may(self, actor: Actor, permission: Permission) -> Decision:
        """Whether the actor has the permission for the deploy's service in its environment."""
        return authorize(
            actor, permission, Resource(self.deploy.service, self.deploy.environment), self.catalog, self.membership
        )


def seats_of(catalog: Catalog, deploy: Deploy) -> tuple[Seat, ...]:
    """The seats of this deploy; none for a rollback that needs no new approvals."""
    if deploy.rollback is not None and deploy.rollback.free:
        return ()
    return seats_for(catalog, deploy.service, deploy.environment, rollback=deploy.rollback is not None)


def seats_for(catalog: Catalog, service: str, environment: str, *, rollback: bool = False) -> tuple[Seat, ...]:
    """One seat for each count of each rule; with ``rollback``, of each rule for rollbacks."""
    seats: list[Seat] = []
    for rule in catalog.rules_for(service, environment, rollback=rollback):
        label = f"owners of {service}" if rule.source == SERVICE_OWNERS else rule.source
        seats += [Seat(label, catalog.group_of(rule, service))] * rule.count
    return tuple(seats)


def interests(catalog: Catalog, service: str, environment: str, *, rollback: bool = False) -> frozenset[str]:
    """Ids of the Slack user groups that decisions about this service there depend on; often none at all."""
    # not all groups of the catalog: each costs a call to Slack, whose rate limits all decisions share
    granted = (
        catalog.groups[grant.group]
        for grant in catalog.grants
        if any(grant.covers(permission, service, environment) for permission in Permission)
    )
    seated = (each.group for each in seats_for(catalog, service, environment, rollback=rollback))
    return frozenset(group.usergroup for group in (*granted, *seated) if group.usergroup)


def fixed_members(catalog: Catalog, service: str, environment: str, *, rollback: bool = False) -> frozenset[str]:
    """Slack users whom the rules name one by one."""
    seats = seats_for(catalog, service, environment, rollback=rollback)
    return frozenset(user for each in seats for user in each.group.users)


# --- what may be requested -------------------------------------------------------------------------------------------


def check_ask(catalog: Catalog, ask: Ask) -> tuple[str, Decision]:
    """The environment of a request, and whether the request is well formed. Needs nothing but the catalog.

    The settings are for ``bot.domain.settings`` to check.
    """
    if ask.service not in catalog.services:
        return "", refuse("unknown-service", unknown_name("service", ask.service, catalog.services))
    placed = catalog.services[ask.service].placements
    if ask.environment is None:
        first = [name for name in placed if not catalog.environments[name].after]
        if len(first) != 1:
            choices = " or ".join(f"`to {name}`" for name in placed)
            return "", refuse("environment-missing", f"Name the environment for {ask.service}: add {choices}.")
        return _check_in(catalog, ask, first[0])
    if ask.environment not in catalog.environments:
        return "", refuse("unknown-environment", unknown_name("environment", ask.environment, placed))
    if ask.environment not in placed:
        return "", refuse(
            "not-deployed-there",
            f"The catalog does not deploy {ask.service} to {ask.environment}. Its environments: {', '.join(placed)}.",
        )
    return _check_in(catalog, ask, ask.environment)


def _check_in(catalog: Catalog, ask: Ask, environment: str) -> tuple[str, Decision]:
    return environment, every([check_version(ask.version), _check_reason(catalog, ask, environment)])


def _check_reason(catalog: Catalog, ask: Ask, environment: str) -> Decision:
    if ask.reason and len(ask.reason) > LONGEST_REASON:
        return refuse("reason-too-long", f"Keep the reason within {LONGEST_REASON} characters.")
    if catalog.environments[environment].reason_required and not (ask.reason and ask.reason.strip()):
        return refuse("reason-missing", f"{environment} requires a reason: add `because TEXT`.")
    return Allowed()


def check_variables(
    values: Mapping[str, Value], declared: frozenset[str], required: frozenset[str], template: str
) -> Decision:
    """Whether the values fit the template: no unknown names, none missing."""
    # Nomad ignores an unknown name, so a typing error would deploy the default (docs/nomad.md, "Unknown variables")
    unknown = sorted(values.keys() - declared)
    missing = sorted(required - values.keys())
    return every(
        [
            refuse("unknown-variable", f"The template {template} declares no variable {', '.join(unknown)}.")
            if unknown
            else Allowed(),
            refuse("missing-variable", f"The template {template} needs a value for {', '.join(missing)}.")
            if missing
            else Allowed(),
        ]
    )


def permission_for(promotes: str) -> Permission:
    """The permission for a request: ``promote`` if it promotes a release from another environment, else ``request``."""
    return Permission.PROMOTE if promotes else Permission.REQUEST


def permission_of(deploy: Deploy) -> Permission:
    """The permission that the requester of this deploy needs."""
    return Permission.ROLLBACK if deploy.rollback is not None else permission_for(deploy.promotes)


def check_requester(
    actor: Actor,
    permission: Permission,
    *,
    service: str,
    environment: str,
    catalog: Catalog,
    membership: Membership,
    seats: tuple[Seat, ...] | None = None,
) -> Decision:
    """Whether this actor may request or promote there, and whether the approval rules could then ever be met.

    ``seats`` are those to fill, None for those of any request there.
    """
    allowed = authorize(actor, permission, Resource(service, environment), catalog, membership)
    if isinstance(allowed, Refused):
        return allowed
    seats = seats_for(catalog, service, environment) if seats is None else seats
    rules = _Rules(seats, membership, catalog.environments[environment].self_approval)
    # now and not at approval: the requester is the one who can still choose somebody else to request it
    decision = rules.meetable_for(human_behind(actor))
    if not isinstance(decision, Refused):
        return decision
    granted = [catalog.groups[each.group] for each in catalog.grants if each.covers(permission, service, environment)]
    return _with_advice(decision, rules.other_requesters(granted, human_behind(actor)))


def check_quota(still_open: int, lately: int) -> Decision:
    """Whether somebody with so many open deploys, and so many requests in the last minute, may request another."""
    decisions: list[Decision] = []
    if still_open >= MOST_OPEN:
        text = (
            f"You have {still_open} open deploys, and {MOST_OPEN} is the most. Withdraw some, or wait until they end."
        )
        decisions.append(refuse("too-many-open", text))
    if lately >= MOST_A_MINUTE:
        text = (
            f"You requested {lately} deploys within a minute, and {MOST_A_MINUTE} is the most. Try again in a minute."
        )
        decisions.append(refuse("too-many-requests", text))
    return every(decisions)


_MOST_OTHERS = 3


@dataclass(frozen=True, slots=True)
class _Rules:
    """The approval rules of a service in an environment, and who is in which group."""

    seats: tuple[Seat, ...]
    membership: Membership
    self_approval: bool

    def meetable_for(self, requester: str | None) -> Decision:
        """Whether all seats could be filled for a deploy that this person requests."""
        return meetable(self.seats, self.membership, requester=requester, self_approval=self.self_approval)

    def other_requesters(self, groups: Iterable[Group], requester: str | None) -> tuple[str, ...]:
        """A few members of the groups who could request the deploy instead, so that it can be approved."""
        users = {user for group in groups for user in self.membership.members(group)} - {requester}
        known = self.membership.people.keys()
        # only people whom Slack was asked about are known; the others may well count
        able = (user for user in sorted(users) if user not in known or self.membership.counts(user))
        return tuple(islice((user for user in able if self.meetable_for(user) == Allowed()), _MOST_OTHERS))


def _with_advice(refusal: Refused, others: tuple[str, ...]) -> Refused:
    advice = (
        "Ask one of these people to request it instead."
        if others
        else "Ask an operator to change the approval rules or the groups."
    )
    return Refused(tuple(replace(reason, text=f"{reason.text} {advice}", users=others) for reason in refusal.reasons))


# --- what blocks a ready deploy --------------------------------------------------------------------------------------


def what_holds(
    deploy: Deploy, others: Sequence[Deploy], locks: Sequence[Lock], catalog: Catalog, now: datetime
) -> Decision:
    """What the database alone tells: whether a lock closes the place, and whether it is the deploy's turn.

    ``others`` are the open deploys of the same service there, ``locks`` the locks on it.
    """
    place = deploy.service, deploy.environment
    return every(
        [
            check_locks(*place, locks, catalog, now, deploy_id=deploy.id, rolls_back=deploy.rolled_back_by),
            turn(deploy, others, now),
        ]
    )


def may_dispatch(facts: Facts, others: Sequence[Deploy], locks: Sequence[Lock], now: datetime) -> Decision:
    """Whether a READY deploy may be dispatched; ``others`` and ``locks`` as in ``what_holds``."""
    decision = _check_dispatch(facts, others, locks, now)
    if isinstance(decision, Allowed):
        return decision
    # the whole channel reads these reasons, so none of them may say "you"
    return Refused(tuple(_of_requester(reason, facts.deploy) for reason in decision.reasons))


def _of_requester(reason: Reason, deploy: Deploy) -> Reason:
    """The reason in words for the channel, if it is about the requester."""
    if reason.code == "no-permission":
        permission = f"`{permission_of(deploy)}` permission for {deploy.service} in {deploy.environment}"
        return replace(reason, text=f"The requester no longer has the {permission}.")
    return replace(reason, text=_REQUESTERS.get(reason.code, reason.text))


_REQUESTERS = {
    "nobody-behind": "The requester is not a person.",
    "person-bot": "The requester is a bot; only people count.",
    "person-deactivated": "The requester's Slack account is deactivated.",
    "person-elsewhere": "The requester is not a member of this Slack workspace.",
    "person-foreign": "The requester belongs to another organisation (Slack Connect).",
    "person-guest": "The requester is now a guest in this Slack workspace.",
    "person-unknown": "Slack does not say right now who the requester is. Nomatron asks again.",
}


def _check_dispatch(facts: Facts, others: Sequence[Deploy], locks: Sequence[Lock], now: datetime) -> Decision:
    deploy = facts.deploy
    return every(
        [
            # an operator on the host needs none, and can only roll back
            Allowed() if isinstance(deploy.requester, Operator) else facts.may(deploy.requester, permission_of(deploy)),
            _check_seats(facts),
            facts.waited(now),
            what_holds(deploy, others, locks, facts.catalog, now),
        ]
    )


def _check_seats(facts: Facts) -> Decision:
    seating = facts.seating
    if seating.complete:
        return Allowed()
    labels = ", ".join(dict.fromkeys(each.label for each in seating.missing))
    return refuse("seats-missing", f"Approval is missing from {labels}.", **mentions(seating.missing))


def not_open(deploy: Deploy, act: str) -> Refused:
    """The refusal of an act on a deploy whose state does not allow it (any more)."""
    done = {"approve": "approved", "reject": "rejected", "withdraw": "withdrawn"}.get(act, "changed")
    match deploy.status:
        case Status.PLANNING:
            text = f"{deploy.number} is still being planned, so it cannot be {done} yet. Wait for the plan."
        case Status.DISPATCHING:
            text = f"{deploy.number} is already on its way to Nomad, so it cannot be {done}."
        case Status.ROLLING:
            text = f"Nomad is already rolling out {deploy.number}, so it cannot be {done}."
        case status:
            text = f"{deploy.number} {_END_WORDS.get(status, f'is {status}')}."
    return refuse(f"cannot-{act}", text)


_END_WORDS = {
    Status.SUCCEEDED: "has already succeeded",
    Status.FAILED: "has already failed",
    Status.REJECTED: "was already rejected",
    Status.EXPIRED: "has already expired",
    Status.WITHDRAWN: "was already withdrawn",
    Status.SUPERSEDED: "was already superseded",
    Status.INVALID: "is invalid: Nomad refused its job",
    Status.UNCHANGED: "has nothing to do: Nomad already runs exactly this",
}
