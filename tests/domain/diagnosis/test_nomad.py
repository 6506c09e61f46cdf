from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from bot.domain.diagnosis import nomad
from bot.domain.diagnosis.nomad import LATER, NEEDED, NamespaceRule, NomadToken, TokenKind
from tests.builders import a_catalog, an_environment
from tests.clocks import NOON

WHO = "cluster eu token"
CLIENT = NomadToken(kind=TokenKind.CLIENT)
PROVEN = {"parse-job": True, "plan-job": True, "read-job": True, "list-jobs": True}


def with_rules(*rules: tuple[str, set[str]]) -> NomadToken:
    return replace(CLIENT, rules=tuple(NamespaceRule(name, frozenset(names)) for name, names in rules))


def lines(findings: Any) -> list[str]:
    return [str(each) for each in findings]


@pytest.mark.parametrize(
    ("rules", "given"),
    [
        ([("apps", {"read-job"})], {"read-job"}),
        ([("apps", {"read-job"}), ("apps", {"plan-job"})], {"read-job", "plan-job"}),
        ([("*", {"read-job"}), ("apps", {"plan-job"})], {"plan-job"}),
        ([("*", {"read-job"}), ("ap*", {"plan-job"}), ("*s", {"list-jobs"})], {"plan-job"}),
        ([("a.ps", {"read-job"}), ("staging", {"read-job"})], set()),
        ([("apps", {"read-job", "deny"})], set()),
        ([], set()),
    ],
)
def test_policies_are_chosen_as_nomad_does(rules: list[tuple[str, set[str]]], given: set[str]) -> None:
    assert with_rules(*rules).capabilities("apps") == given


def test_policies_that_cannot_be_read_say_nothing() -> None:
    assert replace(CLIENT, rules=None).capabilities("apps") is None


@pytest.mark.parametrize(
    ("token", "named", "said"),
    [
        (NomadToken(kind=TokenKind.OFF), True, [f"warning: {WHO}: ACLs are off"]),
        (NomadToken(kind=TokenKind.ANONYMOUS), True, [f"error: {WHO}: Nomad received no token"]),
        (NomadToken(kind=TokenKind.ANONYMOUS), False, [f"error: {WHO}: ACLs are on, but the catalog names no token"]),
        (NomadToken(kind=TokenKind.MANAGEMENT), True, [f"warning: {WHO}: the token is a management token"]),
        (CLIENT, True, [f"ok: {WHO}: Nomad accepts the token"]),
        (
            replace(CLIENT, beyond=frozenset({"node write"})),
            True,
            [f"ok: {WHO}: Nomad accepts", f"warning: {WHO}: the token can do more than needed: node write"],
        ),
        (
            replace(CLIENT, expires=NOON + timedelta(days=1)),
            True,
            [f"ok: {WHO}: Nomad accepts", f"warning: {WHO}: the token expires at 2026-11-22 12:00 UTC; create"],
        ),
        (replace(CLIENT, expires=NOON + timedelta(days=15)), True, [f"ok: {WHO}: Nomad accepts"]),
    ],
)
def test_tokens(token: NomadToken, named: bool, said: list[str]) -> None:  # noqa: FBT001 -- a case of the table
    found = lines(nomad.token(WHO, token, NOON, named=named))

    assert len(found) == len(said)
    assert all(line.startswith(start) for line, start in zip(found, said, strict=True))


def rights(token: NomadToken, version: tuple[int, ...] | None = None, **proofs: bool) -> list[str]:
    given = {**PROVEN, **{name.replace("_", "-"): allowed for name, allowed in proofs.items()}}
    return lines(nomad.rights("rights", token, "apps", given, version))


@pytest.mark.parametrize("kind", [TokenKind.OFF, TokenKind.MANAGEMENT])
def test_a_token_that_can_do_anything_lacks_nothing(kind: TokenKind) -> None:
    assert rights(NomadToken(kind=kind)) == ["ok: rights: the token has what this version needs"]


def test_a_call_that_was_refused_proves_more_than_a_policy() -> None:
    whole = with_rules(("apps", set(NEEDED | LATER)))

    assert rights(whole) == ["ok: rights: the token has what this version needs"]
    assert rights(whole, plan_job=False)[0].startswith(
        "error: rights: the token lacks plan-job; add it to the token's policy"
    )
    assert rights(NomadToken(kind=TokenKind.OFF), read_job=False)[0].startswith(
        "error: rights: the token lacks read-job"
    )
    assert "(it lacks list-jobs, not needed yet)" in rights(whole, list_jobs=False)[0]


def test_where_an_environment_shows_logs_the_token_has_to_read_them() -> None:
    environments = [an_environment(), replace(an_environment(), logs=20)]
    assert nomad.needed(environments[:1]) == NEEDED
    needs = nomad.needed(environments)

    (line,) = lines(nomad.rights("rights", with_rules(("apps", set(NEEDED))), "apps", PROVEN, None, needs))
    assert line.startswith("error: rights: the token lacks read-logs; add it to the token's policy")
    (line,) = lines(nomad.rights("rights", with_rules(("apps", set(needs))), "apps", PROVEN, None, needs))
    assert line.startswith("ok: rights: ")
    assert "read-logs" not in line


def test_a_capability_that_no_call_proves_must_be_in_the_policy() -> None:
    assert rights(with_rules(("apps", {"read-job"})))[0].startswith("error: rights: the token lacks register-job; ")


def test_hidden_policies_leave_open_what_no_harmless_call_proves() -> None:
    hidden = replace(CLIENT, rules=None)

    (line,) = rights(hidden)
    assert line.startswith(
        "unknown: rights: cannot tell whether the token has register-job: its policies cannot be read; "
    )
    assert rights(hidden, plan_job=False)[0].startswith("error: rights: the token lacks plan-job; ")


def test_the_coarse_capability_is_the_only_one_before_the_fine_ones() -> None:
    coarse = with_rules(("apps", {"submit-job", "read-job", *LATER}))
    more = "warning: rights: the token can do more than needed: submit-job; use the policy"

    assert rights(coarse, (1, 11, 1))[0].startswith("ok: ")
    assert rights(coarse)[0].startswith("ok: ")
    assert rights(coarse, (1, 11, 2))[0].startswith(more)


def test_more_than_needed_is_a_warning() -> None:
    spare = with_rules(("apps", {*NEEDED, "alloc-exec", "purge-job", "csi-mount-volume"}))

    assert rights(spare)[0].startswith("warning: rights: the token can do more than needed: alloc-exec, purge-job; ")


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("2.0.6", "ok: v: Nomad 2.0.6"),
        ("2.0.1+ent", "ok: v: Nomad 2.0.1+ent"),
        ("2.0.0", "warning: v: Nomad 2.0.0 can accept two registers"),
        ("1.9.0-rc.1", "warning: v: Nomad 1.9.0-rc.1 can accept two"),
        ("1.8.19", "error: v: Nomad 1.8.19 is not supported; upgrade it to 1.9"),
        (None, "unknown: v: the token may not read it; add agent"),
        ("next", "unknown: v: next is not a version; add agent"),
    ],
)
def test_versions(text: str | None, line: str) -> None:
    assert str(nomad.version("v", text)).startswith(line)


def test_namespaces() -> None:
    assert str(nomad.namespace("cluster eu namespace apps", "apps", exists=True, environments="production")).endswith(
        ": exists"
    )
    assert str(nomad.namespace("cluster eu namespace apps", "apps", exists=False, environments="production")) == (
        "error: cluster eu namespace apps: does not exist, or the token may not see it; create it "
        "(nomad namespace apply apps), or correct it in environment production of the catalog"
    )


def test_the_environments_of_a_cluster_by_namespace() -> None:
    catalog = a_catalog()

    found = nomad.namespaces_of(catalog, "main")

    assert {each.name for places in found.values() for each in places} == set(catalog.environments)
    assert nomad.namespaces_of(catalog, "elsewhere") == {}


def test_a_trial_has_the_variables_of_the_service() -> None:
    catalog = a_catalog()
    staging = catalog.environments["staging"]

    tried = nomad.trial(catalog, "checkout", staging, "v9")

    assert tried.subject == f"template {tried.template.name} for checkout in staging"
    assert tried.values["version"] == "v9"
    assert tried.unset == ()
    assert nomad.trial(catalog, "checkout", staging, None).values["version"] == "v1.0.0"
    assert nomad.trials_in(catalog, staging) == ("checkout",)


def test_a_template_that_only_a_request_completes_is_not_parsed() -> None:
    catalog = a_catalog()
    template = catalog.template_for("checkout", "staging")
    needy = replace(template, required=template.required | {"colour", "count"})
    catalog = replace(catalog, templates={template.name: needy})

    tried = nomad.trial(catalog, "checkout", catalog.environments["staging"], None)

    assert tried.unset == ("colour", "count")
    assert "cannot be parsed without colour, count, which only a request sets" in str(tried.unset_finding())
