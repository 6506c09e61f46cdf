"""Which addresses belong to Slack: its Web API, the ``response_url`` of a payload, and where a file's bytes go."""

from __future__ import annotations

import ipaddress
from urllib.parse import SplitResult, urlsplit

SLACK_API = "https://slack.com/api/"


def api_base(url: str) -> str:
    """The Web API's address with its last slash; ``ValueError`` unless it is https, or http on loopback."""
    parts = _parts(url)
    if parts is None or not (parts.scheme == "https" or (parts.scheme == "http" and is_loopback(parts.hostname or ""))):
        raise ValueError(f"not an https address (plain http is for loopback alone): {url}")
    return url.rstrip("/") + "/"


def is_response_url(url: str, api: str) -> bool:
    """Whether an answer may be sent to that address: Slack's hooks, or the host of another API address.

    On loopback plain http and any port are allowed, for the sandbox; everywhere else https on the API's own port.
    """
    target, base = _parts(url), _parts(api)
    if target is None or base is None:
        return False
    own, host = base.hostname or "", target.hostname or ""
    # the sandbox's hooks are on its own port, and nothing that leaves this machine is reachable this way
    if is_loopback(own):
        return target.scheme in {"http", "https"} and is_loopback(host)
    wanted = f"hooks.{own}" if own in {"slack.com", "slack-gov.com"} else own
    return target.scheme == "https" and (host, target.port or 443) == (wanted, base.port or 443)


def is_upload_url(url: str, api: str) -> bool:
    """Whether a file's bytes may be sent to that address: any https one, since Slack uses several hosts for files.

    If the API itself is on loopback, as in the sandbox: loopback only.
    """
    target, base = _parts(url), _parts(api)
    if target is None or base is None:
        return False
    if is_loopback(base.hostname or ""):
        return target.scheme in {"http", "https"} and is_loopback(target.hostname or "")
    return target.scheme == "https" and not is_loopback(target.hostname or "")


def is_loopback(host: str) -> bool:
    """Whether the host is this machine, by name or address."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _parts(url: str) -> SplitResult | None:
    """The parts of the address; None if it has no host, an invalid port, or a user name."""
    try:
        parts = urlsplit(url)
        # `https://hooks.slack.com@evil.example` is evil.example's; reading an invalid port raises
        named = parts.username is not None or parts.port == 0
    except ValueError:
        return None
    return None if named or not parts.hostname or any(char <= " " for char in url) else parts
