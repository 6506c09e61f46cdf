"""Functions that encode, decode and hash, and those that read files, which Nomad's parse endpoint refuses."""

from __future__ import annotations

import base64
import binascii
import csv
import hashlib
import io
import json
import uuid
from decimal import Decimal
from typing import Any, Final
from urllib.parse import quote_plus

from jobspec.evaluation.functions.calling import FunctionError, Implementation, disabled, not_simulated, taking
from jobspec.evaluation.functions.json_text import json_text
from jobspec.values import STRING, ListOf, tidy

_NAMESPACES: Final = {
    "dns": uuid.NAMESPACE_DNS,
    "url": uuid.NAMESPACE_URL,
    "oid": uuid.NAMESPACE_OID,
    "x500": uuid.NAMESPACE_X500,
}
_FILES: Final = (
    "abspath", "basename", "dirname", "file", "filebase64", "fileexists", "fileset", "pathexpand",
)  # fmt: skip


@taking(STRING)
def _base64decode(text: str) -> str:
    try:
        return base64.b64decode(text, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError) as error:
        raise FunctionError(f'failed to decode base64 data "{text}"') from error


@taking(STRING)
def _jsondecode(text: str) -> Any:
    try:
        return _tidy_value(json.loads(text, parse_float=Decimal))
    except ValueError as error:
        raise FunctionError(str(error)) from error


def _tidy_value(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _tidy_value(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_tidy_value(each) for each in value]
    return tidy(value) if isinstance(value, Decimal) else value


@taking(STRING)
def _csvdecode(text: str) -> ListOf:
    rows = list(csv.reader(io.StringIO(text), strict=True))
    if not rows:
        raise FunctionError("missing header line")
    header = rows[0]
    if len(set(header)) != len(header) or any(len(row) != len(header) for row in rows):
        raise FunctionError("wrong number of fields, or a duplicate column name")
    return ListOf(dict(zip(header, row, strict=True)) for row in rows[1:])


@taking(STRING, STRING)
def _uuidv5(namespace: str, name: str) -> str:
    try:
        space = _NAMESPACES.get(namespace) or uuid.UUID(namespace)
    except ValueError as error:
        raise FunctionError("uuidv5() doesn't support namespace " + namespace) from error
    return str(uuid.uuid5(space, name))


def _hash(name: str) -> Implementation:
    return taking(STRING)(lambda text: hashlib.new(name, text.encode(), usedforsecurity=False).hexdigest())


FUNCTIONS: Final[dict[str, Implementation]] = {
    "base64encode": taking(STRING)(lambda text: base64.b64encode(text.encode()).decode()),
    "base64decode": _base64decode,
    "jsonencode": json_text,
    "jsondecode": _jsondecode,
    "csvdecode": _csvdecode,
    "urlencode": taking(STRING)(quote_plus),
    "uuidv4": taking()(lambda: str(uuid.uuid4())),
    "uuidv5": _uuidv5,
    **{name: _hash(name) for name in ("md5", "sha1", "sha256", "sha512")},
    "bcrypt": not_simulated("bcrypt", "its result differs at each call"),
    "rsadecrypt": not_simulated("rsadecrypt", "the simulation has no keys"),
    "yamldecode": not_simulated("yamldecode", "Go reads YAML differently from Python"),
    "yamlencode": not_simulated("yamlencode", "Go writes YAML differently from Python"),
    "convert": not_simulated("convert", "types as arguments are not supported"),
    **dict.fromkeys(_FILES, disabled),
}
