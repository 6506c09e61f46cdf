"""``nomatron doctor`` against a running sandbox: each checked thing is broken in turn, and its line is read."""

from __future__ import annotations

import json
import logging
import re
from contextlib import contextmanager, redirect_stdout
from io import StringIO
from typing import TYPE_CHECKING, Any

import pytest

from bot.__main__ import main
from bot.settings import SECRETS as NAMES
from tests.e2e.driver import ALICE, AUDIT, OPS, PRODUCTION, STAGING, Sandbox

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

TOKEN, SECRET = "xoxb-0123456789-abcdefghijklmnop", "0123456789abcdef" * 2
NOMAD_TOKEN = "00000000-0000-4000-8000-000000000001"
SRE = "S0SRE00001"
SECRETS = {*NAMES, "NOMAD_TOKEN_SANDBOX"}
ALL = ["parse-job", "plan-job", "read-job", "register-job", "list-jobs"]
FOUR = ALL[:4]


@contextmanager
def _as_before() -> Iterator[None]:
    """The root logger as it was: the command sets up logs for a process of its own."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    try:
        yield
    finally:
        root.handlers[:] = handlers
        root.setLevel(level)


class Practice:
    """A sandbox, the settings of its bot, and ``doctor`` run with them."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.settings = {
            "SLACK_BOT_TOKEN": TOKEN,
            "SLACK_SIGNING_SECRET": SECRET,
            "SLACK_API_URL": f"{sandbox.about['slack']}/api/",
            "NOMAD_TOKEN_SANDBOX": NOMAD_TOKEN,
        }

    def run(self, *words: str, **settings: str) -> tuple[int, str]:
        """In this process, for speed: its exit status and what it printed."""
        files = {
            "NOMATRON_CATALOG": str(self.sandbox.catalog),
            "NOMATRON_DATABASE_URL": f"sqlite+aiosqlite:///{self.sandbox.database}",
        }
        printed = StringIO()
        with _as_before(), pytest.MonkeyPatch.context() as patch, redirect_stdout(printed):
            for name, value in {**files, **self.settings, **settings}.items():
                patch.setenv(name, value)
            status = main(["doctor", *words])
        for secret in (TOKEN, SECRET, NOMAD_TOKEN, *(settings[name] for name in SECRETS & settings.keys())):
            assert not secret or secret not in printed.getvalue()
        return status, printed.getvalue()

    def says(self, line: str, /, *, ends: int = 1, settings: dict[str, str] | None = None) -> None:
        """It prints a line that begins so, with a fix after it, and ends with that status."""
        status, printed = self.run(**(settings or {}))
        lines = [each for each in printed.splitlines() if each.startswith(line)]
        assert lines, printed
        assert re.search(r"; \S.{5}", lines[0]), lines[0]
        assert status == ends, printed

    def edit(self, old: str, new: str, file: str = "nomatron.yaml") -> None:
        path = self.sandbox.catalog / file
        text = path.read_text("utf-8")
        assert old in text
        path.write_text(text.replace(old, new), "utf-8")


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Practice]:
    """One sandbox for all of them: each test puts right what it broke."""
    settings = {"SLACK_BOT_TOKEN": TOKEN, "SLACK_SIGNING_SECRET": SECRET}
    with Sandbox(tmp_path_factory.mktemp("doctor"), "--no-seed", environment=settings) as sandbox:
        yield Practice(sandbox)


@pytest.fixture
def practice(running: Practice) -> Iterator[Practice]:
    folder = running.sandbox.catalog
    kept = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    workspace = running.sandbox.post("slack", "/sandbox/workspace", {})
    yield running
    for path, content in kept.items():
        path.write_bytes(content)
    slack = {
        "workspace": workspace,
        "fault": {"method": "*", "mode": "none"},
        "people": {"user": ALICE, "deleted": False, "is_restricted": False},
        "groups": {"group": SRE, "users": ["U0SAM00001"]},
        "limits": {"enforced": False},
    }
    for what, body in slack.items():
        running.sandbox.post("slack", f"/sandbox/{what}", body)
    for channel in (STAGING, PRODUCTION, OPS, AUDIT):
        right = {"channel": channel, "archived": False, "private": False, "is_ext_shared": False}
        running.sandbox.post("slack", "/sandbox/channels", right)
    running.sandbox.post("nomad", "/sandbox/pretend", {})
    running.sandbox.post("nomad", "/sandbox/outage", {"mode": "none"})


def test_a_correct_set_up_has_no_errors(practice: Practice) -> None:
    status, printed = practice.run()

    assert status == 0
    assert printed.splitlines()[0].startswith("warning: cluster sandbox token: ACLs are off")
    assert printed.splitlines()[1].startswith("0 errors, 1 warning, ")


def test_as_a_process_of_its_own(practice: Practice) -> None:
    done = practice.sandbox.command("doctor", "--json", **practice.settings)

    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["ok"]


def test_verbosely_it_says_what_is_ok(practice: Practice) -> None:
    status, printed = practice.run("-v")

    assert status == 0
    for subject in ("settings", "database", "catalog", "slack scopes", f"channel {STAGING}", f"user group {SRE}"):
        assert f"ok: {subject}" in printed
    assert f"ok: person {ALICE} (checkout-owners, report-owners): Alice can request and approve" in printed
    assert "ok: template web for checkout in production: this cluster accepts it" in printed


def test_programs_read_json(practice: Practice) -> None:
    practice.sandbox.post("slack", "/sandbox/channels", {"channel": STAGING, "archived": True})

    status, printed = practice.run("--json")
    document = json.loads(printed)

    assert (status, document["ok"]) == (1, False)
    (archived,) = (each for each in document["findings"] if each["severity"] == "error")
    assert archived["subject"] == f"channel {STAGING} (staging)"
    assert set(archived) == {"severity", "subject", "problem", "fix"}
    assert {"subject": "settings", "detail": "all are valid"} in document["passed"]


# --- host ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "settings"),
    [
        ("error: settings: PORT: ", {"PORT": "http"}),
        ("error: settings: SLACK_API_URL: not an https address", {"SLACK_API_URL": "http://slack.example/api/"}),
        ("error: settings: NOMATRON_DATABASE_URL: The database URL starts with mysql://", {"NOMATRON_DATABASE_URL": "mysql://x/y"}),
        ("error: setting SLACK_BOT_TOKEN: is a user token, not a bot token", {"SLACK_BOT_TOKEN": "xoxp-1-2-3"}),
        ("error: setting SLACK_BOT_TOKEN: is not set", {"SLACK_BOT_TOKEN": ""}),
        ("error: setting SLACK_SIGNING_SECRET: does not look like", {"SLACK_SIGNING_SECRET": "hunter2hunter2"}),
        ("error: setting NOMATRON_SECRET: is too short (9 bytes)", {"NOMATRON_SECRET": "too-short"}),
        ("error: setting SLACK_APP_TOKEN: is set", {"SLACK_APP_TOKEN": "xapp-1-abcdef"}),
        ("error: cluster sandbox: NOMAD_TOKEN_SANDBOX is not set", {"NOMAD_TOKEN_SANDBOX": ""}),
        ("error: catalog /nowhere-at-all: has 1 error", {"NOMATRON_CATALOG": "/nowhere-at-all"}),
        ("error: database: the database cannot be used", {"NOMATRON_DATABASE_URL": "postgresql://n:hunter22@127.0.0.1:1/n"}),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else None,
)  # fmt: skip
def test_a_setting_that_is_wrong_has_its_line(practice: Practice, line: str, settings: dict[str, str]) -> None:
    practice.says(line, settings=settings)


def test_a_secret_that_others_can_read(practice: Practice) -> None:
    file = practice.sandbox.database.with_name("nomatron.secret")
    file.chmod(0o644)
    try:
        practice.says(f"error: secret file {file}: other users can read it (mode 0644)")
    finally:
        file.chmod(0o600)


def test_a_mounted_secret_that_others_can_read_is_a_warning(practice: Practice, tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text(f"{TOKEN}\n", "utf-8")
    file.chmod(0o644)

    mounted = {"SLACK_BOT_TOKEN": "", "SLACK_BOT_TOKEN_FILE": str(file)}
    practice.says(f"warning: secret file {file}: other users can read it (mode 0644)", ends=0, settings=mounted)


def test_a_database_that_was_not_migrated(practice: Practice, tmp_path: Path) -> None:
    file = tmp_path / "new.db"

    practice.says(
        "error: database: has no tables yet; run `nomatron migrate`",
        settings={"NOMATRON_DATABASE_URL": f"sqlite:///{file}"},
    )

    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_not_the_active_catalog(practice: Practice) -> None:
    practice.edit("expires: 24h", "expires: 12h")

    practice.says(f"error: catalog {practice.sandbox.catalog}: differs from the active catalog")


def test_a_folder_with_errors_leaves_the_active_catalog_to_be_examined(practice: Practice) -> None:
    practice.edit("cluster: sandbox", "cluster: elsewhere")
    practice.sandbox.post("slack", "/sandbox/channels", {"channel": STAGING, "archived": True})

    practice.says(f"error: catalog {practice.sandbox.catalog}: has 2 errors")
    practice.says(f"error: channel {STAGING} (staging): #staging is archived")


# --- Slack -----------------------------------------------------------------------------------------------------------

OTHER = "xoxb-9999999999-zzzzzzzzzzzzzzzz"
FEW = ["commands", "chat:write", "users:read"]
SAM = ["U0SAM00001"]
GROUP, PERSON = f"user group {SRE} (sre)", f"person {ALICE} (checkout-owners, report-owners)"
THERE = f"channel {AUDIT} (digest at 09:00)"
IN_STAGING, IN_PRODUCTION = f"channel {STAGING} (staging)", f"channel {PRODUCTION} (production)"
HIDDEN = "does not exist, or is private"
SLACK: dict[str, tuple[str, dict[str, Any], str]] = {
    "scope": ("workspace", {"scopes": FEW}, "slack scopes: the token lacks channels:read"),
    "clock": ("workspace", {"clock": 400}, "slack clock: this host's clock is "),
    "behind": ("workspace", {"clock": -400}, "slack clock: this host's clock is "),
    "plan": ("workspace", {"paid_plan": False}, "user groups: plan_upgrade_required"),
    "away": ("fault", {"method": "*", "mode": "500"}, "slack token: auth.test: no usable answer"),
    "archived": ("channels", {"channel": PRODUCTION, "archived": True}, f"{IN_PRODUCTION}: #production is archived"),
    "private": ("channels", {"channel": PRODUCTION, "private": True}, f"{IN_PRODUCTION}: {HIDDEN}"),
    "admin": ("channels", {"channel": OPS, "private": True}, f"channel {OPS} (admin_channel): {HIDDEN}"),
    "digest gone": ("channels", {"channel": AUDIT, "archived": True}, f"{THERE}: #audit is archived; unarchive it"),
    "digest hidden": ("channels", {"channel": AUDIT, "private": True}, f"{THERE}: {HIDDEN}"),
    "shared": ("channels", {"channel": STAGING, "is_ext_shared": True}, f"{IN_STAGING}: #staging is shared"),
    "disabled": ("groups", {"group": SRE, "users": SAM, "disabled": True}, f"{GROUP}: @sre is disabled"),
    "empty": ("groups", {"group": SRE, "users": []}, f"{GROUP}: @sre has no members"),
    "deactivated": ("people", {"user": ALICE, "deleted": True}, f"{PERSON}: This Slack account is deactivated"),
    "guest": ("people", {"user": ALICE, "is_restricted": True}, f"{PERSON}: Guests"),
}


@pytest.mark.parametrize(("switch", "body", "line"), SLACK.values(), ids=SLACK)
def test_what_is_broken_in_slack_has_its_line(practice: Practice, switch: str, body: dict[str, Any], line: str) -> None:
    practice.sandbox.post("slack", f"/sandbox/{switch}", body)

    practice.says(f"error: {line}")


def test_a_wrong_bot_token(practice: Practice) -> None:
    practice.says("error: slack token: invalid_auth", settings={"SLACK_BOT_TOKEN": OTHER})


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        ("channel: C0STAGING1", "channel: C0NOWHERE1", "channel C0NOWHERE1 (staging): does not exist"),
        ("S0SRE00001", "S0GONE0001", "user group S0GONE0001 (sre): does not exist in this workspace"),
        (
            "[U0BOB00001, U0CAROL001]",
            "[U0BOB00001, U0NOBODY01]",
            "person U0NOBODY01 (mailer-owners): Slack knows nobody",
        ),
    ],
    ids=["channel", "group", "person"],
)
def test_an_id_that_slack_does_not_know(practice: Practice, old: str, new: str, line: str) -> None:
    practice.edit(old, new)

    practice.says(f"error: {line}")


def test_without_an_admin_channel_there_is_a_warning(practice: Practice) -> None:
    practice.edit("admin_channel: C0OPS00001", "")

    _, printed = practice.run()
    assert "warning: admin channel: the catalog names none" in printed


# --- Nomad -----------------------------------------------------------------------------------------------------------

RIGHTS = "cluster sandbox namespace"
IN_APPS = f"{RIGHTS} apps rights: the token"
DOWN, UNKNOWN = "error: cluster sandbox: ", "error: cluster sandbox token: Nomad does not allow our token to do this"


def acls(*apps: str, **more: Any) -> dict[str, Any]:
    """A token of type client with all rights in staging, and these in apps."""
    return {"acl": "client", "capabilities": {"staging": ALL, **({"apps": apps} if apps else {})}, **more}


NOMAD: dict[str, tuple[str, dict[str, Any], str]] = {
    "refused": ("outage", {"mode": "refuse"}, DOWN),
    "page": ("outage", {"mode": "html"}, f"{DOWN}answered 502 with a web page"),
    "leader": ("outage", {"mode": "error500"}, f"{DOWN}answered 500: No cluster leader"),
    "forbidden": ("outage", {"mode": "forbidden"}, f"{DOWN}Nomad does not allow our token to do this"),
    "unknown": ("pretend", {"acl": "unknown"}, UNKNOWN),
    "expired": ("pretend", {"acl": "expired"}, f"{UNKNOWN}: ACL token expired"),
    "anonymous": ("pretend", {"acl": "anonymous"}, "error: cluster sandbox token: Nomad received no token"),
    "clock": ("pretend", {"clock": 400}, "error: cluster sandbox clock: this host's clock is "),
    "old": ("pretend", {"version": "1.8.4"}, "error: cluster sandbox version: Nomad 1.8.4-sim is not supported"),
    "register": ("pretend", acls("parse-job", "plan-job", "read-job"), f"error: {IN_APPS} lacks register-job"),
    "plan": ("pretend", acls("parse-job", "read-job", "register-job"), f"error: {IN_APPS} lacks plan-job"),
    "nothing": ("pretend", acls(), f"error: {IN_APPS} lacks parse-job, plan-job, read-job, register-job"),
}


@pytest.mark.parametrize(("switch", "body", "line"), NOMAD.values(), ids=NOMAD)
def test_what_is_broken_in_nomad_has_its_line(practice: Practice, switch: str, body: dict[str, Any], line: str) -> None:
    practice.sandbox.post("nomad", f"/sandbox/{switch}", body)

    practice.says(line)


LESS: dict[str, tuple[dict[str, Any], str]] = {
    "management": ({"acl": "management"}, "warning: cluster sandbox token: the token is a management token"),
    "more": (acls(*ALL, "alloc-exec"), f"warning: {IN_APPS} can do more than needed: alloc-exec"),
    "check-and-set": ({"version": "1.10.2"}, "warning: cluster sandbox version: Nomad 1.10.2-sim can accept two"),
    "hidden": (
        acls(*ALL, readable=False),
        f"unknown: {RIGHTS} apps rights: cannot tell whether the token has register-job",
    ),
    "version": (acls(*ALL), "unknown: cluster sandbox version: the token may not read it"),
}


@pytest.mark.parametrize(("body", "line"), LESS.values(), ids=LESS)
def test_what_could_be_better_in_nomad_is_said_and_ends_with_0(
    practice: Practice, body: dict[str, Any], line: str
) -> None:
    practice.sandbox.post("nomad", "/sandbox/pretend", body)

    practice.says(line, ends=0)


def test_the_four_capabilities_of_the_install_page_are_enough(practice: Practice) -> None:
    four = {"acl": "client", "capabilities": {"staging": FOUR, "apps": FOUR}}
    practice.sandbox.post("nomad", "/sandbox/pretend", four)

    status, printed = practice.run("-v")

    assert status == 0
    assert f"ok: {IN_APPS} has what this version needs (it lacks deregister-job" in printed


def test_a_namespace_that_is_not_there(practice: Practice) -> None:
    practice.edit("namespace: apps", "namespace: shop")

    practice.says("error: cluster sandbox namespace shop: does not exist")


@pytest.mark.parametrize(
    ("change", "line"),
    [
        (lambda text: text + "\nfrobnicate {\n}\n", "template web for checkout in production: line "),
        (
            lambda text: text + '\nlocals {\n  broken = file("/etc/passwd")\n}\n',
            "template web for checkout in staging: ",
        ),
    ],
    ids=["block", "file"],
)
def test_a_template_that_nomad_refuses(practice: Practice, change: Callable[[str], str], line: str) -> None:
    path = practice.sandbox.catalog / "templates" / "web.nomad.hcl"
    path.write_text(change(path.read_text("utf-8")), "utf-8")

    practice.says(f"error: {line}")


def test_one_failing_check_hides_no_other(practice: Practice) -> None:
    practice.sandbox.post("slack", "/sandbox/fault", {"method": "conversations.info", "mode": "500"})
    practice.sandbox.post("slack", "/sandbox/groups", {"group": SRE, "users": []})
    practice.sandbox.post("nomad", "/sandbox/pretend", {"clock": 400})
    practice.edit("namespace: apps", "namespace: shop")

    status, printed = practice.run(PORT="http")

    assert status == 1
    for line in (
        "error: settings: PORT",
        f"error: channel {OPS} (admin_channel): conversations.info: no usable answer",
        "unknown: channels: 3 more not checked",
        f"error: user group {SRE} (sre): @sre has no members",
        "error: cluster sandbox clock: ",
        "error: cluster sandbox namespace shop: does not exist",
    ):
        assert line in printed
