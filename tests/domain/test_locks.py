"""Locks: what a word closes, who may place and lift one, and which deploys it holds."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.domain.access import Grant, Group, Permission
from bot.domain.actor import CiIdentity, Operator
from bot.domain.decision import Allowed, Refused
from bot.domain.locks import (
    LONGEST,
    LockScope,
    Target,
    already_locked,
    check_locks,
    check_words,
    ends_at,
    locate,
    lock_groups,
    may_lift,
    may_lock,
    not_locked,
    places_of,
)
from tests.builders import ALICE, BOB, GUS, SAM, a_catalog, a_lock, a_membership
from tests.clocks import NOON

HOUR, SECOND = timedelta(hours=1), timedelta(seconds=1)
SERVICES = {"checkout": ("staging", "production"), "mailer": ("production",), "Staging": ("production",), "idle": ()}
ENVIRONMENTS = ("staging", "production", "qa")
LOCK = frozenset({Permission.LOCK})


def target(word: str = "production", environment: str | None = None, **changes) -> Target:
    return Target(**{"word": word, "environment": environment, "reason": "the database moves", **changes})


def found(word: str, environment: str | None = None, *, quoted: bool = False, **names):
    known = {"services": SERVICES, "environments": ENVIRONMENTS, **names}
    return locate(target(word, environment, quoted=quoted), **known)


def code_of(refused) -> str:
    assert isinstance(refused, Refused), refused
    (reason,) = refused.reasons
    return reason.code


# --- what a word closes ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("word", "environment", "scope"),
    [
        ("production", None, LockScope(environment="production")),
        ("PRODUCTION", None, LockScope(environment="production")),
        ("checkout", "production", LockScope("checkout", "production")),
        ("Checkout", "Production", LockScope("checkout", "production")),
        ("mailer", None, LockScope("mailer", "production")),
        ("everything", None, LockScope()),
        ("Everything", None, LockScope()),
        ("everything", "production", LockScope(environment="production")),
        # each has its own exact name
        ("staging", None, LockScope(environment="staging")),
        ("Staging", None, LockScope("Staging", "production")),
    ],
)
def test_what_a_word_names(word, environment, scope):
    assert found(word, environment) == scope


def test_in_quotes_everything_is_a_name_like_any_other():
    assert code_of(found("everything", quoted=True)) == "unknown-name"
    assert found("everything", quoted=True, services={"everything": ("qa",)}) == LockScope("everything", "qa")
    assert found("everything", services={"everything": ("qa",)}) == LockScope()


@pytest.mark.parametrize(
    ("word", "environment", "code", "words"),
    [
        ("STAGING", None, "lock-ambiguous", "Write `Staging in ENV` for the service, or `everything in staging`"),
        ("checkout", None, "environment-missing", "`checkout in staging` or `checkout in production`"),
        ("idle", None, "environment-missing", "`idle in ENV`"),
        ("prod", None, "unknown-name", "Did you mean `production`? Services: checkout, mailer"),
        ("everythin", None, "unknown-name", "Did you mean `everything`?"),
        ("x" * 500, None, "unknown-name", "Environments: staging, production, qa. Or `everything`."),
        ("checkout", "prod", "unknown-environment", "Did you mean `production`?"),
        ("checkout", "qa", "not-deployed-there", "Its environments: staging, production."),
        ("chekout", "production", "unknown-service", "Did you mean `checkout`?"),
        ("production", "staging", "lock-ambiguous", "`production` is an environment. Write it alone"),
    ],
)
def test_what_is_not_there_or_not_clear_is_refused_with_the_choices(word, environment, code, words):
    refused = found(word, environment)
    assert code_of(refused) == code
    assert words in refused.reasons[0].text


def test_the_same_name_for_two_things_is_never_guessed():
    refused = found("qa", services={"qa": ("staging",)})
    assert code_of(refused) == "lock-ambiguous"


def test_an_empty_catalog_is_told():
    refused = found("production", services={}, environments=())
    assert refused.reasons[0].text.endswith("Services: none. Environments: none. Or `everything`.")


def test_what_the_catalog_no_longer_has_can_be_named_while_it_is_locked():
    gone = [a_lock(service="old", environment="gone"), a_lock(service="checkout", environment="gone"), a_lock()]
    services, environments = places_of(a_catalog(), [*gone, a_lock(environment="")])
    assert services["old"] == ("gone",)
    assert services["checkout"] == ("staging", "production", "gone")
    assert environments == ("staging", "production", "gone")


@pytest.mark.parametrize(
    ("scope", "name"),
    [(LockScope(), "everything"), (LockScope("", "qa"), "qa"), (LockScope("checkout", "qa"), "checkout in qa")],
)
def test_a_scope_reads_as_it_is_typed(scope, name):
    assert scope.name == name


# --- words -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("lasts", [None, "1m", "60s", "2h", "1D", "90d", "1h30m", "1d12h30m15s"])
def test_a_duration_within_the_bounds_is_taken(lasts):
    assert check_words(target(lasts=lasts)) == Allowed()


@pytest.mark.parametrize("lasts", ["0m", "59s", "400d", "90d1s", "999999d999999d"])
def test_a_duration_out_of_bounds_is_refused(lasts):
    refused = check_words(target(lasts=lasts))
    assert code_of(refused) == "lock-duration"
    assert refused.reasons[0].text.startswith("A lock can last from 1m to 90d.")


@pytest.mark.parametrize("lasts", ["", "2", "h", "2 h", "-1h", "1.5h", "2w", "tomorrow", "1h" * 50, "1h\n", "²h"])
def test_what_is_no_duration_is_refused_with_examples(lasts):
    refused = check_words(target(lasts=lasts))
    assert code_of(refused) == "lock-duration"
    assert "`30m`, `2h` or `1d12h`" in refused.reasons[0].text


@pytest.mark.parametrize(
    ("reason", "code"), [("", "reason-missing"), ("  ok ", "reason-missing"), ("x" * 1001, "reason-too-long")]
)
def test_a_lock_says_why(reason, code):
    assert code_of(check_words(target(reason=reason))) == code


def test_everything_that_is_wrong_is_told_at_once():
    assert check_words(target(reason="", lasts="0m")).codes == ("reason-missing", "lock-duration")


def test_when_a_lock_ends():
    assert ends_at(target(), NOON) is None
    assert ends_at(target(lasts="90d"), NOON) == NOON + LONGEST


# --- who may ---------------------------------------------------------------------------------------------------------

EVERYWHERE = Grant("sre", LOCK)
IN_PRODUCTION = Grant("sre", LOCK, environments=frozenset({"production"}))
FOR_CHECKOUT = Grant("sre", LOCK, services=frozenset({"checkout"}))
BOTH = replace(IN_PRODUCTION, services=frozenset({"checkout"}))
SCOPES = {
    "everything": LockScope(),
    "production": LockScope(environment="production"),
    "staging": LockScope(environment="staging"),
    "checkout there": LockScope("checkout", "production"),
    "mailer there": LockScope("mailer", "production"),
}


@pytest.mark.parametrize(
    ("grant", "may"),
    [
        (EVERYWHERE, {"everything", "production", "staging", "checkout there", "mailer there"}),
        (IN_PRODUCTION, {"production", "checkout there", "mailer there"}),
        (FOR_CHECKOUT, {"checkout there"}),
        (BOTH, {"checkout there"}),
        (replace(EVERYWHERE, environments=frozenset({"staging", "production"})), set(SCOPES) - {"everything"}),
        (Grant("sre", frozenset(Permission) - LOCK), set()),
        (Grant("developers", LOCK), set()),
    ],
)
def test_a_grant_for_some_closes_no_more_than_those(grant, may):
    catalog = a_catalog(grants=(grant,))
    for name, scope in SCOPES.items():
        allowed = may_lock(SAM, scope, catalog, a_membership())
        assert isinstance(allowed, Allowed) == (name in may), name
        # whoever may place it may lift it, and nobody else
        lock = a_lock(service=scope.service, environment=scope.environment, holder=ALICE)
        assert isinstance(may_lift(SAM, lock, catalog, a_membership()), Allowed) == (name in may), name


@pytest.mark.parametrize(
    ("scope", "words"),
    [
        (LockScope(), "You need the `lock` permission for everything."),
        (LockScope(environment="production"), "You need the `lock` permission for everything in production."),
        (LockScope("checkout", "production"), "You need the `lock` permission for checkout in production."),
    ],
)
def test_a_refusal_says_which_permission_and_who_has_it(scope, words):
    refused = may_lock(ALICE, scope, a_catalog(), a_membership())
    assert code_of(refused) == "no-permission"
    assert (refused.reasons[0].text, refused.reasons[0].groups) == (words, ("S0SRE00001",))


def test_guests_and_pipelines_lock_nothing_whatever_their_groups():
    catalog = a_catalog(grants=(Grant("developers", LOCK),))
    assert code_of(may_lock(GUS, LockScope(), catalog, a_membership())) == "person-guest"
    nobody = CiIdentity("https://ci.example", "repo:checkout")
    assert code_of(may_lock(nobody, LockScope(), catalog, a_membership())) == "nobody-behind"


def test_t16_only_a_holder_of_the_permission_or_whoever_rolled_back_lifts_a_lock():
    own = a_lock(service="checkout", holder=ALICE, rollback=7)
    for who, allowed in ((ALICE, True), (BOB, False), (SAM, True)):
        assert isinstance(may_lift(who, own, a_catalog(), a_membership()), Allowed) is allowed
    # an ordinary lock stays when whoever placed it has no permission any more
    assert code_of(may_lift(ALICE, replace(own, rollback=None), a_catalog(), a_membership())) == "no-permission"


def test_a_rollbacks_lock_is_lifted_by_nobody_who_no_longer_counts():
    own = a_lock(holder=GUS, rollback=7)
    refused = may_lift(GUS, own, a_catalog(), a_membership())
    assert code_of(refused) == "person-guest"
    assert refused.reasons[0].users == ()
    assert may_lift(BOB, own, a_catalog(), a_membership()).reasons[0].users == (GUS.id,)
    assert code_of(may_lift(BOB, replace(own, holder=Operator("root")), a_catalog(), a_membership())) == "no-permission"


def test_the_groups_that_matter_are_those_of_exactly_that():
    listed = Group("bob", users=frozenset({BOB.id}))
    grants = (IN_PRODUCTION, Grant("bob", LOCK), Grant("developers", frozenset({Permission.REQUEST})))
    catalog = a_catalog(groups={**a_catalog().groups, "bob": listed}, grants=grants)
    assert [group.name for group in lock_groups(catalog, LockScope())] == ["bob"]
    assert [group.name for group in lock_groups(catalog, LockScope(environment="production"))] == ["sre", "bob"]


# --- what a lock holds -----------------------------------------------------------------------------------------------


def held(*locks, service: str = "checkout", environment: str = "production", now=NOON, **changes):
    return check_locks(service, environment, locks, a_catalog(), now, **changes)


@pytest.mark.parametrize(
    ("lock", "holds"),
    [
        (a_lock(environment=""), True),
        (a_lock(), True),
        (a_lock(service="checkout"), True),
        (a_lock(environment="staging"), False),
        (a_lock(service="mailer"), False),
        (a_lock(service="checkout", environment="staging"), False),
        (a_lock(ended_at=NOON), False),
        (a_lock(until=NOON), False),
        (a_lock(until=NOON + SECOND), True),
        # placed by a clock that ran ahead: it holds all the same
        (a_lock(placed_at=NOON + HOUR), True),
    ],
)
def test_a_lock_holds_what_it_names_until_its_end(lock, holds):
    assert isinstance(held(lock), Refused) is holds


def test_a_lock_says_what_is_closed_why_by_whom_since_when_until_when_and_who_may_lift_it():
    (reason,) = held(a_lock(until=NOON + HOUR, reason="the database moves.")).reasons
    assert reason.text == "production is locked: the database moves."
    assert (reason.since, reason.possible_at, reason.by) == (NOON, NOON + HOUR, SAM.key)
    assert (reason.users, reason.groups) == ((), ("S0SRE00001",))
    (reason,) = held(a_lock(service="checkout", rollback=7, holder=BOB)).reasons
    assert reason.text == "checkout in production is locked: the database moves."
    assert reason.users == (BOB.id,)
    (reason,) = held(a_lock(environment="")).reasons
    assert reason.text == "Everything is locked: the database moves."


def test_all_locks_are_told_the_narrowest_first():
    locks = [a_lock(environment=""), a_lock(), a_lock(service="checkout")]
    texts = [reason.text.partition(" is locked")[0] for reason in held(*locks).reasons]
    assert texts == ["checkout in production", "production", "Everything"]


def test_a_rollback_is_held_by_the_locks_of_others_but_not_by_its_own():
    own, other = a_lock(service="checkout", rollback=7), a_lock()
    assert held(own, deploy_id=7) == Allowed()
    assert held(own, deploy_id=8).codes == ("locked",)
    assert held(own).codes == ("locked",)
    (reason,) = held(own, other, deploy_id=7).reasons
    assert reason.text.startswith("production is locked")
    assert isinstance(held(other), Refused)


# --- refusals --------------------------------------------------------------------------------------------------------


def test_a_second_lock_is_refused_with_who_has_the_first():
    (reason,) = already_locked(a_lock(until=NOON + HOUR), a_catalog()).reasons
    assert reason.code == "already-locked"
    assert reason.text.endswith("To change that lock, lift it first: `/deploy unlock production because TEXT`.")
    assert (reason.by, reason.since, reason.possible_at) == (SAM.key, NOON, NOON + HOUR)


def test_what_is_not_locked_is_refused_with_the_locks_near_it():
    locks = [a_lock(), a_lock(service="mailer"), a_lock(environment="staging")]
    refused = not_locked(LockScope("checkout", "production"), locks)
    assert code_of(refused) == "not-locked"
    assert refused.reasons[0].text.endswith("These locks close some or all of it: `production`.")
    assert "`mailer in production`" in not_locked(LockScope(environment="production"), locks).reasons[0].text
    assert not_locked(LockScope(), []).reasons[0].text == "There is no lock on everything itself."
