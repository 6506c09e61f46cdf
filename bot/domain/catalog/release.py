"""A release: one version of one service with one text of its template; each further text is a new revision."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from bot.domain.canonical import canonical
from bot.domain.catalog.environment import Environment
from bot.domain.catalog.pattern import matches
from bot.domain.catalog.variable import Declaration
from bot.domain.decision import Allowed, Decision, refuse

# the OCI distribution grammar of a tag, or a whole image digest
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}")
_IMAGE_DIGEST = re.compile(r"sha256:[a-f0-9]{64}")
_MOST_PATTERNS_SHOWN = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """A version and the jobspec text ``template`` that it is deployed with; it never changes.

    So a promotion deploys exactly what was tried before. ``declared`` and ``required`` are the variables of that text,
    ``declarations`` what their blocks say (nothing for a release that an older version stored).
    """

    service: str
    version: str
    template_name: str
    template: str
    declared: frozenset[str]
    required: frozenset[str]
    declarations: Mapping[str, Declaration] = field(default_factory=dict)

    @property
    def fingerprint(self) -> str:
        """The SHA-256, in hexadecimal, of service, version and template text."""
        document = {"service": self.service, "template": self.template, "version": self.version}
        return hashlib.sha256(canonical(document)).hexdigest()


def release_name(version: str, revision: int) -> str:
    """``v1.4.2 r2``; the first revision goes by the version alone."""
    return version if revision == 1 else f"{version} r{revision}"


def check_version(version: str) -> Decision:
    """Whether this is an image tag or an image digest (``sha256:`` and 64 hexadecimal digits)."""
    if _TAG.fullmatch(version) or _IMAGE_DIGEST.fullmatch(version):
        return Allowed()
    return refuse(
        "version-form",
        f"`{version[:80]}` isn't a version. Use an image tag (letters, digits, `.`, `_`, `-`; at most 128) "
        "or a digest `sha256:…` of 64 hexadecimal digits.",
    )


def check_version_rules(version: str, environment: Environment) -> Decision:
    """Whether the environment's patterns let this version be deployed there."""
    rules = environment.versions
    denied = next((each for each in rules.deny if matches(each, version)), None)
    if denied is not None:
        return refuse(
            "version-refused",
            f"{environment.name} refuses the version `{version}`, because it matches `{denied}`. Use another version.",
        )
    if not rules.allow or any(matches(each, version) for each in rules.allow):
        return Allowed()
    listed = " or ".join(f"`{each}`" for each in rules.allow[:_MOST_PATTERNS_SHOWN])
    left = len(rules.allow) - _MOST_PATTERNS_SHOWN
    more = f" or one of {left} more patterns" if left > 1 else " or one more pattern" if left == 1 else ""
    return refuse(
        "version-refused",
        f"{environment.name} refuses the version `{version}`. Use a version that matches {listed}{more}.",
    )
