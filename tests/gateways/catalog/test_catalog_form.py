"""The form of each key, put into words with a line and a mend."""

from __future__ import annotations

import pytest

CHECKOUT = "services/checkout.yaml"
MAIN = "nomatron.yaml"

MISSHAPEN = [
    # keys
    (MAIN, "admin_channel:", "admin_chanel: # here\n ", "unknown key `admin_chanel`; did you mean `admin_channel`?"),
    (
        MAIN,
        "    cluster: eu\n    namespace: staging",
        "    clusters: eu  # here\n    cluster: eu\n    namespace: staging",
        "unknown key `clusters` in `staging`; did you mean `cluster`?",
    ),
    (
        MAIN,
        "{from: sre, count: 1}",
        "{from: sre, zzz: 1}",
        "unknown key `zzz` in `approvals`; known: `count`, `from`",
    ),
    (
        CHECKOUT,
        "      staging: {variables: {count: 1}}",
        "      staging: {variable: {count: 1}}  # here",
        "unknown key `variable` in `staging`; did you mean `variables`?",
    ),
    (MAIN, "    approvals: []\n", "", "`approvals` is missing in `staging`; add it"),
    (CHECKOUT, "    version_variable: image_tag\n", "", "`version_variable` is missing in `checkout`; add it"),
    # kinds of value
    (MAIN, "channel: C0STAGING1", "channel: 7  # here", "`channel`: 7 must be text; put it in quotes"),
    (
        MAIN,
        "    reason: required",
        "    self_approval: nope  # here",
        "`self_approval`: 'nope' must be true or false; write one of them, without quotes",
    ),
    (
        MAIN,
        "approvals: [{from: sre, count: 1}",
        "approvals: [{from: sre, count: '1'}",
        "`count`: '1' must be a whole number; write it without quotes",
    ),
    (
        MAIN,
        "approvals: [{from: sre, count: 1}",
        "approvals: [{from: sre, count: 0}",
        "`count`: 0 is out of range; write at least 1",
    ),
    (
        MAIN,
        "approvals: [{from: sre, count: 1}",
        "approvals: [{from: sre, count: 99}",
        "`count`: 99 is out of range; write at most 20",
    ),
    (
        MAIN,
        "    approvals: []\n",
        "    approvals: sre  # here\n",
        "`approvals`: 'sre' must be a list; write `- ` before each item, or [a, b]",
    ),
    (
        MAIN,
        "variables: {log_level: debug}",
        "variables: [log_level]  # here",
        "`variables`: must be a mapping; write `key: value` lines below it",
    ),
    # ids and names
    (
        MAIN,
        "channel: C0STAGING1",
        'channel: "#staging"  # here',
        "`channel`: '#staging' is not a Slack channel id; write one such as C0123ABCD",
    ),
    (
        MAIN,
        "developers: {usergroup: S0DEV00001}",
        'developers: {usergroup: "@dev"}  # here',
        "`usergroup`: '@dev' is not a Slack user group id; write one such as S0123ABCD",
    ),
    (
        MAIN,
        "U0BOB00001",
        "bob",
        "`users`: 'bob' is not a Slack user id; write one such as U0123ABCD",
    ),
    (
        MAIN,
        "  sre: {usergroup",
        "  SRE: {users: [U0SAM00001]}  # here\n  sre: {usergroup",
        "`SRE`: 'SRE' is not a name; use at most 63 lower-case letters, digits, `.`, `_` and `-`",
    ),
    (
        MAIN,
        "developers: {usergroup: S0DEV00001}",
        "developers: {usergroup: S0DEV00001, users: [U0BOB00001]}  # here",
        "`developers`: a group needs either `usergroup` or `users`; write exactly one of them",
    ),
    (
        MAIN,
        "developers: {usergroup: S0DEV00001}",
        "developers: {users: []}  # here",
        "`users`: must not be empty; add an entry, or remove the key",
    ),
    (
        MAIN,
        "namespace: staging",
        "namespace: the staging  # here",
        "`namespace`: 'the staging' is not a Nomad namespace; use at most 128 letters, digits and `-`",
    ),
    (
        CHECKOUT,
        "    variables: {port: 8080}",
        '    job: "check out"  # here',
        (
            "`job`: 'check out' is not a Nomad job id; use up to 128 characters without spaces, not `.` or `..` alone, "
            "and no placeholder but {environment}"
        ),
    ),
    (
        CHECKOUT,
        "    variables: {port: 8080}",
        '    job: "{service}-x"  # here',
        (
            "`job`: '{service}-x' is not a Nomad job id; use up to 128 characters without spaces, not `.` or `..` "
            "alone, and no placeholder but {environment}"
        ),
    ),
    (
        CHECKOUT,
        "    variables: {port: 8080}",
        '    job: ".."  # here',
        (
            "`job`: '..' is not a Nomad job id; use up to 128 characters without spaces, not `.` or `..` alone, "
            "and no placeholder but {environment}"
        ),
    ),
    # closed lists
    (
        MAIN,
        "may: [request, promote]",
        "may: [request, promot]",
        "`may`: 'promot' is not one of its values; did you mean `promote`?",
    ),
    (
        MAIN,
        "reason: required",
        "reason: always  # here",
        "`reason`: 'always' is not one of its values; known: `optional`, `required`",
    ),
    # time
    (
        MAIN,
        "timezone: Europe/Amsterdam",
        "timezone: Europe/Amsterdm  # here",
        "`timezone`: 'Europe/Amsterdm' is not a time zone; did you mean `Europe/Amsterdam`?",
    ),
    (
        MAIN,
        "timezone: Europe/Amsterdam",
        'timezone: ""  # here',
        "`timezone`: '' is not a time zone; write an IANA name, such as Europe/Amsterdam",
    ),
    (
        MAIN,
        "expires: 12h",
        "expires: 12 hours  # here",
        "`expires`: '12 hours' is not a duration; write a number with d, h, m or s, such as 30m or 24h",
    ),
    (
        MAIN,
        "expires: 12h",
        "expires: 0m  # here",
        "`expires`: '0m' must be longer than zero; write a duration such as 24h",
    ),
    (
        MAIN,
        "expires: 12h",
        "expires: 999999999d  # here",
        "`expires`: 999999999d is longer than ten years; write a shorter duration",
    ),
    # addresses
    (
        MAIN,
        '"https://nomad.example:4646"',
        "nomad.example:4646",
        "`address`: 'nomad.example:4646' is not a web address; write it as https://host or https://host:port",
    ),
    (
        MAIN,
        "https://nomad.example:4646",
        "https://nomad.example:99999",
        "`address`: 'https://nomad.example:99999' is not a web address; write it as https://host or https://host:port",
    ),
    (
        MAIN,
        "https://nomad.example:4646",
        "https://me:word@nomad.example",
        (
            "`address`: an address must not contain a user or password, because everyone can read the catalog; put a "
            "token into an environment variable, and name that in `token_env`"
        ),
    ),
    (
        MAIN,
        "https://nomad.example:4646",
        "https://nomad.example/?region=eu",
        "`address`: 'https://nomad.example/?region=eu' is more than an address; remove everything from `?` or `#` on",
    ),
    (
        CHECKOUT,
        "{from}...{to}",
        "{old}...{new}",
        (
            "`compare`: `compare` must contain {to}, may contain {from}, and can have no other placeholder; write it "
            "as https://host/compare/{from}...{to}"
        ),
    ),
    (
        MAIN,
        "file: templates/web.nomad.hcl",
        "file: ../web.nomad.hcl",
        (
            "`file`: '../web.nomad.hcl' is not a path inside the catalog's folder; write it relative to the folder, "
            "with `/`"
        ),
    ),
]


@pytest.mark.parametrize(("file", "old", "new", "expected"), MISSHAPEN)
def test_a_wrong_form_is_an_error_with_its_fix(folder, file, old, new, expected):
    folder.change(old, new, file=file)
    found = folder.errors()

    assert any(each.endswith(f": {expected}") for each in found), found
    for place in folder.here():
        assert f"{place}: {expected}" in found


@pytest.mark.parametrize("text", ["", "- a\n", "words\n"])
def test_a_services_file_of_another_form_is_an_error(folder, text):
    folder.write("services/mailer.yaml", text)

    (issue,) = folder.errors()
    assert issue.startswith("services/mailer.yaml:1: this file ")
    assert issue.endswith("must be a mapping; write `key: value` lines below it")


def test_a_service_on_its_own_needs_its_section(folder):
    folder.write("services/mailer.yaml", "name: mailer\n")

    assert folder.errors() == [
        "services/mailer.yaml:1: `services` is missing; add it",
        "services/mailer.yaml:1: unknown key `name`; known: `services`",
    ]


def test_durations_add_up(folder):
    folder.change("expires: 12h", "expires: 1d2h30m")

    assert folder.read().catalog.environments["production"].expires.total_seconds() == 26.5 * 3600
