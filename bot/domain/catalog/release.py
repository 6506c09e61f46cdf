"""A release: one version of one service with the template text it was first requested with."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass

from bot.domain.canonical import canonical
from bot.domain.decision import Allowed, Decision, refuse

# the OCI distribution grammar of a tag, or a whole image digest
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}")
_IMAGE_DIGEST = re.compile(r"sha256:[a-f0-9]{64}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """Never changes. ``template`` is the jobspec's text, so that a promotion moves the same thing.

    ``declared`` and ``required`` are the variables of that text, as read when it was first requested.
    """

    service: str
    version: str
    template_name: str
    template: str
    declared: frozenset[str]
    required: frozenset[str]

    @property
    def fingerprint(self) -> str:
        """SHA-256, hexadecimal, over service, version and template text."""
        document = {"service": self.service, "template": self.template, "version": self.version}
        return hashlib.sha256(canonical(document)).hexdigest()


def check_version(version: str) -> Decision:
    """Whether this is an image tag or an image digest (``sha256:`` and 64 hexadecimal digits)."""
    if _TAG.fullmatch(version) or _IMAGE_DIGEST.fullmatch(version):
        return Allowed()
    return refuse(
        "version-form",
        f"`{version[:80]}` is no version: give an image tag (letters, digits, `.`, `_`, `-`; at most 128) "
        "or a digest `sha256:…` of 64 hexadecimal digits.",
    )
