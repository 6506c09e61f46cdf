"""What doctor makes of this host: settings, files, the database, the catalog."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from bot.domain.diagnosis.finding import Finding, untold, warning, well

LEAST_FREE = 256 * 1024 * 1024
"""Bytes that a disk must have left: a SQLite database and its log may double for a moment."""

NETWORK_FILE_SYSTEMS = frozenset(
    {
        "9p", "afs", "beegfs", "ceph", "cifs", "fuse.ceph-fuse", "fuse.gcsfuse", "fuse.glusterfs", "fuse.mfs",
        "fuse.rclone", "fuse.s3fs", "fuse.sshfs", "gfs2", "glusterfs", "gpfs", "lustre", "ncpfs", "nfs", "nfs4",
        "ocfs2", "smb3", "smbfs", "virtiofs", "vboxsf",
    }
)  # fmt: skip
"""Where SQLite's locks cannot be trusted (https://www.sqlite.org/lockingv3.html, section 6; https://www.sqlite.org/wal.html)."""

SECRET_LENGTH = 32
_OTHERS = 0o077
_SIGNING_SECRET = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenSecrets:
    """The secrets of the settings, to be judged by their form; none is ever repeated."""

    bot_token: str
    signing_secrets: tuple[str, ...]
    app_token: str
    redaction: str
    needs_redaction: bool


@dataclass(frozen=True, slots=True)
class SecretFile:
    """A file that holds a secret: where, its permission bits, and whether we made it ourselves."""

    path: str
    mode: int
    ours: bool


@dataclass(frozen=True, slots=True)
class Disk:
    """Where a SQLite file lies: the type of its file system (empty where unknown) and its free bytes."""

    path: str
    kind: str
    free: int


def settings(wrong: Iterable[str], given: GivenSecrets) -> tuple[Finding, ...]:
    """Settings that cannot be used, and secrets that do not look like what they should be."""
    findings = [Finding("settings", line, "correct it in this process's environment") for line in wrong]
    findings += [*_bot_token(given.bot_token), *_signing(given.signing_secrets), *_others(given)]
    return tuple(findings) or (well("settings", "all can be used"),)


def _bot_token(token: str) -> Iterable[Finding]:
    name, mend = "setting SLACK_BOT_TOKEN", "take the bot token (xoxb-…) from the app's OAuth & Permissions page"
    if not token:
        yield Finding(name, "is not set", mend)
    elif not token.startswith(("xoxb-", "xoxe.xoxb-")):
        kind = "is a user's token" if token.startswith("xoxp-") else "does not look like a bot token"
        yield Finding(name, kind, mend)


def _signing(secrets: tuple[str, ...]) -> Iterable[Finding]:
    name, mend = "setting SLACK_SIGNING_SECRET", "take it from the app's Basic Information page"
    if not secrets:
        yield Finding(name, "is not set", mend)
    if len(secrets) > 2:
        yield Finding(name, f"holds {len(secrets)} secrets", "keep at most two, comma-separated, while rotating")
    if not all(_SIGNING_SECRET.fullmatch(each) for each in secrets):
        yield Finding(name, "does not look like a signing secret: 32 hexadecimal digits", mend)


def _others(given: GivenSecrets) -> Iterable[Finding]:
    if given.app_token:
        trouble = "is set, but Socket Mode is not there yet"
        yield Finding(
            "setting SLACK_APP_TOKEN", trouble, "take it out, and let Slack reach POST /slack/events over HTTP"
        )
    length = len(given.redaction.encode())
    mend = f"set it to {SECRET_LENGTH} random bytes or more, the same for every replica"
    if 0 < length < SECRET_LENGTH:
        yield Finding("setting NOMATRON_SECRET", f"has {length} bytes", mend)
    if not length and given.needs_redaction:
        yield Finding("setting NOMATRON_SECRET", "is not set, and PostgreSQL has no file beside it", mend)


def secret_file(file: SecretFile) -> Finding:
    """Whether others on this host can read a secret; a file that we did not make may be somebody's way to mount it."""
    subject = f"secret file {file.path}"
    if not file.mode & _OTHERS:
        return well(subject, "is its owner's alone")
    trouble, mend = f"can be read by others (mode {file.mode:04o})", f"chmod 600 {file.path}"
    return Finding(subject, trouble, mend) if file.ours else warning(subject, trouble, mend)


def revision(found: str | None, newest: str) -> Finding:
    """Whether the database's tables are those of this code."""
    if found == newest:
        return well("database", f"is at revision {newest}")
    trouble = "has no tables yet" if found is None else f"is at revision {found}, this code at {newest}"
    return Finding("database", trouble, "run `nomatron migrate`")


def disk(found: Disk | None) -> tuple[Finding, ...]:
    """Whether SQLite's file lies where it is safe; nothing on PostgreSQL."""
    if found is None:
        return ()
    subject = f"disk of {found.path}"
    findings = []
    if found.kind in NETWORK_FILE_SYSTEMS:
        trouble = f"is a network file system ({found.kind}), where SQLite's locks cannot be trusted"
        findings.append(Finding(subject, trouble, "move the file to a local disk, or use PostgreSQL"))
    if found.free < LEAST_FREE:
        trouble = f"has {found.free // 2**20} MiB left"
        findings.append(Finding(subject, trouble, f"make room: {LEAST_FREE // 2**20} MiB at least"))
    if not found.kind:
        findings.append(untold(subject, "the type of its file system", "make sure that it is a local one"))
    return tuple(findings) or (well(subject, f"{found.kind}, {found.free // 2**20} MiB left"),)


@dataclass(frozen=True, slots=True, kw_only=True)
class CatalogState:
    """The folder's errors and fingerprint (None where it cannot be read), and the active fingerprint (None: none)."""

    folder: str
    errors: int
    read: str | None
    active: str | None


def catalog(state: CatalogState) -> Finding:
    """Whether what is in the folder is what decides."""
    subject = f"catalog {state.folder}"
    if state.read is None:
        errors = f"has {state.errors} error{'' if state.errors == 1 else 's'}"
        return Finding(subject, errors, f"run `nomatron check {state.folder}` and mend what it names")
    if state.active is None:
        return Finding(subject, "no catalog was ever applied", "run `nomatron apply`")
    if state.active != state.read:
        trouble = f"differs from the active one: {state.read[:12]} here, and examined here; {state.active[:12]} decides"
        return Finding(subject, trouble, "run `nomatron apply`, or take the change back")
    return well(subject, f"is the active one, {state.active[:12]}")
