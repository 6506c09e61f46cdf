"""Words that several verbs read alike, and a refusal as words."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from bot.domain.decision import Refused

LONGEST_PAGE: Final = 1000


def page_length(word: str) -> int:
    """How many items a page has; argparse prints the error and ends with 2."""
    if not (word.isascii() and word.isdigit() and 1 <= int(word[:9]) <= LONGEST_PAGE):
        raise argparse.ArgumentTypeError(f"{word}: write a number from 1 to {LONGEST_PAGE}")
    return int(word)


def refused(refusal: Refused) -> int:
    """Every reason on standard error; the exit status."""
    sys.stderr.writelines(f"{reason.text}\n" for reason in refusal.reasons)
    return 1
