"""The findings about this host: settings, files, the database and the catalog."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from bot.domain.diagnosis.finding import Finding, ok, unknown, warning

LEAST_FREE = 256 * 1024 * 1024
"""Bytes that must be free on a disk: a SQLite database and its log may double in size for a moment."""

NETWORK_FILE_SYSTEMS = frozenset(
    {
        "9p", "afs", "beegfs", "ceph", "cifs", "fuse.ceph-fuse", "fuse.gcsfuse", "fuse.glusterfs", "fuse.mfs",
        "fuse.rclone", "fuse.s3fs", "fuse.sshfs", "gfs2", "glusterfs", "gpfs", "lustre", "ncpfs", "nfs", "nfs4",
        "ocfs2", "smb3", "smbfs", "virtiofs", "vboxsf",
    }
)  # fmt: skip
"""File systems on which SQLite's locks are unreliable (https://www.sqlite.org/lockingv3.html, section 6; https://www.sqlite.org/wal.html)."""

SECRET_LENGTH = 32
_OTHERS = 0o077
_SIGNING_SECRET = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenSecrets:
    """The secrets in the settings. Only their form is checked, and no finding contains one."""

    bot_token: str
    signing_secrets: tuple[str, ...]
    app_token: str
    redaction: str
    needs_redaction: bool


@dataclass(frozen=True, slots=True)
class SecretFile:
    """A file that holds a secret: its path, its permission bits, and whether Nomatron created it."""

    path: str
    mode: int
    ours: bool


@dataclass(frozen=True, slots=True)
class Disk:
    """The disk of a SQLite file: the type of its file system (empty if unknown) and the free bytes."""

    path: str
    kind: str
    free: int


def settings(wrong: Iterable[str], given: GivenSecrets) -> tuple[Finding, ...]:
    """Findings about invalid settings (``wrong`` has a line for each) and about secrets of the wrong form."""
    findings = [Finding("settings", line, "correct it in this process's environment") for line in wrong]
    findings += [*_bot_token(given.bot_token), *_signing(given.signing_secrets), *_others(given)]
    return tuple(findings) or (ok("settings", "all are valid"),)


def _bot_token(token: str) -> Iterable[Finding]:
    name, fix = "setting SLACK_BOT_TOKEN", "copy the bot token (xoxb-…) from the app's OAuth & Permissions page"
    if not token:
        yield Finding(name, "is not set", fix)
    elif not token.startswith(("xoxb-", "xoxe.xoxb-")):
        problem = "is a user token, not a bot token" if token.startswith("xoxp-") else "does not look like a bot token"
        yield Finding(name, problem, fix)


def _signing(secrets: tuple[str, ...]) -> Iterable[Finding]:
    name, fix = "setting SLACK_SIGNING_SECRET", "copy it from the app's Basic Information page"
    if not secrets:
        yield Finding(name, "is not set", fix)
    if len(secrets) > 2:
        yield Finding(name, f"has {len(secrets)} secrets", "keep at most two (comma-separated) while you rotate them")
    if not all(_SIGNING_SECRET.fullmatch(each) for each in secrets):
        yield Finding(name, "does not look like a signing secret (32 hexadecimal digits)", fix)


def _others(given: GivenSecrets) -> Iterable[Finding]:
    if given.app_token:
        problem = "is set, but Socket Mode isn't available yet"
        yield Finding("setting SLACK_APP_TOKEN", problem, "unset it, and let Slack reach POST /slack/events over HTTP")
    length = len(given.redaction.encode())
    fix = f"set it to at least {SECRET_LENGTH} random bytes, the same for every replica"
    if 0 < length < SECRET_LENGTH:
        yield Finding("setting NOMATRON_SECRET", f"is too short ({length} bytes)", fix)
    if not length and given.needs_redaction:
        yield Finding("setting NOMATRON_SECRET", "is not set, and with PostgreSQL there is no secret file", fix)


def secret_file(file: SecretFile) -> Finding:
    """Whether other users of this host can read a secret: an error if we created the file, else a warning.

    A file that we did not create may have been mounted with these permissions.
    """
    subject = f"secret file {file.path}"
    if not file.mode & _OTHERS:
        return ok(subject, "only its owner can read it")
    problem, fix = f"other users can read it (mode {file.mode:04o})", f"chmod 600 {file.path}"
    return Finding(subject, problem, fix) if file.ours else warning(subject, problem, fix)


def revision(found: str | None, newest: str) -> Finding:
    """Whether the database's tables fit this code."""
    if found == newest:
        return ok("database", f"is at revision {newest}")
    problem = "has no tables yet" if found is None else f"is at revision {found}, but this code needs {newest}"
    return Finding("database", problem, "run `nomatron migrate`")


def disk(found: Disk | None) -> tuple[Finding, ...]:
    """Whether the disk of the SQLite file is safe and has room; no finding on PostgreSQL."""
    if found is None:
        return ()
    subject = f"disk of {found.path}"
    findings = []
    if found.kind in NETWORK_FILE_SYSTEMS:
        problem = f"is a network file system ({found.kind}), on which SQLite's locks are unreliable"
        findings.append(Finding(subject, problem, "move the file to a local disk, or use PostgreSQL"))
    if found.free < LEAST_FREE:
        problem = f"has only {found.free // 2**20} MiB left"
        findings.append(Finding(subject, problem, f"free at least {LEAST_FREE // 2**20} MiB"))
    if not found.kind:
        problem = "cannot tell the type of its file system"
        findings.append(unknown(subject, problem, "make sure that it is a local one"))
    return tuple(findings) or (ok(subject, f"{found.kind}, {found.free // 2**20} MiB left"),)


@dataclass(frozen=True, slots=True, kw_only=True)
class CatalogState:
    """A catalog folder beside the active catalog.

    ``errors`` counts the folder's errors; ``read`` is its fingerprint, None if it has errors. ``active`` is the
    fingerprint of the active catalog, None if there is none.
    """

    folder: str
    errors: int
    read: str | None
    active: str | None


def catalog(state: CatalogState) -> Finding:
    """Whether the folder has the active catalog in it."""
    subject = f"catalog {state.folder}"
    if state.read is None:
        errors = f"has {state.errors} error{'' if state.errors == 1 else 's'}"
        return Finding(subject, errors, f"run `nomatron check {state.folder}` to see how to fix it")
    if state.active is None:
        return Finding(subject, "no catalog was ever applied", "run `nomatron apply`")
    if state.active != state.read:
        problem = f"differs from the active catalog ({state.read[:12]} is in the folder, {state.active[:12]} is active)"
        return Finding(subject, problem, "run `nomatron apply`, or undo the change")
    return ok(subject, f"is the active catalog, {state.active[:12]}")
