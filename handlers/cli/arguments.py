"""Reads the arguments that several verbs share, and prints refusals.

A word is a service if the catalog has a service of that name, even if it looks like something else.
"""

from __future__ import annotations

import argparse
import re
import sys
from typing import TYPE_CHECKING, Final

from bot.domain.decision import Refused, refuse
from bot.domain.names import named

if TYPE_CHECKING:
    from bot.domain.catalog.catalog import Catalog
    from bot.ports import Ports

LONGEST_PAGE: Final = 1000
_NUMBER = re.compile(r"(?:[Dd]-?)?0*([1-9][0-9]{0,17})")


def deploy_number(word: str) -> int | None:
    """The number in ``D-12``, ``d12`` or ``12``; None for anything else."""
    found = _NUMBER.fullmatch(word)
    return int(found[1]) if found else None


async def catalog_of(ports: Ports) -> Catalog:
    """The active catalog. Raises ``CatalogMissing``."""
    async with ports.store.read() as reading:
        return (await reading.active_catalog()).catalog


def no_service(word: str, catalog: Catalog) -> Refused | None:
    """A refusal, with the right way to write it, if the word is an environment or a deploy; else None."""
    if named(word, catalog.services) is not None:
        return None
    environment = named(word, catalog.environments)
    if environment is not None:
        return refuse("unknown-service", f"`{environment}` is an environment, not a service: write --in {environment}.")
    number = deploy_number(word)
    if number is None:
        return None
    text = f"`{word}` is a deploy, not a service. To see what happened to it: `nomatron audit list D-{number}`."
    return refuse("unknown-service", text)


def service_of(word: str | None, catalog: Catalog) -> str | None:
    """The catalog's service of that name, in any case; else the word itself, which may have been a service before."""
    return (named(word, catalog.services) or word) if word else word


def environment_of(word: str | None, catalog: Catalog) -> str | None:
    """The catalog's environment of that name, in any case; else the word itself, which may have been one before."""
    return (named(word, catalog.environments) or word) if word else word


def page_length(word: str) -> int:
    """The number of items on a page, 1 to ``LONGEST_PAGE``; argparse prints the error and exits with 2."""
    if not (word.isascii() and word.isdigit() and 1 <= int(word[:9]) <= LONGEST_PAGE):
        raise argparse.ArgumentTypeError(f"`{word}` is out of range: write a number from 1 to {LONGEST_PAGE}")
    return int(word)


def print_refusal(refusal: Refused) -> int:
    """Print every reason on standard error; the exit status, 1."""
    sys.stderr.writelines(f"{reason.text}\n" for reason in refusal.reasons)
    return 1
