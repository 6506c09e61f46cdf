"""What works and is probably not meant: warnings."""

from __future__ import annotations

import pytest

MAIN = "nomatron.yaml"
CHECKOUT = "services/checkout.yaml"
WEB = "templates/web.nomad.hcl"

WARNINGS = [
    (
        MAIN,
        "https://nomad.example:4646",
        "http://nomad.example:4646",
        "cluster `eu` has a plain http address, so anyone on the network can read its token; use https",
    ),
    (
        MAIN,
        "variables: {log_level: warn}",
        "variables: {log_lvl: warn}  # here",
        "no template used in production declares `log_lvl`, so this value has no effect; did you mean `log_level`?",
    ),
    (WEB, "{ default = 80 }", "{ type = number }", None),
    (WEB, "{ default = 128 }", "{ type = number }", None),
    (WEB, '{ default = "info" }', "{ type = string }", None),
    (
        MAIN,
        "promote-canary, break-glass, resolve]",
        "promote-canary, break-glass]  # here",
        "nobody has the `resolve` permission anywhere; grant it in `roles`",
    ),
]


@pytest.mark.parametrize(("file", "old", "new", "expected"), WARNINGS)
def test_a_warning_leaves_the_catalog_usable(folder, file, old, new, expected):
    folder.change(old, new, file=file)
    found = folder.warnings()

    assert folder.read().catalog is not None
    if expected is None:
        assert found == []
    else:
        assert len(found) == 1
        assert found[0].endswith(f": {expected}")


@pytest.mark.parametrize("address", ["http://127.0.0.1:4646", "http://localhost:4646", "http://[::1]:4646"])
def test_plain_http_to_this_host_is_no_warning(folder, address):
    folder.change("https://nomad.example:4646", address)

    assert folder.warnings() == []


def test_a_variable_without_a_value_is_a_warning(folder):
    folder.add('variable "zone" { type = string }\n', file=WEB)

    assert folder.warnings() == [
        f"services/checkout.yaml:{line}: every plan of checkout in {environment} will fail: template `web` needs "
        "values for `zone`; add them under `variables`, or make them `settable`"
        for line, environment in ((11, "staging"), (12, "production"))
    ]

    folder.change("settable: [count]", "settable: [count, zone]", file=CHECKOUT)
    assert folder.warnings() == []


def test_a_permission_held_in_one_place_only_is_named_with_the_others(folder):
    folder.change("- group: sre\n", "- group: sre\n    environments: [staging]\n")
    warnings = folder.warnings()

    assert (
        "nomatron.yaml:7: nobody has the `stop` permission in production for checkout; grant it in `roles`" in warnings
    )
    assert not any("`request`" in each for each in warnings)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("db_password", "hunter2"),
        ("API_KEY", "abc"),
        ("secret", "[a, b]"),
        ("settings", "{db-token: abc}"),
        ("key_id", "AKIAIOSFODNN7EXAMPLE"),
        ("url", '"postgres://app:hunter2@db.example/app"'),
        ("key", '"-----BEGIN RSA PRIVATE KEY-----"'),
    ],
)
def test_what_looks_like_a_secret_is_a_warning(folder, name, value):
    folder.add(f'variable "{name}" {{ default = "" }}\n', file=WEB)
    folder.change("variables: {port: 8080}", f"variables: {{{name}: {value}}}  # here", file=CHECKOUT)
    (place,) = folder.here()
    (warning,) = folder.warnings()

    assert warning.startswith(f"{place}: `")
    assert (
        "looks like a secret, and everyone who can read the catalog can read it; move it to Nomad Variables or Vault"
        in warning
    )
    assert "hunter2" not in warning


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("tokens_per_minute", "5"),
        ("passport_url", "x"),
        ("token_count", "5"),
        ("password", '""'),
        ("url", "https://a.example/x"),
    ],
)
def test_what_only_sounds_like_one_is_not(folder, name, value):
    folder.add(f'variable "{name}" {{ default = "" }}\n', file=WEB)
    folder.change("variables: {port: 8080}", f"variables: {{{name}: {value}}}", file=CHECKOUT)

    assert folder.warnings() == []
