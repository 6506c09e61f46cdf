"""Secrets told by their form, and hidden values, masked in any text: the one function for text that we did not write.

A form is what a credential looks like whoever wrote it: a user and password in an address, a query string, a webhook's
path, the prefix of a vendor's tokens, a private key, a value that is assigned to a name such as ``password``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable
from itertools import pairwise
from urllib.parse import quote

HIDDEN = "(hidden)"

SHORTEST = 8
"""Fewest characters of a hidden value that is masked wherever it appears: shorter ones are part of ordinary words."""

_NAMES = (
    r"pass(?:word|wd|phrase)?|pwd|secret(?:[_-]?(?:key|id))?|(?:[a-z]{1,20}[_-])?token"
    r"|(?:api|access|account|private|secret|auth|signing|shared[_-]?access)[_-]?key(?:[_-]?id)?|credential|sig(?:nature)?"
)
_ASSIGNED = re.compile(
    # `=` and `":` assign whatever follows; after a colon in prose ("Vault token: Error ...") only what is no plain word
    rf"(?P<name>(?:{_NAMES})s?[\"'\\]*\s*)"
    r"(?P<sign>=\s*|(?<=[\"'])\s*:\s*|:(?=\S)|:\s+(?=[^\s\"']*\d|[\"']))"
    r"(?P<quote>\\?[\"'])?(?!\\?[\"']|\(hidden)(?P<value>(?(quote)(?:(?!(?P=quote)).)+|[^\s\"'&;,)}\]]+))",
    re.IGNORECASE,
)
_TOLD = re.compile(
    r"(?i)\b(?P<name>pass(?:word|wd|phrase):\s+)(?!\(hidden)[^\s\"',;]+|\b(?P<scheme>(?:bearer|basic)\s+)[\w.~+/=-]{8,}"
)

_DIGIT_IN = r"(?=[\w-]{0,200}\d)"
_TOKENS = re.compile(
    r"-----BEGIN [A-Z0-9 ]*-----.*?(?:-----END [A-Z0-9 ]*-----|\Z)"
    r"|\beyJ[\w-]{8,}\.[\w.-]*"  # JSON Web Token
    r"|\beyJ[\w+/=-]{20,}"  # other base64 of JSON, such as Docker's credentials
    r"|\b(?:AKIA|ASIA|ABIA|ACCA)[0-9A-Z]{12,}"  # AWS access key id
    r"|\bAIza[\w-]{16,}|\bya29\.[\w-]+|\bGOCSPX-[\w-]+"  # Google
    r"|\bgh[oprsu]_\w{8,}|\bgithub_pat_\w{8,}|\bgl(?:pat|dt|rt|cbt|ptt|ft|imt|agent|soat|oas)-[\w.-]{8,}"
    r"|\bxox[a-z](?:\.xox[a-z])?-[\w-]{4,}|\bxapp-[\w-]{4,}"  # Slack
    r"|\b(?:sk|rk)_(?:live|test)_\w{4,}|\bwhsec_[\w+/=]{8,}"  # Stripe
    rf"|\bsk-{_DIGIT_IN}[\w-]{{16,}}"  # OpenAI, Anthropic
    r"|\bhv[brs]\.[\w-]{4,}|\b[brs]\.(?=[A-Za-z]*\d)(?=[a-z0-9]*[A-Z])[A-Za-z0-9]{8,}"  # Vault, new and old
    r"|\bnpm_(?=[A-Za-z]*\d)[A-Za-z0-9]{10,}|\bpypi-Ag[\w-]{8,}|\bdckr_(?:pat|oat)_[\w-]{8,}"
    r"|\bdo[opr]_v1_[0-9a-f]{16,}|\b\w{14}\.atlasv1\.[\w-]+|\bSG\.[\w-]{8,}\.[\w-]{8,}|\bglsa_\w{8,}"
    r"|\bshp(?:at|ca|pa|ss)_[0-9a-f]{8,}|\bsq0[a-z]{3}-[\w-]{8,}|\b\d{8,10}:AA[\w-]{30,}|\bAGE-SECRET-KEY-1\w+"
    r"|\b\w{3}8Q~[\w~.-]{20,}",  # Azure's client secrets
    re.DOTALL,
)
_UUID = re.compile(r"\b(?P<head>[0-9a-fA-F]{8})-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}\b")
_PLAIN_ID = r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}|[0-9a-f]{40}|sha256:[0-9a-f]{64}"
_ID = re.compile(_PLAIN_ID)
_ID_LIST = re.compile(rf'\[\s*"(?:{_PLAIN_ID})"(?:\s*,\s*"(?:{_PLAIN_ID})")*\s*\]')
_LONG_WORD = re.compile(r"[A-Za-z0-9+/=_-]{32,}")
_CONTENT = re.compile(r"(?:@?\bsha(?:256|384|512)[:-][A-Za-z0-9+/=]+|(?<=/)[\w.-]+:[0-9a-f]{7,64}\b(?!@[^s]))")
"""The name of a content, which is no secret: an image's digest, or a git commit as its tag."""

_USERINFO = re.compile(
    # up to the last `@` of the authority, or to the first one if the password has a slash or a question mark in it
    r"(?<=://)(?!git@)(?:[^\s\"<>/?#]*|[^\s\"<>/?#@:]*:(?!\d{1,5}(?:[/?#\"'\s]|$))[^\s\"<>@]{0,200})@"
)
_BARE_USERINFO = re.compile(r"(?<![\w@.+%~-])(?!mailto:)[\w.+%~-]+:(?!//)[^\s:@/\"'<>]+@(?!sha(?:256|512):)(?=[\w(\[])")
_QUERY = re.compile(r"(?P<at>(?<=[\w/.)%~-])\?)(?P<query>[^\s\"'<>#]*[^\s\"'<>#:,.;\]])")
_FRAGMENT = re.compile(r"(?<=[\w/.=)-])#(?P<query>[\w.-]+=[^\s\"'<>]+)")
_HARMLESS_QUERY = re.compile(r"(?:ref|archive|depth)=[\w./-]*")
_HOOK = re.compile(
    r"(?P<hook>\bhooks\.slack(?:-gov)?\.com/\w+/|/api/webhooks/|/webhookb?2?/|/webhooks?/|/hooks?/(?:catch/)?"
    r"|\bapi\.telegram\.org/bot|/integration/(?=[^\s/]*\d))(?!\(hidden)[^\s\"'<>?#]*[^\s\"'<>?#:,.;)\]]",
    re.IGNORECASE,
)

_PLAIN = re.compile(r"[\d.,:%+-]+|(?:\d+(?:\.\d+)?(?:ns|us|µs|ms|s|m|h|d))+", re.IGNORECASE)
"""Numbers, dates, addresses in numbers, and durations."""
_VALUE = re.compile(r"[:=]\s*[\"']?([^\s\"',;}|]+)")
_BETWEEN = re.compile(r"[\s\"'`,;|=(){}]+")
_DIGIT = re.compile(r"\d")
_INTERPOLATED = re.compile(r"[$%]\{|\{\{")


def scrub(text: str, hidden: Iterable[str] = ()) -> str:
    """The text with every secret masked: those of ``hidden`` as whole words, all others by their form.

    Of a UUID the first eight characters stay, as Nomad itself shortens ids: it may be an id or a token.
    """
    masked = scrub_address(_TOKENS.sub(HIDDEN, _without(text, hidden)))
    masked = _TOLD.sub(_told, _ASSIGNED.sub(_assigned, masked))
    return _without_random(_UUID.sub(r"\g<head>…", masked))


def scrub_address(text: str) -> str:
    """The text with users, passwords, queries and webhooks' paths masked in each address or path; the rest stays."""
    masked = _BARE_USERINFO.sub(f"{HIDDEN}@", _USERINFO.sub(f"{HIDDEN}@", text))
    masked = _FRAGMENT.sub(f"#{HIDDEN}", _QUERY.sub(_query, masked))
    return _HOOK.sub(rf"\g<hook>{HIDDEN}", masked)


def looks_secret(value: str) -> bool:
    """Whether a value looks like a credential, in any field: keys, tokens, passwords in addresses."""
    rest = _CONTENT.sub("", value)
    if any(shape.search(rest) for shape in (_TOKENS, _ASSIGNED, _TOLD, _UUID)):
        return True
    if any(":" in found[0] for shape in (_USERINFO, _BARE_USERINFO) for found in shape.finditer(rest)):
        return True
    return any(_is_random(found) for found in _LONG_WORD.findall(rest)) or bool(_HOOK.search(rest))


def is_plain_id(value: str) -> bool:
    """Whether the whole value is a UUID, a git commit or a digest, or a JSON list of such.

    By their form they are ids as likely as keys.
    """
    return _ID.fullmatch(value) is not None or _ID_LIST.fullmatch(value) is not None


def is_credential(value: str) -> bool:
    """Whether a value looks like a credential by itself, and not just like an id."""
    return looks_secret(value) and not is_plain_id(value)


def looks_secret_as(name: str, value: str) -> bool:
    """Whether the value of a setting looks like a credential; of an id, only the setting's name can tell."""
    return looks_secret(f"{name}={'id' if is_plain_id(value) else value}")


def maskable(values: Iterable[str], shown: Collection[str]) -> frozenset[str]:
    """Those of the hidden values that can be masked in a text, with the values inside a line or a script.

    Not those that are short, numbers, durations or interpolated, nor those that are part of a ``shown`` value.
    """
    said = "\n".join(shown)
    found = {part for value in values for part in _parts(value) if len(part) >= SHORTEST}
    hidden = [part for part in found if _can_hide(part) and not (part in said and _whole(part).search(said))]
    return frozenset(written for part in hidden for written in _written(part))


def _written(value: str) -> Iterable[str]:
    """The value as it is, as Go and JSON quote it, and as an address has it."""
    return (value,) if value.isalnum() else (value, json.dumps(value, ensure_ascii=False)[1:-1], quote(value, safe=""))


def _parts(value: str) -> Iterable[str]:
    """The value, and in a script, a template or an argument each assigned value and each word with a digit."""
    yield value.strip()
    for line in value.splitlines():
        yield line.strip()
        yield from _VALUE.findall(line)
        yield from (word for word in _BETWEEN.split(line) if _DIGIT.search(word))


def _can_hide(value: str) -> bool:
    return not _PLAIN.fullmatch(value) and not _INTERPOLATED.search(value)


def _whole(value: str) -> re.Pattern[str]:
    """The value as a whole word: ``production`` is not masked in ``production-eu`` or in ``production.example``."""
    return re.compile(rf"(?<![\w-])(?<!\w\.){re.escape(value)}(?![\w-])(?!\.\w)")


def _without(text: str, hidden: Iterable[str]) -> str:
    # the longest first: one value may be part of another
    for value in sorted((each for each in hidden if each in text), key=lambda each: (-len(each), each)):
        text = _whole(value).sub(HIDDEN, text)
    return text


def _assigned(found: re.Match[str]) -> str:
    mark = found["quote"] or ""
    return f"{found['name']}{found['sign']}{mark}{HIDDEN}"


def _told(found: re.Match[str]) -> str:
    return f"{found['name'] or found['scheme']}{HIDDEN}"


def _query(found: re.Match[str]) -> str:
    """A query with all of its parts masked, except those that name a version (``ref=v1.2`` of a git source)."""
    parts = re.split(r"&(?:amp;)?|\\u0026", found["query"])
    kept = [part for part in parts if _HARMLESS_QUERY.fullmatch(part)]
    return found["at"] + "&".join(kept if len(kept) == len(parts) else [*kept, HIDDEN])


def _without_random(text: str) -> str:
    """The text without long random words, apart from digests and from commits as tags of an image."""
    result, end = "", 0
    for content in _CONTENT.finditer(text):
        result += _LONG_WORD.sub(_random, text[end : content.start()]) + content[0]
        end = content.end()
    return result + _LONG_WORD.sub(_random, text[end:])


def _random(found: re.Match[str]) -> str:
    return HIDDEN if _is_random(found[0]) else found[0]


def _is_random(found: str) -> bool:
    """Whether letters and digits alternate as often as in a random key; paths and names consist of words."""
    beside = [(one, two) for one, two in pairwise(found) if one.isalnum() and two.isalnum()]
    changes = sum(1 for one, two in beside if one.isdigit() != two.isdigit())
    cases = sum(1 for one, two in beside if one.islower() != two.islower() or one.isdigit() != two.isdigit())
    # in names such as MyServiceName every fifth letter is a capital, in a key more than every second changes its kind
    return changes >= len(found) // 6 or (changes >= 3 and 5 * cases >= 2 * len(found))
