"""Nomad's default values for the fields of each block (Nomad 2.0 job specification; durations in ns)."""

from __future__ import annotations

from typing import Any, Final

Defaults = dict[str, Any]

SECOND: Final = 1_000_000_000
MINUTE: Final = 60 * SECOND
HOUR: Final = 60 * MINUTE

JOB: Final[Defaults] = {
    "ID": "", "ParentID": "", "Namespace": "default", "Priority": 50, "Stop": False, "Region": "global",
    "NodePool": "", "Type": "service", "AllAtOnce": False, "ConsulNamespace": "", "VaultNamespace": "",
    "NomadTokenID": "", "Status": "", "StatusDescription": "", "Stable": False, "Version": 0, "CreateIndex": 0,
    "ModifyIndex": 0, "JobModifyIndex": 0,
}  # fmt: skip
UPDATE: Final[Defaults] = {
    "Stagger": 30 * SECOND, "MaxParallel": 1, "HealthCheck": "checks", "MinHealthyTime": 10 * SECOND,
    "HealthyDeadline": 5 * MINUTE, "ProgressDeadline": 10 * MINUTE, "AutoRevert": False, "Canary": 0,
    "AutoPromote": False,
}  # fmt: skip
MIGRATE: Final[Defaults] = {
    "MaxParallel": 1, "HealthCheck": "checks", "MinHealthyTime": 10 * SECOND, "HealthyDeadline": 5 * MINUTE,
}  # fmt: skip
PERIODIC: Final[Defaults] = {"Enabled": True, "Spec": "", "Specs": [], "SpecType": "cron", "ProhibitOverlap": False}
EPHEMERAL_DISK: Final[Defaults] = {"Sticky": False, "Migrate": False, "SizeMB": 300}
DISCONNECT: Final[Defaults] = {"Replace": True, "Reconcile": "best-score"}
LOGS: Final[Defaults] = {"MaxFiles": 10, "MaxFileSizeMB": 10, "Disabled": False}
VOLUME_MOUNT: Final[Defaults] = {"PropagationMode": "private", "ReadOnly": False, "SELinuxLabel": ""}
VAULT: Final[Defaults] = {
    "Env": True, "DisableFile": False, "Namespace": "", "ChangeMode": "restart", "ChangeSignal": "SIGHUP",
    "AllowTokenExpiration": False,
}  # fmt: skip
TEMPLATE: Final[Defaults] = {
    "SourcePath": "", "DestPath": "", "EmbeddedTmpl": "", "ChangeMode": "restart", "Once": False,
    "Splay": 5 * SECOND, "Perms": "0644", "LeftDelim": "{{", "RightDelim": "}}", "Envvars": False,
    "ErrMissingKey": False, "VaultGrace": 0,
}  # fmt: skip
CHANGE_SCRIPT: Final[Defaults] = {
    "Command": "", "Args": [], "Timeout": 5 * SECOND, "FailOnError": False, "RunOnFirstRender": False,
}  # fmt: skip
RESTART: Final[dict[str, Defaults]] = {
    kind: {"Delay": 15 * SECOND, "Attempts": attempts, "Interval": interval, "Mode": "fail", "RenderTemplates": False}
    for kind, attempts, interval in (
        ("service", 2, 30 * MINUTE), ("system", 2, 30 * MINUTE), ("batch", 3, 24 * HOUR), ("sysbatch", 3, 24 * HOUR),
    )
}  # fmt: skip
NO_RESCHEDULE: Final[Defaults] = {
    "Attempts": 0, "Interval": 0, "Delay": 0, "DelayFunction": "", "MaxDelay": 0, "Unlimited": False,
}  # fmt: skip
RESCHEDULE: Final[dict[str, Defaults]] = {
    "service": {
        "Attempts": 0, "Interval": 0, "Delay": 30 * SECOND, "DelayFunction": "exponential", "MaxDelay": HOUR,
        "Unlimited": True,
    },
    "batch": {
        "Attempts": 1, "Interval": 24 * HOUR, "Delay": 5 * SECOND, "DelayFunction": "constant", "MaxDelay": 0,
        "Unlimited": False,
    },
}  # fmt: skip
CHECK_RESTART: Final[Defaults] = {"Grace": SECOND}
GATEWAY_CONNECT_TIMEOUT: Final = 5 * SECOND
IDENTITY: Final[Defaults] = {
    "Audience": ["nomadproject.io"], "ChangeMode": "", "ChangeSignal": "", "Env": False, "ExtraClaims": None,
    "File": False, "Filepath": "", "Name": "default", "ServiceName": "", "TTL": 0,
}  # fmt: skip


def merge(part: Defaults, defaults: Defaults) -> Defaults:
    """A copy of `part` with the defaults in place of its nulls."""
    return {**part, **{key: value for key, value in defaults.items() if part.get(key) is None}}
