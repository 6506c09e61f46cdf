"""``nomatron doctor [-v] [--json]``: look at a real set-up, and print each finding with its mend."""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from typing import TYPE_CHECKING, Any

from bot.domain.diagnosis.finding import Severity, troubled
from bot.operations.doctor.run import doctor

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from bot.domain.diagnosis.finding import Finding
    from bot.operations.doctor.run import Patient

DESCRIPTION = """\
Looks at the settings, the database, the catalog, Slack and every Nomad cluster, and prints a line for each finding
with its mend. Changes nothing, and prints no secret. The exit status is 1 where something has to be mended, else 0;
warnings, and what cannot be told, leave it at 0. docs/doctor.md lists every finding.
"""


def parse(argv: Sequence[str]) -> argparse.Namespace:
    """The command's words."""
    parser = argparse.ArgumentParser(
        prog="nomatron doctor", description=DESCRIPTION, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("-v", "--verbose", action="store_true", help="print a line for each thing that is well, too")
    parser.add_argument("--json", action="store_true", help="print JSON for programs, what is well included")
    return parser.parse_args(argv)


async def execute(words: argparse.Namespace, patient: Patient, conceal: Callable[[str], str]) -> int:
    """Print what ``doctor`` finds, every text through ``conceal``; 1 where something has to be mended."""
    findings = await doctor(patient)
    document = json.dumps(_document(findings), indent=2, ensure_ascii=False) + "\n"
    sys.stdout.write(conceal(document if words.json else _lines(findings, verbose=words.verbose)))
    return int(troubled(findings))


def _document(findings: Sequence[Finding]) -> dict[str, Any]:
    return {
        "ok": not troubled(findings),
        "findings": [
            {
                "severity": each.severity.name.lower(),
                "subject": each.subject,
                "trouble": each.trouble,
                "mend": each.mend,
            }
            for each in findings
            if each.severity is not Severity.WELL
        ],
        "well": [
            {"subject": each.subject, "said": each.trouble} for each in findings if each.severity is Severity.WELL
        ],
    }


def _lines(findings: Sequence[Finding], *, verbose: bool) -> str:
    shown = [each for each in findings if verbose or each.severity is not Severity.WELL]
    return "".join(f"{line}\n" for line in (*map(str, shown), _summary(findings)))


def _summary(findings: Sequence[Finding]) -> str:
    counted = Counter(each.severity for each in findings)
    parts = [
        f"{counted[Severity.ERROR]} to mend",
        f"{counted[Severity.WARNING]} warning{'' if counted[Severity.WARNING] == 1 else 's'}",
        f"{counted[Severity.UNTOLD]} that cannot be told",
        f"{counted[Severity.WELL]} well",
    ]
    return ", ".join(parts)
