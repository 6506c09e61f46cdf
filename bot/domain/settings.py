"""The settings of a request (``with count=3``): plain values of the declared type, and never a secret."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping

from bot.domain.catalog.catalog import Catalog
from bot.domain.catalog.environment import Value
from bot.domain.catalog.kind import Mismatch
from bot.domain.catalog.pattern import matches
from bot.domain.catalog.release import Release
from bot.domain.catalog.variable import Declaration, Setting, is_secret_name, shown
from bot.domain.decision import Allowed, Decision, Reason, Refused, every, refuse
from bot.domain.masking import is_credential, looks_secret_as

MOST_SETTINGS = 10
LONGEST_VALUE, LONGEST_BY_PATTERN = 200, 1000
"""Characters of a value: of any variable, and of one whose ``settable`` entry has a pattern."""

_CODE = ("${", "%{", "{{")
"""The beginnings of what Nomad, HCL2 or a task's template would run as code."""
_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
"""Unicode's categories of control, invisible and line-breaking characters."""

_UNDECLARED = Declaration()


def check_settings(catalog: Catalog, service: str, environment: str, overrides: Mapping[str, Value]) -> Decision:
    """Whether a request may set these values there, as far as the catalog alone can tell.

    No refusal repeats a value: it may be a secret.
    """
    found = catalog.services[service]
    declared = catalog.template_for(service, environment).declarations
    secret = sorted(name for name, value in overrides.items() if _is_secret(name, value, declared.get(name)))
    unknown = sorted(overrides.keys() - found.settable - set(secret))
    wrong = [
        name
        for name in sorted(overrides.keys() - set(secret) - set(unknown))
        if not _is_plain(overrides[name], found.patterns.get(name, ""))
    ]
    return every(
        [
            *(_secret(name) for name in secret),
            _unknown(service, unknown, found.settable) if unknown else Allowed(),
            *(_wrong(name, declared.get(name, _UNDECLARED), found.patterns.get(name, "")) for name in wrong),
            refuse("too-many-settings", f"A request can set {MOST_SETTINGS} values at most. Set fewer.")
            if len(overrides) > MOST_SETTINGS
            else Allowed(),
        ]
    )


def typed_settings(
    catalog: Catalog, release: Release, environment: str, overrides: Mapping[str, Value]
) -> tuple[dict[str, Value], Decision]:
    """The values in the types that the release's template declares, and whether all of them fit; if not, what would.

    A release that was stored without its declarations takes them from the catalog's template if that has the same
    text. Otherwise only Nomad's parse checks the types.
    """
    declared = declarations_of(catalog, release, environment)
    patterns = catalog.services[release.service].patterns
    typed: dict[str, Value] = {}
    reasons: list[Reason] = []
    for name, value in overrides.items():
        declaration = declared.get(name, _UNDECLARED)
        try:
            typed[name] = declaration.read(value)
            # again, because the JSON of a list can write any character as an escape
            fits = all(_is_harmless(text) for text in _texts(typed[name]))
        except Mismatch:
            fits = False
        if not fits:
            reasons += _wrong(name, declaration, patterns.get(name, "")).reasons
    return typed, Refused(tuple(reasons)) if reasons else Allowed()


def declarations_of(catalog: Catalog, release: Release, environment: str) -> Mapping[str, Declaration]:
    """What the release's template declares, as far as that is known."""
    template = catalog.template_for(release.service, environment)
    return release.declarations or (template.declarations if template.text == release.template else {})


def settings_for(catalog: Catalog, release: Release, environments: Iterable[str]) -> tuple[Setting, ...]:
    """The variables that a request for one of these environments may set, in the order of their names."""
    names = list(environments)
    return tuple(_setting(catalog, release, names, name) for name in sorted(catalog.services[release.service].settable))


def _setting(catalog: Catalog, release: Release, environments: list[str], name: str) -> Setting:
    pattern = catalog.services[release.service].patterns.get(name, "")
    declaration = declarations_of(catalog, release, environments[0]).get(name, _UNDECLARED)
    without = [
        catalog.variables_for(release.service, each, release.version, {}, release.declared).get(
            name, declaration.default
        )
        for each in environments
    ]
    value = shown(without[0]) if without[0] is not None and all(each == without[0] for each in without) else ""
    return Setting(
        name=name,
        takes=_takes(declaration, pattern),
        longest=_longest(pattern),
        description=" ".join(declaration.description.split()),
        otherwise="" if looks_secret_as(name, value) else value,
    )


def _is_secret(name: str, value: Value, declaration: Declaration | None) -> bool:
    if isinstance(value, str) and is_credential(value):
        return True
    # `max_tokens=500` is no secret, but `password=12345` is
    if declaration is not None and declaration.kind.name in {"number", "bool"}:
        return False
    return is_secret_name(name) or (isinstance(value, str) and looks_secret_as(name, value))


def _is_plain(value: Value, pattern: str) -> bool:
    texts = list(_texts(value))
    if not all(_is_harmless(text) and len(text) <= _longest(pattern) for text in texts):
        return False
    return not pattern or matches(pattern, shown(value))


def _is_harmless(text: str) -> bool:
    """Whether people see all of the text, and nothing runs it."""
    return not any(code in text for code in _CODE) and not any(unicodedata.category(each) in _UNSEEN for each in text)


def _texts(value: Value) -> Iterable[str]:
    """Every text in a value, the keys of mappings too."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for key, each in value.items():
            yield key
            yield from _texts(each)
    elif isinstance(value, list):
        for each in value:
            yield from _texts(each)


def _longest(pattern: str) -> int:
    return LONGEST_BY_PATTERN if pattern else LONGEST_VALUE


def _takes(declaration: Declaration, pattern: str) -> str:
    """The values that fit, in words that follow *takes*."""
    rules = f"at most {_longest(pattern)} characters on one line, without `${{`, `%{{` and `{{{{`"
    if pattern:
        return f"text that matches `{pattern}`: {rules}"
    return declaration.takes or f"text of {rules}"


def _wrong(name: str, declaration: Declaration, pattern: str) -> Refused:
    return Refused((Reason("setting-value", f"`{name}` takes {_takes(declaration, pattern)}.", setting=name),))


def _secret(name: str) -> Refused:
    text = (
        f"`{name[:80]}` looks like a secret, and everyone in the channel could read it, so it was not recorded. "
        "Put it into Nomad Variables, and let the jobspec read it there."
    )
    return Refused((Reason("setting-secret", text, setting=name),))


def _unknown(service: str, names: list[str], settable: frozenset[str]) -> Refused:
    listed = ", ".join(f"`{name[:80]}`" for name in names[:MOST_SETTINGS])
    words = f"{listed} isn't a setting" if len(names) == 1 else f"{listed} aren't settings"
    known = ", ".join(sorted(settable)) or "none"
    first = names[0] if len(names) == 1 else ""
    return Refused((Reason("not-settable", f"{words} of {service}. Settings: {known}.", setting=first),))
