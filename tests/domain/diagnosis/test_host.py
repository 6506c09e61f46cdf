from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from bot.domain.diagnosis import host
from bot.domain.diagnosis.host import CatalogState, Disk, GivenSecrets, SecretFile

GIVEN = GivenSecrets(
    bot_token="xoxb-1-2", signing_secrets=("0f" * 16,), app_token="", redaction="", needs_redaction=False
)
GIB = 2**30
NETWORK = (
    "error: disk of /d: is a network file system (nfs4), on which SQLite's locks are unreliable; "
    "move the file to a local disk, or use PostgreSQL"
)


def lines(findings: Any) -> list[str]:
    return [str(each) for each in findings]


def test_valid_settings_are_one_line() -> None:
    assert lines(host.settings([], GIVEN)) == ["ok: settings: all are valid"]
    assert lines(host.settings([], replace(GIVEN, bot_token="xoxe.xoxb-1", redaction="x" * 32, needs_redaction=True)))[
        0
    ].startswith("ok")


@pytest.mark.parametrize(
    ("change", "line"),
    [
        ({"bot_token": ""}, "error: setting SLACK_BOT_TOKEN: is not set; copy the bot token"),
        ({"bot_token": "xoxp-1"}, "error: setting SLACK_BOT_TOKEN: is a user token, not a bot token; "),
        ({"bot_token": "1234"}, "error: setting SLACK_BOT_TOKEN: does not look like a bot token; "),
        ({"signing_secrets": ()}, "error: setting SLACK_SIGNING_SECRET: is not set; copy it from"),
        ({"signing_secrets": ("0f" * 16,) * 3}, "error: setting SLACK_SIGNING_SECRET: has 3 secrets; keep at most"),
        ({"signing_secrets": ("0F" * 16,)}, "error: setting SLACK_SIGNING_SECRET: does not look like a signing secret"),
        ({"app_token": "xapp-1"}, "error: setting SLACK_APP_TOKEN: is set, but Socket Mode isn't available yet; unset"),
        ({"redaction": "short"}, "error: setting NOMATRON_SECRET: is too short (5 bytes); set it to at least 32"),
        (
            {"needs_redaction": True},
            "error: setting NOMATRON_SECRET: is not set, and with PostgreSQL there is no secret file",
        ),
    ],
)
def test_a_setting_of_the_wrong_form(change: dict[str, Any], line: str) -> None:
    (said,) = lines(host.settings([], replace(GIVEN, **change)))

    assert said.startswith(line)
    assert not any(str(value) in said for value in change.values() if isinstance(value, str) and len(value) > 5)


def test_invalid_settings_are_listed() -> None:
    assert lines(host.settings(["PORT: no number"], GIVEN)) == [
        "error: settings: PORT: no number; correct it in this process's environment"
    ]


@pytest.mark.parametrize(
    ("file", "line"),
    [
        (SecretFile("/s", 0o600, ours=True), "ok: secret file /s: only its owner can read it"),
        (
            SecretFile("/s", 0o640, ours=True),
            "error: secret file /s: other users can read it (mode 0640); chmod 600 /s",
        ),
        (SecretFile("/s", 0o444, ours=False), "warning: secret file /s: other users can read it (mode 0444); chmod"),
    ],
)
def test_secret_files(file: SecretFile, line: str) -> None:
    assert str(host.secret_file(file)).startswith(line)


def test_revisions() -> None:
    assert str(host.revision("0002", "0002")) == "ok: database: is at revision 0002"
    assert str(host.revision(None, "0002")) == "error: database: has no tables yet; run `nomatron migrate`"
    assert "is at revision 0001, but this code needs 0002; run `nomatron migrate`" in str(host.revision("0001", "0002"))


@pytest.mark.parametrize(
    ("disk", "said"),
    [
        (None, []),
        (Disk("/d", "ext4", GIB), ["ok: disk of /d: ext4, 1024 MiB left"]),
        (
            Disk("/d", "nfs4", 10 * 2**20),
            [
                NETWORK,
                "error: disk of /d: has only 10 MiB left; free at least 256 MiB",
            ],
        ),
        (
            Disk("/d", "", GIB),
            ["unknown: disk of /d: cannot tell the type of its file system; make sure that it is a local one"],
        ),
    ],
)
def test_disks(disk: Disk | None, said: list[str]) -> None:
    assert lines(host.disk(disk)) == said


@pytest.mark.parametrize(
    ("change", "line"),
    [
        ({}, "ok: catalog /c: is the active catalog, aaaaaaaaaaaa"),
        (
            {"active": "b" * 64},
            "error: catalog /c: differs from the active catalog (aaaaaaaaaaaa is in the folder, bbb",
        ),
        ({"active": None}, "error: catalog /c: no catalog was ever applied; run `nomatron apply`"),
        ({"read": None, "errors": 1}, "error: catalog /c: has 1 error; run `nomatron check /c`"),
        ({"read": None, "errors": 2}, "error: catalog /c: has 2 errors; run `nomatron check /c`"),
    ],
)
def test_catalogs(change: dict[str, Any], line: str) -> None:
    state = CatalogState(folder="/c", errors=0, read="a" * 64, active="a" * 64)

    assert str(host.catalog(replace(state, **change))).startswith(line)
