"""Lets the simulated Nomad pretend to have another version, another clock, or ACLs and a token's capabilities."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from sandbox.nomad.refusals import Refused

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sandbox.nomad.records import Json

POLICY: Final = "nomatron"
ACLS: Final = ("off", "unknown", "expired", "anonymous", "management", "client")
DENIED: Final = "Permission denied"
_OPEN: Final = re.compile(r"/v1/(status/|agent/health|regions|acl/|namespaces)")
_RULES: Final = (
    ("POST", re.compile(r"/v1/jobs/parse"), "parse-job"),
    ("POST", re.compile(r"/v1/job/.+/plan"), "plan-job"),
    ("POST", re.compile(r"/v1/job"), "register-job"),
    ("GET", re.compile(r"/v1/jobs$"), "list-jobs"),
    ("GET", re.compile(r"/v1/client/fs/logs/"), "read-logs"),
    ("GET", re.compile(r"/v1/(job|deployment|evaluation|allocation|event)"), "read-job"),
)
"""The capability that each simulated call needs; every other call needs a management token."""


@dataclass(frozen=True)
class Pretence:
    """The settings of the pretence: `clock` is how many seconds the Date header is ahead; `version` "" is the default.

    With `acl` "client" every caller has the `capabilities` by namespace, and can read its policy if `readable` is set.
    """

    clock: float = 0.0
    version: str = ""
    acl: str = "off"
    capabilities: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    readable: bool = True

    def check(self, method: str, path: str, namespace: str) -> None:
        """Raises Refused where the pretended token may not make that call (docs/nomad.md, "Refused tokens")."""
        if self.acl in {"off", "management"} or path.startswith("/sandbox/"):
            return
        if path == "/v1/acl/token/self":
            self._check_token()
        elif path.startswith("/v1/namespace/") and namespace not in self.capabilities:
            raise Refused(403, DENIED)
        elif not _OPEN.match(path) and not path.startswith("/v1/namespace/"):
            self._check_call(method, path, namespace)

    def _check_token(self) -> None:
        if self.acl == "unknown":
            raise Refused(403, DENIED)
        if self.acl == "expired":
            raise Refused(500, "ACL token expired")

    def _check_call(self, method: str, path: str, namespace: str) -> None:
        verb = "POST" if method in {"POST", "PUT"} else method
        needed = next((one for kind, pattern, one in _RULES if kind == verb and pattern.match(path)), "")
        if self.acl != "client" or needed not in self.capabilities.get(namespace, ()):
            raise Refused(403, DENIED)

    def token(self, off: Json) -> Json:
        """The answer to `/v1/acl/token/self`; `off` is the answer while ACLs are off."""
        if self.acl == "off":
            return off
        if self.acl == "anonymous":
            return {**off, "AccessorID": "anonymous", "Name": "Anonymous Token", "Policies": ["anonymous"]}
        named = {"AccessorID": "5e1f0a3c-0000-4000-8000-000000000001", "Name": POLICY, "Type": self.acl}
        return {**off, **named, "Policies": [POLICY] if self.acl == "client" else None}

    def policy(self, name: str) -> Json:
        """The answer to `/v1/acl/policy/NAME` for the token that has the policy. Raises Refused."""
        if not self.readable or self.acl != "client" or name != POLICY:
            raise Refused(403, DENIED)
        blocks = [
            {"Name": namespace, "Policy": "", "Capabilities": list(names), "Variables": None}
            for namespace, names in self.capabilities.items()
        ]
        rules = {"Namespaces": blocks, "Agent": None, "Node": None, "Operator": None, "Quota": None}
        return {"Name": POLICY, "Description": "", "Rules": "", "RulesJSON": rules}
