"""``nomatron VERB``: one table from verb to what runs it, loaded when it is asked for."""

from __future__ import annotations

import argparse
import importlib
import sys
from typing import TYPE_CHECKING, Final, NamedTuple

from bot import __version__

if TYPE_CHECKING:
    from collections.abc import Sequence


class Verb(NamedTuple):
    """A verb's line in the help, the module that runs it, and how it is called (see ``bot.wiring.commands``)."""

    help: str
    module: str
    function: str = "main"


VERBS: Final = {
    "sandbox": Verb(
        "try it: a simulated Slack and Nomad, the bot, and a page in the browser", "sandbox.run", "command"
    ),
    "check": Verb("check a catalog folder, offline", "handlers.cli.check"),
    "migrate": Verb("bring the database's tables up to date", "bot.wiring.commands", "migrate"),
    "apply": Verb("check the catalog folder and make it the active catalog", "bot.wiring.commands", "apply"),
    "run": Verb("serve Slack and work, in one process on SQLite", "bot.wiring.commands", "run"),
    "status": Verb("what runs where, and the open deploys", "bot.wiring.commands", "status"),
    "history": Verb("what became of a service's deploys, newest first", "bot.wiring.commands", "history"),
    "audit": Verb("read the audit log: list", "bot.wiring.commands", "audit"),
    "doctor": Verb("look at a real set-up: each finding with its mend", "bot.wiring.doctor"),
    "manifest": Verb("print the Slack app's manifest, or check manifest.yml", "bot.wiring.manifest"),
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run the verb that the words name; its exit status."""
    words = _parser().parse_args(argv)
    verb = VERBS[words.verb]
    run = getattr(importlib.import_module(verb.module), verb.function)
    status: int = run(words.rest)
    return status


def _parser() -> argparse.ArgumentParser:
    width = max(map(len, VERBS))
    verbs = "\n".join(f"  {name:<{width}}  {verb.help}" for name, verb in VERBS.items())
    parser = argparse.ArgumentParser(
        prog="nomatron",
        description="Governed deployments for HashiCorp Nomad, from Slack.",
        epilog=f"verbs:\n{verbs}\n\n`nomatron VERB --help` says more of each.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"nomatron {__version__}")
    parser.add_argument("verb", choices=VERBS, metavar="VERB", help="what to do; one of the verbs below")
    parser.add_argument("rest", nargs=argparse.REMAINDER, metavar="...", help="the verb's own words")
    return parser


if __name__ == "__main__":
    sys.exit(main())
