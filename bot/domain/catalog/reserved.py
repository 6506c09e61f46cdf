"""The verbs of ``/deploy``. The catalog refuses a service with such a name, because nobody could request it."""

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
