"""The types of text in the catalog: names, ids, durations, patterns, addresses. Each error says how to fix the text."""

from __future__ import annotations

import re
import zoneinfo
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import urlsplit

from cronsim import CronSim, CronSimError
from pydantic import BeforeValidator, GetCoreSchemaHandler, GetJsonSchemaHandler, WithJsonSchema
from pydantic_core import CoreSchema, core_schema

from bot.domain.catalog.pattern import PatternError, compiled
from bot.domain.catalog.service import UNADDRESSABLE
from bot.gateways.catalog.issues import most_similar, quote

if TYPE_CHECKING:
    from collections.abc import Callable

LONGEST = timedelta(days=3650)

_NAME = r"[a-z0-9][a-z0-9._-]{0,62}"
_UNITS = {"d": "days", "h": "hours", "m": "minutes", "s": "seconds"}
_DURATION = r"(?:\d{1,9}[dhms])+"


@dataclass(frozen=True, slots=True)
class Regex:
    """Text that matches a whole pattern. ``what`` completes the error: "'X' is not ..."."""

    pattern: str
    what: str

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """The text's own schema, then the pattern."""
        return core_schema.no_info_after_validator_function(self.check, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        """The text's schema with the pattern, for editors."""
        return {**handler(schema), "pattern": f"^(?:{self.pattern})$"}

    def check(self, text: str) -> str:
        """The text unchanged; ``ValueError``, with the fix, if it does not match."""
        if not re.fullmatch(self.pattern, text):
            raise ValueError(f"{quote(text)} is not {self.what}")
        return text


@dataclass(frozen=True, slots=True)
class Validator:
    """Text that a function validates: the function raises ``ValueError``, with the fix, if the text is wrong."""

    validate: Callable[[str], None]

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """The text's own schema, then the function."""
        return core_schema.no_info_after_validator_function(self.check, handler(source))

    def check(self, text: str) -> str:
        """The text unchanged; ``ValueError`` if it is wrong."""
        self.validate(text)
        return text


def duration(value: Any) -> timedelta:
    """A duration such as ``90s``, ``30m``, ``7d`` or ``1h30m``; ``ValueError`` for other text and above ten years."""
    if not isinstance(value, str) or not re.fullmatch(_DURATION, value, re.ASCII):
        raise ValueError(f"{quote(value)} is not a duration; write a number with d, h, m or s, such as 30m or 24h")
    parts = re.findall(r"(\d+)([dhms])", value)
    total = sum((timedelta(**{_UNITS[unit]: int(number)}) for number, unit in parts), timedelta())
    if total > LONGEST:
        raise ValueError(f"{value} is longer than ten years; write a shorter duration")
    return total


def positive_duration(value: Any) -> timedelta:
    """A duration longer than zero; ``ValueError`` otherwise."""
    found = duration(value)
    if found <= timedelta():
        raise ValueError(f"{quote(value)} must be longer than zero; write a duration such as 24h")
    return found


def duration_text(length: timedelta) -> str:
    """A duration in the catalog's own form, in the largest unit that divides it."""
    seconds = int(length.total_seconds())
    for unit, size in (("d", 86400), ("h", 3600), ("m", 60)):
        if seconds and seconds % size == 0:
            return f"{seconds // size}{unit}"
    return f"{seconds}s"


def _check_timezone(text: str) -> None:
    known = zoneinfo.available_timezones()
    if text not in known:
        near = most_similar(text, known)
        hint = f"did you mean `{near}`?" if near else "write an IANA name, such as Europe/Amsterdam"
        raise ValueError(f"{quote(text)} is not a time zone; {hint}")


def _check_cron(text: str) -> None:
    try:
        CronSim(text, datetime(2026, 1, 1, tzinfo=UTC))
    except CronSimError as error:
        raise ValueError(
            f"{quote(text)} is not a cron expression ({error}); write one such as `0 16 * * FRI`"
        ) from None


def _check_version_pattern(text: str) -> None:
    _check_pattern(text, r"v\d+\.\d+\.\d+")


def _check_setting_pattern(text: str) -> None:
    _check_pattern(text, r"[\w ,.!-]{1,400}")


def _check_pattern(text: str, example: str) -> None:
    try:
        compiled(text)
    except PatternError as error:
        raise ValueError(f"the pattern {quote(text)} {error}; write one such as `{example}`") from None


def _check_date(text: str) -> None:
    try:
        date.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{quote(text)} is not a date; write it as 2026-12-31") from None


def _check_web_address(text: str) -> None:
    fix = "write it as https://host or https://host:port"
    try:
        parts = urlsplit(text)
        usable = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable or re.search(r"\s", text):
        raise ValueError(f"{quote(text)} is not a web address; {fix}")
    if parts.username is not None or parts.password is not None:
        raise ValueError(
            "an address must not contain a user or password, because everyone can read the catalog; "
            "put a token into an environment variable, and name that in `token_env`"
        )


def _check_address(text: str) -> None:
    _check_web_address(text)
    if "?" in text or "#" in text:
        raise ValueError(f"{quote(text)} is more than an address; remove everything from `?` or `#` on")


def _check_compare(text: str) -> None:
    filled = re.sub(r"\{(?:from|to)\}", "1", text)
    if "{" in filled or "}" in filled or "{to}" not in text:
        raise ValueError(
            "`compare` must contain {to}, may contain {from}, and can have no other placeholder; "
            "write it as https://host/compare/{from}...{to}"
        )
    _check_web_address(filled)


def _check_job(text: str) -> None:
    filled = text.replace("{environment}", "e")
    if not re.fullmatch(r"[^\s{}]{1,128}", filled) or filled in UNADDRESSABLE:
        raise ValueError(
            f"{quote(text)} is not a Nomad job id; use up to 128 characters without spaces, "
            "not `.` or `..` alone, and no placeholder but {environment}"
        )


def _check_file(text: str) -> None:
    if not text or text.startswith("/") or "\\" in text or ".." in text.split("/"):
        raise ValueError(
            f"{quote(text)} is not a path inside the catalog's folder; write it relative to the folder, with `/`"
        )


Name = Annotated[str, Regex(_NAME, "a name; use at most 63 lower-case letters, digits, `.`, `_` and `-`")]
GroupRef = Annotated[str, Regex(_NAME, "a group; write a group's name or `service.owners`")]
ChannelId = Annotated[str, Regex("[CG][A-Z0-9]{7,20}", "a Slack channel id; write one such as C0123ABCD")]
UserId = Annotated[str, Regex("[UW][A-Z0-9]{7,20}", "a Slack user id; write one such as U0123ABCD")]
UsergroupId = Annotated[str, Regex("S[A-Z0-9]{7,20}", "a Slack user group id; write one such as S0123ABCD")]
Namespace = Annotated[str, Regex("[a-zA-Z0-9-]{1,128}", "a Nomad namespace; use at most 128 letters, digits and `-`")]
Region = Annotated[str, Regex("[A-Za-z0-9._-]{1,128}", "a Nomad region; use letters, digits, `.`, `_` and `-`")]
EnvName = Annotated[
    str, Regex("[A-Za-z_][A-Za-z0-9_]*", "the name of an environment variable; write one such as NOMAD_TOKEN_EU")
]
VariableName = Annotated[
    str,
    Regex(
        "[A-Za-z_][A-Za-z0-9_-]*", "a variable's name; use letters, digits, `_` and `-`, and do not start with a digit"
    ),
]
Identity = Annotated[str, Regex(r"[a-z]+:\S+", "a CI identity; write issuer:user, such as github:alice-dev")]
RiskName = Annotated[str, Regex("[a-z][a-z0-9_-]*", "the name of a risk; write one such as raw_exec or host-volume")]
TimeOfDay = Annotated[
    str, Regex("(?:[01][0-9]|2[0-3]):[0-5][0-9]", 'a time of day; write it in quotes, such as "09:00"')
]
Shown = Annotated[str, Regex(r"\S{1,256}", "a name without spaces; write one name per line")]
Timezone = Annotated[str, Validator(_check_timezone)]
Cron = Annotated[str, Validator(_check_cron)]
VersionPattern = Annotated[str, Validator(_check_version_pattern)]
SettingPattern = Annotated[str, Validator(_check_setting_pattern)]
Date = Annotated[str, Validator(_check_date)]
Address = Annotated[str, Validator(_check_address)]
Compare = Annotated[str, Validator(_check_compare)]
JobId = Annotated[str, Validator(_check_job)]
InsidePath = Annotated[str, Validator(_check_file)]

_DURATION_SCHEMA = WithJsonSchema({"type": "string", "pattern": f"^{_DURATION}$", "examples": ["30m", "24h", "7d"]})
Duration = Annotated[timedelta, BeforeValidator(duration), _DURATION_SCHEMA]
PositiveDuration = Annotated[timedelta, BeforeValidator(positive_duration), _DURATION_SCHEMA]
