"""The gates around a deploy: what may be asked, who sits where, and what holds it back. Every rule keeps its reason."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from bot.domain.access import Membership, Permission, authorize
from bot.domain.actor import Actor, human_behind
from bot.domain.catalog.catalog import SERVICE_OWNERS, Catalog
from bot.domain.catalog.environment import Value
from bot.domain.catalog.release import check_version
from bot.domain.decision import Allowed, Decision, Reason, Refused, every, refuse
from bot.domain.deploy.approval import Approval, Seat, Seating, meetable, mentions, seat
from bot.domain.deploy.deploy import Deploy, Status

SHORTEST_REASON, LONGEST_REASON = 3, 1000
"""Characters that a person's reason may have; the shortest holds where one has to be given."""
RECHECK = timedelta(seconds=60)
"""How often a waiting deploy's live job and seats are looked at without being asked to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """What somebody asks for: ``environment`` None where it was left out.

    ``promotes`` is the environment that a promoted release comes from, ``release`` its fingerprint: the very same one,
    whatever template the catalog names by now.
    """

    service: str
    version: str
    environment: str | None
    overrides: Mapping[str, Value]
    reason: str | None
    promotes: str = ""
    release: str = ""

    @property
    def permission(self) -> Permission:
        """What the requester has to hold."""
        return permission_for(self.promotes)


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What a decision about a deploy reads: one catalog, one membership snapshot, the live approvals of its plan."""

    fingerprint: str
    catalog: Catalog
    membership: Membership
    deploy: Deploy
    approvals: tuple[Approval, ...]

    @property
    def seats(self) -> tuple[Seat, ...]:
        """The seats of the deploy's rules, in the order of the rules."""
        return seats_for(self.catalog, self.deploy.service, self.deploy.environment)

    @property
    def requester(self) -> str | None:
        """The Slack user id of the person who asked."""
        return human_behind(self.deploy.requester)

    @property
    def self_approval(self) -> bool:
        """Whether the requester may fill a seat there."""
        return self.catalog.environments[self.deploy.environment].self_approval

    @property
    def approvers(self) -> tuple[str, ...]:
        """Those whose yes counts now, in order of time: still active, and not the requester unless allowed."""
        return tuple(
            approval.user.id
            for approval in self.approvals
            if not approval.void
            and self.membership.counts(approval.user.id)
            and (self.self_approval or approval.user.id != self.requester)
        )

    @property
    def seating(self) -> Seating:
        """Who sits where now."""
        return seat(self.seats, self.approvers, self.membership)


def seats_for(catalog: Catalog, service: str, environment: str) -> tuple[Seat, ...]:
    """One seat for each count of each rule."""
    seats: list[Seat] = []
    for rule in catalog.rules_for(service, environment):
        label = f"owners of {service}" if rule.source == SERVICE_OWNERS else rule.source
        seats += [Seat(label, catalog.group_of(rule, service))] * rule.count
    return tuple(seats)


def interests(catalog: Catalog, service: str, environment: str) -> frozenset[str]:
    """Ids of the Slack user groups that decisions about this service there depend on; often none at all."""
    granted = (
        catalog.groups[grant.group]
        for grant in catalog.grants
        if any(grant.covers(permission, service, environment) for permission in Permission)
    )
    seated = (each.group for each in seats_for(catalog, service, environment))
    return frozenset(group.usergroup for group in (*granted, *seated) if group.usergroup)


def fixed_members(catalog: Catalog, service: str, environment: str) -> frozenset[str]:
    """Slack users whom the rules name one by one."""
    return frozenset(user for each in seats_for(catalog, service, environment) for user in each.group.users)


# --- what may be asked -----------------------------------------------------------------------------------------------


def check_ask(catalog: Catalog, ask: Ask) -> tuple[str, Decision]:
    """The environment that is meant, and whether the request is well formed; asks nobody but the catalog."""
    if ask.service not in catalog.services:
        return "", refuse("unknown-service", unknown_name("service", ask.service, catalog.services))
    placed = catalog.services[ask.service].placements
    if ask.environment is None:
        first = [name for name in placed if not catalog.environments[name].after]
        if len(first) != 1:
            choices = ", ".join(placed)
            return "", refuse("environment-missing", f"Say where {ask.service} goes: add `to ENV`, one of {choices}.")
        return _checked(catalog, ask, first[0])
    if ask.environment not in catalog.environments:
        return "", refuse("unknown-environment", unknown_name("environment", ask.environment, placed))
    if ask.environment not in placed:
        return "", refuse(
            "not-deployed-there",
            f"{ask.service} is not deployed to {ask.environment}; the catalog has it in {', '.join(placed)}.",
        )
    return _checked(catalog, ask, ask.environment)


def _checked(catalog: Catalog, ask: Ask, environment: str) -> tuple[str, Decision]:
    return environment, every([check_version(ask.version), _settable(catalog, ask), _reason(catalog, ask, environment)])


def unknown_name(what: str, word: str, known: Iterable[str]) -> str:
    """The words for a name that is not known: the nearest one, and all that there are."""
    names = list(known)
    near = difflib.get_close_matches(word, names, n=1)
    hint = f"Did you mean `{near[0]}`? " if near else ""
    return f"There is no {what} `{word[:80]}`. {hint}The catalog has {', '.join(names) or 'none'}."


def _settable(catalog: Catalog, ask: Ask) -> Decision:
    settable = catalog.services[ask.service].settable
    wrong = sorted(set(ask.overrides) - settable)
    if not wrong:
        return Allowed()
    may = f"it may set {', '.join(sorted(settable))}" if settable else "nothing may be set"
    return refuse("not-settable", f"A request for {ask.service} cannot set {', '.join(wrong)}: {may}.")


def _reason(catalog: Catalog, ask: Ask, environment: str) -> Decision:
    if ask.reason and len(ask.reason) > LONGEST_REASON:
        return refuse("reason-too-long", f"Keep the reason within {LONGEST_REASON} characters.")
    if catalog.environments[environment].reason_required and not (ask.reason and ask.reason.strip()):
        return refuse("reason-missing", f"{environment} wants a reason: add `because TEXT`.")
    return Allowed()


def check_variables(
    values: Mapping[str, Value], declared: frozenset[str], required: frozenset[str], template: str
) -> Decision:
    """Whether the values fit the template; Nomad ignores unknown names (docs/nomad.md, "Unknown variables")."""
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
    """A promotion has a permission of its own."""
    return Permission.PROMOTE if promotes else Permission.REQUEST


def check_requester(
    actor: Actor, permission: Permission, *, service: str, environment: str, catalog: Catalog, membership: Membership
) -> Decision:
    """Whether this actor may request or promote there, and whether its approval rules could ever be met."""
    allowed = authorize(
        actor,
        permission,
        service=service,
        environment=environment,
        groups=catalog.groups,
        grants=catalog.grants,
        membership=membership,
    )
    if isinstance(allowed, Refused):
        return allowed
    return meetable(
        seats_for(catalog, service, environment),
        membership,
        requester=human_behind(actor),
        self_approval=catalog.environments[environment].self_approval,
    )


# --- what holds a ready deploy ---------------------------------------------------------------------------------------


def may_dispatch(facts: Facts, others: Sequence[Deploy]) -> Decision:
    """The gates at the claim READY -> DISPATCHING; ``others`` are the open deploys of the same service there.

    Said to the channel, which did not ask: of the requester, never to a ``you``.
    """
    decision = _at_claim(facts, others)
    if isinstance(decision, Allowed):
        return decision
    return Refused(tuple(_of_requester(reason, facts.deploy) for reason in decision.reasons))


def _of_requester(reason: Reason, deploy: Deploy) -> Reason:
    """What holds it, where that is what its requester may no longer do, or is no longer."""
    if reason.code == "no-permission":
        held = f"`{permission_for(deploy.promotes)}` for {deploy.service} in {deploy.environment}"
        return replace(reason, text=f"Its requester no longer holds {held}.")
    return replace(reason, text=_REQUESTERS.get(reason.code, reason.text))


_REQUESTERS = {
    "nobody-behind": "No person stands behind its requester.",
    "person-bot": "Its requester is a bot; only people count.",
    "person-deactivated": "The Slack account of its requester is deactivated.",
    "person-foreign": "Its requester belongs to another organisation (Slack Connect).",
    "person-guest": "Its requester is a guest of this Slack workspace by now.",
    "person-unknown": "Slack does not say who its requester is; it waits until Slack does.",
}


def _at_claim(facts: Facts, others: Sequence[Deploy]) -> Decision:
    deploy = facts.deploy
    return every(
        [
            authorize(
                deploy.requester,
                permission_for(deploy.promotes),
                service=deploy.service,
                environment=deploy.environment,
                groups=facts.catalog.groups,
                grants=facts.catalog.grants,
                membership=facts.membership,
            ),
            _seats(facts),
            turn(deploy, others),
        ]
    )


def _seats(facts: Facts) -> Decision:
    seating = facts.seating
    if seating.complete:
        return Allowed()
    labels = ", ".join(dict.fromkeys(each.label for each in seating.missing))
    return refuse("seats-missing", f"Approval is missing from {labels}.", **mentions(seating.missing))


def turn(deploy: Deploy, others: Sequence[Deploy]) -> Decision:
    """One at a time for each service and environment, the oldest ready one first, by request time, then number."""
    rolling = any(other.status is Status.ROLLING for other in others)
    for other in others:
        if other.status is Status.DISPATCHING or (other.status is Status.ROLLING and not deploy.replaces):
            after = f"{other.number} ({other.version}) is {_doing(other)}"
        elif other.status is Status.READY and _order(other) < _order(deploy) and not _held(other, rolling=rolling):
            after = f"{other.number} ({other.version}) was asked earlier"
        else:
            continue
        return refuse("turn", f"{after}: this one goes after it, and is planned again then.")
    return Allowed()


def _held(deploy: Deploy, *, rolling: bool) -> bool:
    """Whether something other than its turn holds it, or a rollout that it waits for: then younger ones may go."""
    return any(reason.code != "turn" for reason in deploy.blocked) or (rolling and not deploy.replaces)


def _order(deploy: Deploy) -> tuple[datetime, int]:
    return deploy.requested_at, deploy.id


def _doing(deploy: Deploy) -> str:
    return "rolling out" if deploy.status is Status.ROLLING else "being dispatched"


def stale_plan(deploy: Deploy, plan: int | None) -> Decision:
    """Whether a button's plan is still the deploy's current one; a typed command (None) means the current one."""
    if plan is None or plan == deploy.plan:
        return Allowed()
    return refuse("stale-plan", f"Plan {plan} of {deploy.number} was replaced by plan {deploy.plan}: look at that one.")


def not_open(deploy: Deploy, act: str) -> Refused:
    """The words for a click that comes too late, or too early."""
    words = {
        Status.PLANNING: "it is being planned; wait for the plan",
        Status.DISPATCHING: "it is already on its way to Nomad",
        Status.ROLLING: "Nomad is already rolling it out",
    }
    return refuse(
        f"cannot-{act}", f"{deploy.number} cannot be {_past(act)}: {words.get(deploy.status, _ended(deploy))}."
    )


def _past(act: str) -> str:
    return {"approve": "approved", "retract": "changed", "reject": "rejected", "withdraw": "withdrawn"}.get(
        act, "changed"
    )


def _ended(deploy: Deploy) -> str:
    return "there is nothing to do" if deploy.status is Status.UNCHANGED else f"it is {deploy.status}"
