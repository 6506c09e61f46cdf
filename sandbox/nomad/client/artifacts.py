"""Which artifacts a node cannot fetch, and what Nomad's client says then."""

from __future__ import annotations

import ipaddress
import json
import re
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from sandbox.nomad.records import Json

_FORCED_GETTER = re.compile(r"^[a-z0-9]+::")
_PORTS = {"http": 80, "https": 443}


def download_error(task: Json) -> str:
    """Why the first artifact that cannot be fetched fails, in Nomad's words; empty if all can be.

    A simulated node serves nothing itself and knows no host below ``.invalid``; it can reach everything else.
    """
    for artifact in task["Artifacts"] or ():
        source = str(artifact["GetterSource"] or "")
        if why := _unreachable(_FORCED_GETTER.sub("", source)):
            # Nomad quotes the source as the jobspec has it, with the password
            getter = f"getter subprocess failed: exit status 1: failed to download artifact: {why}"
            return f"failed to download artifact {json.dumps(source, ensure_ascii=False)}: {getter}"
    return ""


def _unreachable(url: str) -> str:
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port or _PORTS.get(parts.scheme, 22)
    except ValueError:
        return f'parse "{url}": invalid port after host'
    if _is_loopback(host):
        return f"dial tcp {host}:{port}: connect: connection refused"
    return f"dial tcp: lookup {host}: no such host" if host.endswith(".invalid") else ""


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
