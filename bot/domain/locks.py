"""Locks: a service in an environment, an environment or everything, closed by somebody, with the reason."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from bot.domain.access import Permission, Resource, authorize
from bot.domain.actor import Actor, human_behind
from bot.domain.decision import Allowed, Decision, Reason, Refused, every, instead, refuse
from bot.domain.durations import duration_from, in_words
from bot.domain.names import did_you_mean, named, unknown_name

if TYPE_CHECKING:
    from bot.domain.access import Group, Membership
    from bot.domain.catalog.catalog import Catalog

EVERYTHING: Final = "everything"
"""The word for all services in all environments; in quotes it is an ordinary name."""
SHORTEST, LONGEST = timedelta(minutes=1), timedelta(days=90)
"""How long a lock with an end may hold. One without an end holds until somebody lifts it."""
_SHORTEST_REASON, _LONGEST_REASON = 3, 1000


@dataclass(frozen=True, slots=True)
class LockScope:
    """What a lock closes; an empty ``service`` means all of them, an empty ``environment`` likewise."""

    service: str = ""
    environment: str = ""

    @property
    def name(self) -> str:
        """``checkout in production``, ``production`` or ``everything``: what to type after ``/deploy lock``."""
        if self.service:
            return f"{self.service} in {self.environment}"
        return self.environment or EVERYTHING


@dataclass(frozen=True, slots=True, kw_only=True)
class Lock:
    """A lock; ``id`` is 0 until the store has numbered it.

    ``until`` is when it ends by itself (None: not before somebody lifts it). ``rollback`` is the number of the rollback
    that placed it and is not bound by it. ``ended_by`` ended it, ``ended_because`` of that.
    """

    id: int = 0
    service: str = ""
    environment: str = ""
    reason: str
    holder: Actor
    placed_at: datetime
    until: datetime | None = None
    rollback: int | None = None
    ended_at: datetime | None = None
    ended_by: Actor | None = None
    ended_because: str = ""

    @property
    def scope(self) -> LockScope:
        """What it closes."""
        return LockScope(self.service, self.environment)

    def covers(self, service: str, environment: str) -> bool:
        """Whether it closes that service there."""
        return self.service in {"", service} and self.environment in {"", environment}

    def in_force(self, now: datetime) -> bool:
        """Whether it closes anything now; at the instant ``until`` it no longer does."""
        return self.ended_at is None and (self.until is None or now < self.until)


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What to lock or unlock, as it was typed: ``word [in environment]``; ``quoted``: the word is a name, and no other.

    ``reason`` is why, ``lasts`` for how long (``2h``); None until somebody lifts it.
    """

    word: str
    environment: str | None = None
    quoted: bool = False
    reason: str
    lasts: str | None = None


def locate(
    target: Target, *, services: Mapping[str, Collection[str]], environments: Collection[str]
) -> LockScope | Refused:
    """The scope that was named, by the names that there are: services, each with its environments, and environments.

    Refused if nothing has that name, or if it could be several things; never guessed.
    """
    word, everything = target.word, not target.quoted and target.word.casefold() == EVERYTHING
    service, environment = named(word, services), named(word, environments)
    if target.environment is not None:
        return _within(target, service, everything=everything, services=services, environments=environments)
    if everything:
        return LockScope()
    if service is not None and environment is not None and (service == word) == (environment == word):
        return refuse(
            "lock-ambiguous",
            f"`{word[:80]}` is both a service and an environment. Write `{service} in ENV` for the service, or "
            f"`{EVERYTHING} in {environment}` for the environment.",
        )
    if environment is not None and service != word:
        return LockScope(environment=environment)
    if service is not None:
        return _only_place(service, services[service])
    return _unknown(word, [*services, *environments], services, environments)


def _within(
    target: Target,
    service: str | None,
    *,
    everything: bool,
    services: Mapping[str, Collection[str]],
    environments: Collection[str],
) -> LockScope | Refused:
    environment = named(target.environment or "", environments)
    if environment is None:
        return refuse("unknown-environment", unknown_name("environment", target.environment or "", environments))
    if everything:
        return LockScope(environment=environment)
    if service is None:
        other = named(target.word, environments)
        if other is None:
            return refuse("unknown-service", unknown_name("service", target.word, services))
        return refuse("lock-ambiguous", f"`{other}` is an environment. Write it alone, or name a service in it.")
    if environment not in services[service]:
        return refuse(
            "not-deployed-there",
            f"The catalog does not deploy {service} to {environment}. Its environments: "
            f"{', '.join(services[service])}.",
        )
    return LockScope(service, environment)


def _only_place(service: str, placed: Collection[str]) -> LockScope | Refused:
    if len(placed) == 1:
        return LockScope(service, *placed)
    choices = " or ".join(f"`{service} in {name}`" for name in placed)
    return refuse("environment-missing", f"In which environment? Write {choices or f'`{service} in ENV`'}.")


def _unknown(word: str, known: Iterable[str], services: Iterable[str], environments: Iterable[str]) -> Refused:
    hint = did_you_mean(word, [*known, EVERYTHING])
    return refuse(
        "unknown-name",
        f"There is no service or environment `{word[:80]}`. {hint}{' ' if hint else ''}"
        f"Services: {', '.join(services) or 'none'}. Environments: {', '.join(environments) or 'none'}. "
        f"Or `{EVERYTHING}`.",
    )


def places_of(catalog: Catalog, locks: Iterable[Lock] = ()) -> tuple[dict[str, tuple[str, ...]], tuple[str, ...]]:
    """The names to find a scope by: the catalog's, and those of ``locks`` that it no longer has."""
    services = {name: tuple(each.placements) for name, each in catalog.services.items()}
    environments = list(catalog.environments)
    for lock in locks:
        if lock.environment and lock.environment not in environments:
            environments.append(lock.environment)
        if lock.service:
            services[lock.service] = tuple(dict.fromkeys((*services.get(lock.service, ()), lock.environment)))
    return services, tuple(environments)


# --- what may be asked -----------------------------------------------------------------------------------------------


def check_words(target: Target) -> Decision:
    """Whether reason and duration can be taken; needs nothing else."""
    reason = target.reason.strip()
    return every(
        [
            refuse("reason-missing", "The reason is missing: say why, in three characters or more.")
            if len(reason) < _SHORTEST_REASON
            else Allowed(),
            refuse("reason-too-long", f"Keep the reason within {_LONGEST_REASON} characters.")
            if len(reason) > _LONGEST_REASON
            else Allowed(),
            _check_duration(target.lasts),
        ]
    )


def _check_duration(text: str | None) -> Decision:
    if text is None:
        return Allowed()
    lasts = duration_from(text)
    if lasts is None:
        return refuse("lock-duration", f"`{text[:40]}` is not a duration. Write one such as `30m`, `2h` or `1d12h`.")
    if not SHORTEST <= lasts <= LONGEST:
        return refuse(
            "lock-duration",
            f"A lock can last from {in_words(SHORTEST)} to {in_words(LONGEST)}. Without a duration it holds until "
            "somebody lifts it.",
        )
    return Allowed()


def ends_at(target: Target, now: datetime) -> datetime | None:
    """When a lock that is placed now ends by itself; for words that ``check_words`` allows."""
    lasts = duration_from(target.lasts) if target.lasts is not None else None
    return None if lasts is None else now + lasts


# --- who may -------------------------------------------------------------------------------------------------------


def lock_groups(catalog: Catalog, scope: LockScope) -> tuple[Group, ...]:
    """The groups that may lock and unlock exactly that: a grant for some services or environments closes no more."""
    return tuple(
        catalog.groups[grant.group]
        for grant in catalog.grants
        if grant.covers(Permission.LOCK, scope.service, scope.environment)
    )


def may_lock(actor: Actor, scope: LockScope, catalog: Catalog, membership: Membership | None) -> Decision:
    """Whether the actor has the permission ``lock`` for all of the scope."""
    return authorize(actor, Permission.LOCK, Resource(scope.service, scope.environment), catalog, membership)


def may_lift(actor: Actor, lock: Lock, catalog: Catalog, membership: Membership | None) -> Decision:
    """Whether the actor may end the lock: with the permission for it, or whose rollback placed it."""
    user, own = human_behind(actor), _of_rollback(lock)
    if own is not None and own == user and membership is not None and membership.counts(own):
        return Allowed()
    allowed = may_lock(actor, lock.scope, catalog, membership)
    also = (own,) if own is not None and own != user else ()
    return instead(allowed, users=also) if isinstance(allowed, Refused) else allowed


def _of_rollback(lock: Lock) -> str | None:
    """The Slack id of the person whose rollback placed the lock; None if no rollback did."""
    return human_behind(lock.holder) if lock.rollback is not None else None


def lifters(lock: Lock, catalog: Catalog) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The Slack users and user groups that may end the lock."""
    groups = lock_groups(catalog, lock.scope)
    own = _of_rollback(lock)
    users = sorted({user for group in groups for user in group.users} | ({own} if own else set()))
    return tuple(users), tuple(dict.fromkeys(group.usergroup for group in groups if group.usergroup))


# --- what a lock holds -----------------------------------------------------------------------------------------------


def check_locks(
    service: str,
    environment: str,
    locks: Sequence[Lock],
    catalog: Catalog,
    now: datetime,
    *,
    deploy_id: int = 0,
    rolls_back: Actor | None = None,
) -> Decision:
    """Whether no lock closes the service there, the narrowest first; a rollback's own lock does not bind it.

    ``deploy_id`` is the number of the deploy that asks, 0 for a request without one. ``rolls_back`` is the requester of
    a rollback, whom no lock of theirs binds either.
    """
    holding = [
        lock
        for lock in locks
        if lock.covers(service, environment) and lock.in_force(now) and (lock.rollback or None) != deploy_id
        if rolls_back is None or lock.holder != rolls_back
    ]
    # what is said of one service says more than what is said of everything
    narrow = sorted(holding, key=lambda lock: (not lock.service, not lock.environment, lock.placed_at))
    reasons = tuple(reason_of(lock, catalog) for lock in narrow)
    return Refused(reasons) if reasons else Allowed()


def reason_of(lock: Lock, catalog: Catalog) -> Reason:
    """The lock as the reason why a deploy waits: what is closed, why, by whom, from when to when, who may lift it."""
    name = lock.scope.name if lock.scope != LockScope() else EVERYTHING.capitalize()
    users, groups = lifters(lock, catalog)
    text = f"{name} is locked: {lock.reason.rstrip('.')}."
    return Reason("locked", text, users, groups, possible_at=lock.until, since=lock.placed_at, by=lock.holder.key)


def already_locked(lock: Lock, catalog: Catalog) -> Refused:
    """The refusal of a second lock on the same: two reasons with two ends would leave open which one counts."""
    found = reason_of(lock, catalog)
    text = f"{found.text} To change that lock, lift it first: `/deploy unlock {lock.scope.name} because TEXT`."
    return Refused(
        (
            Reason(
                "already-locked",
                text,
                found.users,
                found.groups,
                possible_at=found.possible_at,
                since=found.since,
                by=found.by,
            ),
        )
    )


def not_locked(scope: LockScope, others: Iterable[Lock]) -> Refused:
    """The refusal to lift what is not there, with the locks that could have been meant."""
    name = scope.name
    near = [other.scope.name for other in others if touches(scope, other)]
    hint = f" These locks close some or all of it: {', '.join(f'`{each}`' for each in near)}." if near else ""
    return refuse("not-locked", f"There is no lock on {name} itself.{hint}")


def touches(scope: LockScope, other: Lock) -> bool:
    """Whether the lock closes something that the scope also names."""
    pairs = ((scope.service, other.service), (scope.environment, other.environment))
    return all(not mine or not theirs or mine == theirs for mine, theirs in pairs)
