"""``nomatron VERB``: a table of the verbs; only the module of the verb that runs is imported."""

from __future__ import annotations

import argparse
import importlib
import sys
from typing import TYPE_CHECKING, Final, NamedTuple

from bot import __version__

if TYPE_CHECKING:
    from collections.abc import Sequence


class Verb(NamedTuple):
    """A verb's line in the help, and the module and the function that run it."""

    help: str
    module: str
    function: str = "main"


VERBS: Final = {
    "sandbox": Verb(
        "try Nomatron: the bot with a simulated Slack and Nomad, and a page in the browser", "sandbox.run", "command"
    ),
    "check": Verb("check a catalog folder, offline", "handlers.cli.check"),
    "migrate": Verb("create or update the database's tables", "bot.wiring.migrate"),
    "apply": Verb("check the catalog folder and make it the active catalog", "bot.wiring.commands", "apply"),
    "run": Verb("run the bot: web server and worker in one process, on SQLite", "bot.wiring.server"),
    "status": Verb("show which version runs where, the open deploys and the locks", "bot.wiring.commands", "status"),
    "resolve": Verb("say what became of a deploy if Nomad cannot tell", "bot.wiring.commands", "resolve"),
    "rollback": Verb("go back to what ran before, and lock the service there", "bot.wiring.commands", "rollback"),
    "lock": Verb("let nothing start in an environment, or for a service", "bot.wiring.commands", "lock"),
    "unlock": Verb("lift a lock", "bot.wiring.commands", "unlock"),
    "history": Verb("show a service's deploys and how each ended, newest first", "bot.wiring.commands", "history"),
    "audit": Verb("read the audit log", "bot.wiring.commands", "audit"),
    "doctor": Verb("check a real set-up, and show each problem with its fix", "bot.wiring.doctor"),
    "manifest": Verb("print the Slack app's manifest, or check manifest.yml", "bot.wiring.manifest"),
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run the verb in the arguments; its exit status."""
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
        description="Puts approvals, in Slack, in front of deploys to HashiCorp Nomad.",
        epilog=f"verbs:\n{verbs}\n\n`nomatron VERB --help` explains each of them.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"nomatron {__version__}")
    parser.add_argument("verb", choices=VERBS, metavar="VERB", help="one of the verbs below")
    parser.add_argument("rest", nargs=argparse.REMAINDER, metavar="...", help="the verb's own arguments")
    return parser


if __name__ == "__main__":
    sys.exit(main())
