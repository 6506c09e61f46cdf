"""``nomatron migrate``: apart from the other commands, because Alembic takes as long to import as they take to run."""

from __future__ import annotations

import argparse
import sys
from functools import partial
from typing import TYPE_CHECKING

from bot.wiring.commands import carry_out
from bot.wiring.patience import Patience
from store.migrate import migrate

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bot.settings import Settings


def main(argv: Sequence[str]) -> int:
    """``nomatron migrate``."""
    argparse.ArgumentParser(
        prog="nomatron migrate", description="Creates or updates the database's tables."
    ).parse_args(argv)
    return carry_out(_migrate)


async def _migrate(settings: Settings) -> int:
    # a step of the start: the server before it, or a backup, may still have the database
    await Patience().until_free(partial(migrate, settings.database_url))
    sys.stdout.write("the database is up to date\n")
    return 0
