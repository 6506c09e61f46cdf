"""The kinds of text that the catalog knows: names, ids, durations, patterns, addresses; each says its own mend."""

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

from bot.gateways.catalog.findings import shortened, suggestion

if TYPE_CHECKING:
    from collections.abc import Callable

LONGEST = timedelta(days=3650)

_NAME = r"[a-z0-9][a-z0-9._-]{0,62}"
_UNITS = {"d": "days", "h": "hours", "m": "minutes", "s": "seconds"}
_DURATION = r"(?:\d{1,9}[dhms])+"


@dataclass(frozen=True, slots=True)
class Form:
    """Text that matches a pattern whole; ``what`` finishes the sentence "... is not"."""

    pattern: str
    what: str

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """The text's own schema, then the pattern."""
        return core_schema.no_info_after_validator_function(self.check, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        """The same pattern for editors."""
        return {**handler(schema), "pattern": f"^(?:{self.pattern})$"}

    def check(self, text: str) -> str:
        """The text unchanged; ``ValueError`` with the mend where it does not match."""
        if not re.fullmatch(self.pattern, text):
            raise ValueError(f"{shortened(text)} is not {self.what}")
        return text


@dataclass(frozen=True, slots=True)
class Judged:
    """Text that a function judges: it raises ``ValueError`` with the mend."""

    judge: Callable[[str], None]

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """The text's own schema, then the judge."""
        return core_schema.no_info_after_validator_function(self.check, handler(source))

    def check(self, text: str) -> str:
        """The text unchanged, once judged."""
        self.judge(text)
        return text


def duration(value: Any) -> timedelta:
    """A duration such as ``90s``, ``30m``, ``7d`` or ``1h30m``; ``ValueError`` otherwise, or above ten years."""
    if not isinstance(value, str) or not re.fullmatch(_DURATION, value, re.ASCII):
        raise ValueError(f"{shortened(value)} is not a duration; write a number with d, h, m or s, such as 30m or 24h")
    parts = re.findall(r"(\d+)([dhms])", value)
    total = sum((timedelta(**{_UNITS[unit]: int(number)}) for number, unit in parts), timedelta())
    if total > LONGEST:
        raise ValueError(f"{value} is longer than ten years; write less")
    return total


def positive_duration(value: Any) -> timedelta:
    """A duration of more than nothing."""
    found = duration(value)
    if found <= timedelta():
        raise ValueError(f"{shortened(value)} is no time at all; write a duration such as 24h")
    return found


def spelled(length: timedelta) -> str:
    """A duration as the catalog writes it, in the largest unit that divides it."""
    seconds = int(length.total_seconds())
    for unit, size in (("d", 86400), ("h", 3600), ("m", 60)):
        if seconds and seconds % size == 0:
            return f"{seconds // size}{unit}"
    return f"{seconds}s"


def _judge_timezone(text: str) -> None:
    known = zoneinfo.available_timezones()
    if text not in known:
        near = suggestion(text, known) if text else ""
        hint = near if near.startswith("did you mean") else "write one of the IANA database, such as Europe/Amsterdam"
        raise ValueError(f"{shortened(text)} is not a time zone; {hint}")


def _judge_cron(text: str) -> None:
    try:
        CronSim(text, datetime(2026, 1, 1, tzinfo=UTC))
    except CronSimError as error:
        raise ValueError(f"{shortened(text)} is not a cron expression ({error}); such as `0 16 * * FRI`") from None


def _judge_pattern(text: str) -> None:
    try:
        re.compile(text)
    except (re.error, RecursionError, OverflowError) as error:
        raise ValueError(f"{shortened(text)} is not a regular expression ({error}); mend it") from None


def _judge_date(text: str) -> None:
    try:
        date.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{shortened(text)} is not a date; write it as 2026-12-31") from None


def _judge_web_address(text: str) -> None:
    mend = "write it as https://host or https://host:port"
    try:
        parts = urlsplit(text)
        usable = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable or re.search(r"\s", text):
        raise ValueError(f"{shortened(text)} is not a web address; {mend}")
    if parts.username is not None or parts.password is not None:
        raise ValueError("an address must not hold a user or password; name the token's variable with `token_env`")


def _judge_address(text: str) -> None:
    _judge_web_address(text)
    if "?" in text or "#" in text:
        raise ValueError(f"{shortened(text)} has more than an address; leave out all from `?` or `#` on")


def _judge_compare(text: str) -> None:
    filled = re.sub(r"\{(?:from|to)\}", "1", text)
    if "{" in filled or "}" in filled or "{to}" not in text:
        raise ValueError("`compare` takes {from} and {to}, {to} at least, and no other placeholder; write them in")
    _judge_web_address(filled)


def _judge_job(text: str) -> None:
    filled = text.replace("{environment}", "e")
    if not re.fullmatch(r"[^\s{}]{1,128}", filled):
        raise ValueError(
            f"{shortened(text)} is not a Nomad job id; up to 128 characters without spaces, {{environment}} at most"
        )


def _judge_file(text: str) -> None:
    if not text or text.startswith("/") or "\\" in text or ".." in text.split("/"):
        raise ValueError(f"{shortened(text)} must be a path inside the catalog's folder, with / between its parts")


Name = Annotated[str, Form(_NAME, "a name; use lower-case letters, digits, `.`, `_` and `-`, 63 at most")]
GroupRef = Annotated[str, Form(_NAME, "a group's name or `service.owners`; write one of these")]
ChannelId = Annotated[str, Form("[CG][A-Z0-9]{7,20}", "a Slack channel id; it starts with C, as in C0123ABCD")]
UserId = Annotated[str, Form("[UW][A-Z0-9]{7,20}", "a Slack user id; it starts with U, as in U0123ABCD")]
UsergroupId = Annotated[str, Form("S[A-Z0-9]{7,20}", "a Slack user group id; it starts with S, as in S0123ABCD")]
Namespace = Annotated[str, Form("[a-zA-Z0-9-]{1,128}", "a Nomad namespace; use letters, digits and `-`, 128 at most")]
Region = Annotated[str, Form("[A-Za-z0-9._-]{1,128}", "a Nomad region; use letters, digits, `.`, `_` and `-`")]
EnvName = Annotated[str, Form("[A-Za-z_][A-Za-z0-9_]*", "the name of an environment variable, such as NOMAD_TOKEN_EU")]
VariableName = Annotated[
    str, Form("[A-Za-z_][A-Za-z0-9_-]*", "a variable's name; use letters, digits, `_` and `-`, no digit first")
]
Identity = Annotated[str, Form(r"[a-z]+:\S+", "a CI identity; write issuer:user, as in github:alice-dev")]
RiskName = Annotated[str, Form("[a-z][a-z0-9_-]*", "the name of a risk; such as raw_exec or host-volume")]
TimeOfDay = Annotated[str, Form("(?:[01][0-9]|2[0-3]):[0-5][0-9]", 'a time of day; write it in quotes as "09:00"')]
Shown = Annotated[str, Form(r"\S{1,256}", "a name without spaces; write one a line")]
Timezone = Annotated[str, Judged(_judge_timezone)]
Cron = Annotated[str, Judged(_judge_cron)]
Pattern = Annotated[str, Judged(_judge_pattern)]
Date = Annotated[str, Judged(_judge_date)]
Address = Annotated[str, Judged(_judge_address)]
Compare = Annotated[str, Judged(_judge_compare)]
JobId = Annotated[str, Judged(_judge_job)]
InsidePath = Annotated[str, Judged(_judge_file)]

_DURATION_SCHEMA = WithJsonSchema({"type": "string", "pattern": f"^{_DURATION}$", "examples": ["30m", "24h", "7d"]})
Duration = Annotated[timedelta, BeforeValidator(duration), _DURATION_SCHEMA]
PositiveDuration = Annotated[timedelta, BeforeValidator(positive_duration), _DURATION_SCHEMA]
