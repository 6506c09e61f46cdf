"""``nomatron doctor [-v] [--json]``: check a real set-up, and print each problem with its fix."""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from typing import TYPE_CHECKING, Any

from bot.domain.diagnosis.finding import Severity, has_errors
from bot.operations.doctor.run import doctor

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from bot.domain.diagnosis.finding import Finding
    from bot.operations.doctor.run import Setup

DESCRIPTION = """\
Checks the settings, the database, the catalog, Slack and every Nomad cluster, and prints each problem with its fix.
Changes nothing, and prints no secret. Exits with 1 if there is an error; warnings and unknowns exit with 0.
docs/doctor.md lists every finding.
"""


def parse(argv: Sequence[str]) -> argparse.Namespace:
    """The command's arguments."""
    parser = argparse.ArgumentParser(
        prog="nomatron doctor", description=DESCRIPTION, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("-v", "--verbose", action="store_true", help="also print a line for everything that is ok")
    parser.add_argument("--json", action="store_true", help="print JSON for programs (docs/interfaces.md)")
    return parser.parse_args(argv)


async def execute(words: argparse.Namespace, setup: Setup, conceal: Callable[[str], str]) -> int:
    """Print the findings, after ``conceal`` has removed every secret; exit status 1 if there is an error."""
    findings = await doctor(setup)
    document = json.dumps(_document(findings), indent=2, ensure_ascii=False) + "\n"
    sys.stdout.write(conceal(document if words.json else _lines(findings, verbose=words.verbose)))
    return int(has_errors(findings))


def _document(findings: Sequence[Finding]) -> dict[str, Any]:
    return {
        "ok": not has_errors(findings),
        "counts": _counts(findings),
        "findings": [
            {"severity": each.severity.value, "subject": each.subject, "problem": each.text, "fix": each.fix}
            for each in findings
            if each.severity is not Severity.OK
        ],
        "passed": [{"subject": each.subject, "detail": each.text} for each in findings if each.severity is Severity.OK],
    }


def _counts(findings: Sequence[Finding]) -> dict[str, int]:
    counted = Counter(each.severity for each in findings)
    return {
        "errors": counted[Severity.ERROR],
        "warnings": counted[Severity.WARNING],
        "ok": counted[Severity.OK],
        "unknown": counted[Severity.UNKNOWN],
    }


def _lines(findings: Sequence[Finding], *, verbose: bool) -> str:
    shown = [each for each in findings if verbose or each.severity is not Severity.OK]
    return "".join(f"{line}\n" for line in (*map(str, shown), _summary(findings)))


def _summary(findings: Sequence[Finding]) -> str:
    counts = _counts(findings)
    errors = f"{counts['errors']} error{'' if counts['errors'] == 1 else 's'}"
    warnings = f"{counts['warnings']} warning{'' if counts['warnings'] == 1 else 's'}"
    return f"{errors}, {warnings}, {counts['ok']} ok, {counts['unknown']} unknown"
