"""The words that ``/deploy`` takes as its first: a service named like one of them could never be asked for."""

from __future__ import annotations

VERBS = frozenset(
    {
        "approve",
        "audit",
        "break-glass",
        "canary",
        "digest",
        "explain",
        "help",
        "history",
        "lock",
        "plan",
        "promote",
        "reject",
        "resolve",
        "restart",
        "retract",
        "rollback",
        "run",
        "scale",
        "status",
        "stop",
        "unlock",
        "who",
        "whoami",
        "withdraw",
    }
)
