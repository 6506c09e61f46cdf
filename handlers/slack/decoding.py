"""From a request's bytes to its payload. Shape, size and depth are checked before anything reads it."""

from __future__ import annotations

import binascii
import json
import re
from typing import Any, Final, NoReturn
from urllib.parse import unquote_to_bytes

Payload = dict[str, Any]

FORM, JSON = "application/x-www-form-urlencoded", "application/json"
MOST_BODY: Final = 1024 * 1024
MOST_JSON: Final = 512 * 1024
MOST_DEPTH: Final = 64
MOST_FIELDS: Final = 64

_REGULAR = re.compile(rb"[^%=]*(?:%[0-9A-Fa-f]{2}[^%=]*)*")
_COMMAND_FIELDS = ("command", "team_id", "user_id", "channel_id")


class Malformed(ValueError):
    """A body that Slack would not send, although its signature is right; the text says what is wrong."""


class TooLarge(ValueError):
    """A body that is too large to read."""


def decode(kind: str, body: bytes) -> Payload:
    """The payload of a body of media type FORM or JSON; ``Malformed`` or ``TooLarge``."""
    return _json(body) if kind == JSON else _form(body)


def _form(body: bytes) -> Payload:
    fields = _fields(body)
    if "payload" in fields:
        return _json(fields["payload"].encode())
    if "ssl_check" in fields:
        return {"ssl_check": fields["ssl_check"]}
    missing = [name for name in _COMMAND_FIELDS if not fields.get(name)]
    if missing:
        raise Malformed(f"neither a payload nor a command: no {missing[0]}")
    return dict(fields)


def _fields(body: bytes) -> dict[str, str]:
    # counted before splitting: a hundred thousand fields take a quarter of a second to split
    if body.count(b"&") >= MOST_FIELDS:
        raise Malformed("too many form fields")
    fields: dict[str, str] = {}
    for pair in body.split(b"&"):
        if not pair:
            continue
        name, _, value = pair.partition(b"=")
        key = percent_decoded(name)
        # Slack never repeats a field; an attacker does, so that two readers see two different requests
        if key in fields:
            raise Malformed("a form field is repeated")
        fields[key] = percent_decoded(value)
    return fields


def percent_decoded(value: bytes) -> str:
    """A form's name or value as text; raises ``Malformed`` if it is not UTF-8.

    Quoted-printable decoding is the same with ``=`` for ``%`` and is done in C: twenty times faster than
    ``urllib.parse`` (which takes what is not regular).
    """
    # a raw `=` or a broken escape would mean something else to quoted-printable
    spaced = value.replace(b"+", b" ")
    raw = binascii.a2b_qp(spaced.replace(b"%", b"=")) if _REGULAR.fullmatch(spaced) else unquote_to_bytes(spaced)
    try:
        return raw.decode()
    except UnicodeDecodeError as error:
        raise Malformed("not UTF-8") from error


def _json(text: bytes) -> Payload:
    if len(text) > MOST_JSON:
        raise TooLarge("the JSON is too large")
    try:
        value = json.loads(text, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        # json raises RecursionError on thousands of nested brackets
        raise Malformed("not JSON") from error
    if not isinstance(value, dict):
        raise Malformed("not a JSON object")
    if _deeper_than(value, MOST_DEPTH):
        raise Malformed("nested too deeply")
    if not isinstance(value.get("type"), str):
        raise Malformed("no type")
    return value


def _no_constant(name: str) -> NoReturn:
    raise ValueError(name)


def _deeper_than(value: Any, depth: int) -> bool:
    """Whether a value is nested deeper than ``depth``. Goes level by level, so that no input exhausts our stack."""
    level = [value]
    for _ in range(depth):
        level = [
            inner
            for each in level
            for inner in (each.values() if isinstance(each, dict) else each)
            if isinstance(inner, dict | list)
        ]
        if not level:
            return False
    return True
