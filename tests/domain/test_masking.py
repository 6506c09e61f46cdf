"""What is masked in any text, and what stays readable."""

from __future__ import annotations

import json
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.masking import HIDDEN, looks_secret, maskable, scrub

UUID = "0c8a4f2e-1111-2222-3333-444455556666"
COMMIT = "4f2a9c01" * 5
DIGEST = "sha256:" + "0a1b2c3d" * 8

# put together from parts, so that no scanner takes a made-up token for one that leaked
TOKENS = [
    "eyJhbGciOiJIUzI1NiJ9." + "eyJzdWIiOiIxIn0.abc",
    "AKIA" + "IOSFODNN7EXAMPLE",
    "AIza" + "SyA1234567890abcdefghij",
    "ya29." + "a0AfB_byC",
    "ghp_" + "0123456789abcdef",
    "github_pat_" + "11ABCDEFG0123456789",
    "glpat-" + "abcdefgh12345678",
    "xoxb-" + "1234-5678-abcdef",
    "xapp-" + "1-A1-2-abc",
    "sk_live_" + "abcd1234",
    "whsec_" + "abcd1234efgh",
    "sk-proj-" + "abcd1234efgh5678",
    "hvs." + "CAESIJ1234",
    "s." + "Zk9hunter2secret",
    "npm_" + "a1B2c3D4e5F6g7H8",
    "pypi-" + "AgEIcHlwaS5vcmc",
    "dckr_pat_" + "abcd1234efgh",
    "SG." + "abcdefgh1." + "abcdefgh2",
    "abc" + "8Q~abcdefghijklmnopqrstuv",
    "-----BEGIN RSA PRIVATE KEY-----\nMIIEabc\n-----END RSA PRIVATE KEY-----",
    "-----BEGIN PRIVATE KEY----- MIIEabc",
    "a1B2c3D4e5F6a7B8c9D0e1F2a3B4c5D6",
    COMMIT,
]
ADDRESSES = [
    "postgres://me:pw@db/x",
    "me:hunter2@tcp(db:3306)/x",
    "http://me:pa/ss?word@db.example/x",
    "https://hooks.slack.com/services/T1/B1/abc",
    "https://discord.com/api/webhooks/1/abc",
    "https://team.webhook.office.com/webhookb2/abc",
    "https://api.telegram.org/bot123:abc/send",
]
ASSIGNED = ["password: abc", "token=abc", '{"api_key": "a b"}', "Authorization: Bearer abcdefgh", "client_secret=x"]


@pytest.mark.parametrize("value", [*TOKENS, *ADDRESSES, *ASSIGNED, UUID])
def test_what_looks_like_a_credential(value):
    assert looks_secret(value)


HARMLESS = [
    "linux",
    "registry.example/a/very/long/path/of/words/and/more/words:v1",
    "dc1",
    "/health",
    f"registry.example/team/app:{COMMIT}",
    f"registry.example:5000/app:v1@{DIGEST}",
    "git@github.com:team/app.git",
    "https://docs.example:8080/@team/app",
    "release-2024-01-15-build-1234-x86_64-linux",
    "MyVeryLongServiceNameWithManyWordsInIt",
    "${attr.kernel.name} = linux",
    "s.cloudfront.example",
    "sk-learn-model-server",
    "npm_config_registry",
    "10m30s",
]


@pytest.mark.parametrize("value", HARMLESS)
def test_what_does_not(value):
    assert not looks_secret(value)
    assert scrub(value) == value


@pytest.mark.parametrize("secret", TOKENS)
@pytest.mark.parametrize("text", ["{}", "cannot start: {}: permission denied", 'driver said "{}", giving up', "x={};y"])
def test_no_token_stays_in_a_text(text, secret):
    said = scrub(text.format(secret))
    assert not any(part in said for part in secret.split())
    assert HIDDEN in said


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            'failed to download artifact "http://me:Hidden7@127.0.0.1:1/x": exit status 1',
            'failed to download artifact "http://(hidden)@127.0.0.1:1/x": exit status 1',
        ),
        ("Get 'https://x.example/a?sig=1&x=2': 403", "Get 'https://x.example/a?(hidden)': 403"),
        ("https://x.example/a?sig=1: 403", "https://x.example/a?(hidden): 403"),
        ("https://x.example/cb#id_token=abc", "https://x.example/cb#(hidden)"),
        ("git::https://x.example/a?ref=v1&depth=1", "git::https://x.example/a?ref=v1&depth=1"),
        ("http://me:p@ss@x.example/", "http://(hidden)@x.example/"),
        ("https://hooks.slack.com/services/T1/B1/abc: 404", "https://hooks.slack.com/services/(hidden): 404"),
        (f"allocation {UUID} failed", "allocation 0c8a4f2e… failed"),
        (f"token={UUID}", "token=(hidden)"),
        ('set "password": "a b", please', 'set "password": "(hidden)", please'),
        (r"env={\"password\":\"a b\"}", r"env={\"password\":\"(hidden)\"}"),
        ("Vault token: Error making API request", "Vault token: Error making API request"),
        ("token: 9abc is unknown", "token: (hidden) is unknown"),
        ("wrong password: abc", "wrong password: (hidden)"),
        ("Basic dXNlcjpwdw==", "Basic (hidden)"),
        ("Why not? Because", "Why not? Because"),
        (f"cannot pull x.example/a/app:{COMMIT}: 404", f"cannot pull x.example/a/app:{COMMIT}: 404"),
        (f"app@{DIGEST} and {COMMIT}", f"app@{DIGEST} and (hidden)"),
        ("", ""),
    ],
)  # fmt: skip
def test_the_harmless_part_stays(text, said):
    assert scrub(text) == said


def test_hidden_values_are_masked_as_whole_words():
    hidden = maskable(["production", "hunter2-and-more", "hunter2-", "a\"b c d'e"], [])
    assert scrub("production: production-eu, my.production, production.", hidden) == (
        "(hidden): production-eu, my.production, (hidden)."
    )
    assert scrub("--pw hunter2-and-more", hidden) == "--pw (hidden)"
    for written in ("a\"b c d'e", json.dumps("a\"b c d'e")[1:-1], quote("a\"b c d'e", safe="")):
        assert scrub(f"<{written}>", hidden) == "<(hidden)>"


def test_short_plain_or_shown_values_are_never_masked():
    values = ["hunter2", "123456789", "10.11.12.13:8080", "1h30m45.5s", "${NOMAD_ALLOC_DIR}", "us-west-2a", "hunter22"]
    assert maskable(values, ["node in us-west-2a"]) == {"hunter22"}


def test_the_values_inside_a_script_are_masked_and_its_words_are_not():
    template = 'user = service\nDB_PASSWORD="correcthorse"\nupstream backend { key: staple1battery; }\n'
    found = maskable([template, "-c", "login hunter2secret | connect"], [])
    assert {"correcthorse", "staple1battery", "hunter2secret"} <= found
    assert not {"upstream", "backend", "connect", "password"} & found


SECRETS = st.sampled_from([*TOKENS, *ADDRESSES])
WORDS = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), max_size=30)


@given(WORDS, SECRETS, WORDS)
def test_what_was_masked_stays_as_it_is(before, secret, after):
    once = scrub(f"{before} {secret} {after}")
    assert scrub(once) == once


@given(st.lists(WORDS, max_size=4), WORDS)
def test_any_text_and_any_hidden_values_are_taken(hidden, text):
    found = maskable(hidden, [])
    assert not any(len(each) < 8 for each in found)
    assert isinstance(scrub(text, found), str)
