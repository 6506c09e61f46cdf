"""Reads a template's text and the variables that its ``variable`` blocks declare."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bot.gateways.catalog.declarations import read_declarations
from bot.gateways.catalog.issues import Issue, suggestion

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from bot.domain.catalog.variable import Declaration
    from bot.gateways.catalog.tree import Node

LARGEST_TEMPLATE = 1024 * 1024


@dataclass(frozen=True, slots=True)
class TemplateText:
    """A jobspec's text, the variables that it declares and what their blocks say, and those that have no default."""

    text: str
    declarations: Mapping[str, Declaration]
    required: frozenset[str]

    @property
    def declared(self) -> frozenset[str]:
        """The names of its variables."""
        return frozenset(self.declarations)


class TemplateError(ValueError):
    """The file cannot be used. ``line`` is the line in that file, or 0 if the fix is in the catalog's own file."""

    def __init__(self, message: str, line: int = 0) -> None:
        super().__init__(message)
        self.line = line


def read_template(folder: Path, name: str, entry: Node) -> TemplateText | Issue | None:
    """The template of a catalog entry, or its issue; None if the entry has no usable path, which ``form`` reports."""
    file = entry.get("file")
    if file is None or not file.text or ".." in file.text.split("/") or file.text.startswith("/"):
        return None
    try:
        return _template(_bytes(folder, file.text))
    except TemplateError as error:
        at = Issue(file.text, error.line, "") if error.line else file
        return Issue(at.file, at.line, f"template `{name}`: {error}")


def _bytes(folder: Path, name: str) -> bytes:
    path = folder / name
    if not path.resolve().is_relative_to(folder.resolve()):
        raise TemplateError(f"{name} points outside the catalog's folder; move the file into the folder")
    if not path.is_file():
        present = (str(each.relative_to(folder)) for each in folder.glob("templates/*.hcl"))
        raise TemplateError(f"the file {name} does not exist; {suggestion(name, present)}")
    try:
        data = path.read_bytes()
    except OSError as error:
        raise TemplateError(f"{name} cannot be read ({error.strerror}); correct its permissions") from None
    if len(data) > LARGEST_TEMPLATE:
        raise TemplateError(f"{name} is larger than {LARGEST_TEMPLATE} bytes; make it smaller")
    return data


def _template(data: bytes) -> TemplateText:
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise TemplateError("the file is not UTF-8; save it as UTF-8", line) from None
    blocks = _parse_blocks(text)
    jobs = _labelled_blocks(blocks.get("job"))
    if len(jobs) != 1:
        raise TemplateError('a jobspec needs exactly one `job "..." { }` block; write one', 1)
    variables = _labelled_blocks(blocks.get("variable"))
    names = [name for name, _ in variables]
    for name in names:
        if names.count(name) > 1:
            raise TemplateError(f"variable `{name}` is declared twice; keep one", _line_of(text, name))
    required = frozenset(name for name, body in variables if "default" not in body)
    return TemplateText(text, read_declarations(dict(variables), jobs[0][1]), required)


def _parse_blocks(text: str) -> dict[str, Any]:
    from bot.gateways.catalog import hcl  # noqa: PLC0415 - `check --help` and `--schema` must not pay for the grammar

    try:
        return hcl.blocks(text)
    except hcl.NotHclError as error:
        raise TemplateError(f"{error}; correct the syntax (`nomad fmt` shows where)", error.line) from None


def _labelled_blocks(blocks: Any) -> list[tuple[str, dict[str, Any]]]:
    """The blocks of one type as (label, body); python-hcl2 keeps the quotes around a label."""
    if not isinstance(blocks, list):
        return []
    return [
        (label.strip('"'), body)
        for block in blocks
        if isinstance(block, dict)
        for label, body in block.items()
        if isinstance(body, dict)
    ]


def _line_of(text: str, variable: str) -> int:
    found = [match.start() for match in re.finditer(rf'(?m)^\s*variable\s+"?{re.escape(variable)}\b', text)]
    return text.count("\n", 0, found[-1]) + 1 if found else 1
