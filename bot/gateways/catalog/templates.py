"""A template's variables, as its ``variable`` blocks declare them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bot.gateways.catalog.findings import Finding, suggestion

if TYPE_CHECKING:
    from pathlib import Path

    from bot.gateways.catalog.tree import Node

LARGEST_TEMPLATE = 1024 * 1024


@dataclass(frozen=True, slots=True)
class TemplateText:
    """A jobspec's text as it stands in the folder, the variables it declares, and those of them without a default."""

    text: str
    declared: frozenset[str]
    required: frozenset[str]


class TemplateError(ValueError):
    """The file cannot be used; ``line`` is where, in the file itself, or 0 where that is the catalog's to mend."""

    def __init__(self, message: str, line: int = 0) -> None:
        super().__init__(message)
        self.line = line


def read_template(folder: Path, name: str, entry: Node) -> TemplateText | Finding | None:
    """The template that a catalog entry names, or what is wrong with it; None where it names no usable path."""
    file = entry.get("file")
    if file is None or not file.text or ".." in file.text.split("/") or file.text.startswith("/"):
        return None
    try:
        return _template(_bytes(folder, file.text))
    except TemplateError as error:
        at = Finding(file.text, error.line, "") if error.line else file
        return Finding(at.file, at.line, f"template `{name}`: {error}")


def _bytes(folder: Path, name: str) -> bytes:
    path = folder / name
    if not path.resolve().is_relative_to(folder.resolve()):
        raise TemplateError(f"{name} leads out of the catalog's folder; put the file inside")
    if not path.is_file():
        present = (str(each.relative_to(folder)) for each in folder.glob("templates/*.hcl"))
        raise TemplateError(f"there is no file {name}; {suggestion(name, present)}")
    try:
        data = path.read_bytes()
    except OSError as error:
        raise TemplateError(f"{name} cannot be read ({error.strerror}); mend its permissions") from None
    if len(data) > LARGEST_TEMPLATE:
        raise TemplateError(f"{name} has more than {LARGEST_TEMPLATE} bytes; make it smaller")
    return data


def _template(data: bytes) -> TemplateText:
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise TemplateError("this is not UTF-8; save the file as UTF-8", line) from None
    blocks = _parsed(text)
    if len(_labelled(blocks.get("job"))) != 1:
        raise TemplateError('a jobspec has exactly one `job "..." { }` block; write one', 1)
    variables = _labelled(blocks.get("variable"))
    names = [name for name, _ in variables]
    for name in names:
        if names.count(name) > 1:
            raise TemplateError(f"variable `{name}` is declared twice; keep one", _line_of(text, name))
    required = frozenset(name for name, body in variables if "default" not in body)
    return TemplateText(text, frozenset(names), required)


def _parsed(text: str) -> dict[str, Any]:
    from bot.gateways.catalog import hcl  # noqa: PLC0415 - `check --help` and `--schema` must not pay for the grammar

    try:
        return hcl.blocks(text)
    except hcl.NotHclError as error:
        raise TemplateError(f"{error}; mend it, `nomad fmt` shows where", error.line) from None


def _labelled(blocks: Any) -> list[tuple[str, dict[str, Any]]]:
    """The blocks of a kind with one label each; python-hcl2 keeps the quotes of a label."""
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
