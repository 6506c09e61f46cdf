"""Slack's request signature over the raw bytes (https://docs.slack.dev/authentication/verifying-requests-from-slack)."""

from __future__ import annotations

import hashlib
import hmac
import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

WINDOW: Final = 300
"""Seconds that a request's timestamp may differ from now, in the past or the future."""

# `int()` accepts signs, spaces, underscores and the digits of every script; Slack sends none of them
_TIMESTAMP = re.compile(r"[0-9]{9,11}")
_SIGNATURE = re.compile(r"v0=[0-9a-f]{64}")


def is_signed(secrets: Sequence[bytes], timestamp: str, signature: str, body: bytes, now: float) -> bool:
    """Whether one of the secrets signed these bytes within the window. Checks the headers' form first."""
    if not (_TIMESTAMP.fullmatch(timestamp) and _SIGNATURE.fullmatch(signature)):
        return False
    if abs(now - int(timestamp)) > WINDOW:
        return False
    base = b"v0:" + timestamp.encode() + b":" + body
    given = signature.encode()
    # tries every secret, so that the time does not reveal which one matched
    matches = [hmac.compare_digest(sign(secret, base), given) for secret in secrets]
    return any(matches)


def sign(secret: bytes, base: bytes) -> bytes:
    """The signature header's value for these bytes."""
    return b"v0=" + hmac.new(secret, base, hashlib.sha256).hexdigest().encode()


def replay_key(signature: str) -> str:
    """The key by which a repeated request is recognised: a hash of its signature, which is unique."""
    return hashlib.sha256(signature.encode()).hexdigest()
