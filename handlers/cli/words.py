"""Words that several verbs read alike, and a refusal as words.

A service is what the catalog says is one, however it is named; any other name is looked for among what happened.
"""

from __future__ import annotations

import argparse
import re
import sys
from typing import TYPE_CHECKING, Final

from bot.domain.decision import Refused, refuse

if TYPE_CHECKING:
    from bot.domain.catalog.catalog import Catalog
    from bot.ports import Ports

LONGEST_PAGE: Final = 1000
_NUMBER = re.compile(r"(?:[Dd]-?)?0*([1-9][0-9]{0,17})")


def deploy_number(word: str) -> int | None:
    """The number that ``D-12``, ``d12`` or ``12`` names; None for anything else."""
    found = _NUMBER.fullmatch(word)
    return int(found[1]) if found else None


async def catalog_of(ports: Ports) -> Catalog:
    """The catalog whose names tell a service from other words. Raises ``CatalogMissing``."""
    async with ports.store.read() as reading:
        return (await reading.active_catalog()).catalog


def no_service(word: str, catalog: Catalog) -> Refused | None:
    """What is certainly meant as something else than a service: how to write that instead."""
    if word in catalog.services:
        return None
    if word in catalog.environments:
        return refuse("unknown-service", f"`{word}` is an environment: write --in {word}.")
    number = deploy_number(word)
    if number is None:
        return None
    said = f"`{word}` is a deploy: `nomatron audit list D-{number}` says what happened to it. Here a service is named."
    return refuse("unknown-service", said)


def page_length(word: str) -> int:
    """How many items a page has; argparse prints the error and ends with 2."""
    if not (word.isascii() and word.isdigit() and 1 <= int(word[:9]) <= LONGEST_PAGE):
        raise argparse.ArgumentTypeError(f"{word}: write a number from 1 to {LONGEST_PAGE}")
    return int(word)


def refused(refusal: Refused) -> int:
    """Every reason on standard error; the exit status."""
    sys.stderr.writelines(f"{reason.text}\n" for reason in refusal.reasons)
    return 1
