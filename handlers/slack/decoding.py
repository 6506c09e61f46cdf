"""From a request's bytes to its payload, strictly: shape, sizes and depth are checked before anybody reads it."""

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
    """Rightly signed, but not what Slack sends; the text says what is wrong with it."""


class TooLarge(ValueError):
    """More than is ever read."""


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
    # counted before anything is split: a hundred thousand fields cost a quarter of a second to take apart
    if body.count(b"&") >= MOST_FIELDS:
        raise Malformed("too many form fields")
    fields: dict[str, str] = {}
    for pair in body.split(b"&"):
        if not pair:
            continue
        name, _, value = pair.partition(b"=")
        key = percent_decoded(name)
        # Slack never repeats a field; whoever does wants two readers to see two different requests
        if key in fields:
            raise Malformed("a form field is there twice")
        fields[key] = percent_decoded(value)
    return fields


def percent_decoded(value: bytes) -> str:
    """A form's name or value as text; ``Malformed`` where it is not UTF-8.

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
        raise TooLarge("more JSON than is ever read")
    try:
        value = json.loads(text, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        # json's own scanner gives up by RecursionError on a tower of brackets
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
    """Whether a value is nested more deeply; level by level, so that no input can exhaust our own stack."""
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
