"""``nomatron check [FOLDER]``: check whether a catalog can be applied, without network or settings."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from bot.gateways.catalog import json_schema, read

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bot.gateways.catalog import Issue, Reading

DESCRIPTION = """\
Checks a catalog folder and prints every error, then every warning, each with its file, its line and the fix.
Needs no settings and no network. Exits with 1 if there is an error, else with 0.
"""


def main(argv: Sequence[str]) -> int:
    """Check a folder, or print the JSON Schema; the exit status, 1 if the folder has errors."""
    words = _parser().parse_args(argv)
    if words.schema:
        sys.stdout.write(json.dumps(json_schema(), indent=2) + "\n")
        return 0
    reading = read(words.folder)
    sys.stdout.writelines(f"{line}\n" for line in report(words.folder, reading))
    return 1 if reading.errors else 0


def report(folder: Path, reading: Reading) -> list[str]:
    """A line for each error and warning, and a summary."""
    return [*issue_lines(folder, reading), _summary(folder, reading)]


def issue_lines(folder: Path, reading: Reading) -> list[str]:
    """A line for each error and warning; paths are relative to the working directory."""
    errors = [str(_from_here(folder, issue)) for issue in reading.errors]
    warnings = [_from_here(folder, issue) for issue in reading.warnings]
    return errors + [str(replace(issue, message=f"warning: {issue.message}")) for issue in warnings]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="nomatron check", description=DESCRIPTION, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "folder", nargs="?", type=Path, default=Path("catalog"), help="the folder with nomatron.yaml (default: catalog)"
    )
    parser.add_argument(
        "--schema", action="store_true", help="print the JSON Schema of the files, for editors, and exit"
    )
    return parser


def _from_here(folder: Path, issue: Issue) -> Issue:
    return replace(issue, file=(folder / issue.file).as_posix())


def _summary(folder: Path, reading: Reading) -> str:
    warnings = _count(len(reading.warnings), "warning")
    if reading.catalog is None:
        return f"{folder}: {_count(len(reading.errors), 'error')}, {warnings}; fix the errors before you apply it"
    services = _count(len(reading.catalog.services), "service")
    environments = _count(len(reading.catalog.environments), "environment")
    return f"{folder}: no errors, {warnings}; {services} in {environments}, fingerprint {reading.catalog.fingerprint}"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
